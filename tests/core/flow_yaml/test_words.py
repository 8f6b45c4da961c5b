"""Durations, names of types, near names and sentences."""

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.durations import read_duration, write_duration
from orchestrator.core.sentences import Sentence, say
from orchestrator.core.similar import did_you_mean, similar
from orchestrator.core.type_names import canonical, full


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT10S", 10),
        ("pt0.25s", 0.25),
        ("P1D", 86_400),
        ("P1DT2H3M4S", 93_784),
        ("P1W", 604_800),
        ("-PT5M", -300),
        ("PT-5M", -300),
        ("PT1.S", 1),
        ("PT0S", 0),
    ],
)
def test_iso_durations_are_read(text: str, seconds: float) -> None:
    assert read_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "P", "PT", "10", "5 minutes", "P1Y", "P1M", "PT1H2", "P999999999999D", "PT1S2M"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        read_duration(text)


@given(st.timedeltas(timedelta(days=-9_000), timedelta(days=9_000)))
def test_a_duration_that_was_written_reads_the_same(length: timedelta) -> None:
    assert read_duration(write_duration(length)) == length


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("core.log.Log", "core.log.Log"),
        ("io.kestra.plugin.core.log.Log", "core.log.Log"),
        ("io.kestra.plugin.ee.apps.Execution", "apps.Execution"),
        ("io.kestra.plugin.ee.flow.HumanTask", "core.flow.HumanTask"),
        ("io.kestra.core.tasks.flows.EachSequential", "core.flow.EachSequential"),
        ("io.kestra.core.tasks.flows.Flow", "core.flow.Subflow"),
        ("io.kestra.plugin.core.flow.WaitFor", "core.flow.LoopUntil"),
        ("io.kestra.core.models.triggers.types.Schedule", "core.trigger.Schedule"),
        ("io.kestra.core.models.conditions.types.ExecutionStatusCondition", "core.condition.ExecutionStatus"),
        ("io.kestra.core.models.conditions.types.MultipleCondition", "core.condition.MultipleCondition"),
        ("io.kestra.plugin.scripts.python.Script", "scripts.python.Script"),
        ("my.own.Type", "my.own.Type"),
    ],
)
def test_one_type_has_one_name_however_it_is_written(written: str, name: str) -> None:
    assert canonical(written) == name
    assert canonical(canonical(written)) == name
    assert canonical(full(name)) == name


def test_the_nearest_name_is_proposed() -> None:
    assert did_you_mean("mesage", ["message", "level"]) == "Did you mean `message`?"
    assert did_you_mean("LOG", ["core.log.Log"]) == "Did you mean `core.log.Log`?"
    assert did_you_mean("completely", ["message", "level"]) == ""
    assert similar("x" * 5_000, ["x" * 5_000]) is None


def test_a_sentence_is_text_that_can_still_be_translated() -> None:
    sentence = say("There is no type `%(type)s`.", type="a.B")
    assert sentence == "There is no type `a.B`."
    assert isinstance(sentence, Sentence)
    assert sentence.template % sentence.values == sentence
