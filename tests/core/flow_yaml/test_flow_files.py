"""Flows in files: what is read of the valid ones, and which problems the invalid ones have, with line and column."""

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.core.errors import FlowInvalid
from orchestrator.core.flow_rules import problems_of
from orchestrator.core.flow_yaml import parse
from tests.core.flow_yaml.known_types import CATALOGUE, FLOWS, outline, told

VALID = sorted((FLOWS / "valid").glob("*.yaml"))
INVALID = sorted((FLOWS / "invalid").glob("*.yaml"))


@pytest.mark.parametrize("file", VALID, ids=lambda file: file.stem)
def test_a_valid_flow_is_read_as_expected(file: Path) -> None:
    flow, problems = problems_of(file.read_text(), CATALOGUE)
    assert flow is not None
    assert not [told(problem) for problem in problems if not problem.warning]
    said = outline(flow) + "".join(f"{told(problem)}\n" for problem in problems)
    assert said == file.with_suffix(".expected").read_text()


@pytest.mark.parametrize("file", VALID, ids=lambda file: file.stem)
def test_a_parsed_flow_keeps_no_document(file: Path) -> None:
    flow = parse(file.read_bytes())
    assert flow.places is None
    assert flow == problems_of(file.read_text(), CATALOGUE)[0]


@pytest.mark.parametrize("file", INVALID, ids=lambda file: file.stem)
def test_an_invalid_flow_has_its_problems_at_their_places(file: Path) -> None:
    _, problems = problems_of(file.read_text(), CATALOGUE)
    assert any(not problem.warning for problem in problems)
    said = "".join(f"{told(problem)}\n" for problem in problems)
    assert said == file.with_suffix(".problems").read_text()


def test_parse_raises_every_problem_at_once() -> None:
    with pytest.raises(FlowInvalid) as caught:
        parse("id: a b\nnamespace: A\ntask: []\n")
    assert [problem.line for problem in caught.value.problems] == [1, 1, 2, 3]
    assert "1:1" in str(caught.value)


def test_a_flow_whose_expressions_cannot_be_read_may_be_let_through_with_warnings() -> None:
    source = 'id: a\nnamespace: b\ntasks:\n  - {id: c, type: core.log.Log, message: "{{ ) }}"}\n'
    assert [problem.warning for problem in problems_of(source, CATALOGUE)[1]] == [False]
    assert [problem.warning for problem in problems_of(source, CATALOGUE, broken_expressions_warn=True)[1]] == [True]


def test_old_names_of_a_type_are_known_but_not_proposed() -> None:
    log = CATALOGUE["core.log.Log"]
    catalogue = {log.name: replace(log, aliases=("my.old.Logger",))}
    source = "id: a\nnamespace: b\ntasks:\n  - {{id: c, type: {}, message: d}}\n"
    assert problems_of(source.format("my.old.Logger"), catalogue)[1] == []
    assert problems_of(source.format("my.old.Loggr"), catalogue)[1][0].mend == ""


def test_a_worker_group_must_be_one_of_those_there_are() -> None:
    source = "id: a\nnamespace: b\ntasks:\n  - {id: c, type: core.log.Log, message: d, workerGroup: {key: gpu}}\n"
    assert problems_of(source, CATALOGUE, worker_groups={"default", "gpu"})[1] == []
    assert "no worker group `gpu`" in problems_of(source, CATALOGUE)[1][0].message
