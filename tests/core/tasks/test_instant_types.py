"""The types that run inside the executor: log, return, output values, fail."""

import pytest

from orchestrator.core.states import State
from orchestrator.tasks.contract import RunContext, TaskFailed, TaskStopped, TaskType
from orchestrator.tasks.properties import Dynamic, TaskProperties, as_text
from orchestrator.tasks.registry import UnknownTaskType, schema, task_type, task_types


def run(name, lines=None, **properties):
    lines = [] if lines is None else lines
    return task_type(name).perform(properties, RunContext(log=lambda level, text: lines.append((level, text))))


def test_a_log_task_writes_each_message_of_a_list_at_its_level():
    lines = []
    outcome = run("core.log.Log", lines, message=["one", {"two": 2}, None, True], level="WARN")
    assert outcome.state is State.SUCCESS
    assert lines == [("WARN", "one"), ("WARN", '{"two":2}'), ("WARN", ""), ("WARN", "true")]


@pytest.mark.parametrize(
    ("native", "text"),
    [
        ("x", "x"),
        (None, ""),
        (False, "false"),
        (3, "3"),
        (1.0, "1.0"),
        ([1, "ä"], '[1,"ä"]'),
        ({"a": None}, '{"a":null}'),
    ],
)
def test_a_returned_value_is_the_text_that_an_expression_prints(native, text):
    assert as_text(native) == text
    assert run("core.debug.Return", format=native).outputs == {"value": text}


def test_a_return_without_format_gives_null():
    assert run("core.debug.Return").outputs == {"value": None}


def test_output_values_keep_their_types_and_are_read_from_json_text():
    assert run("core.output.OutputValues", values={"n": 1, "l": [True]}).outputs == {"values": {"n": 1, "l": [True]}}
    assert run("core.output.OutputValues", values='{"n": 1}').outputs == {"values": {"n": 1}}


@pytest.mark.parametrize("condition", [False, "false", "0", "-0", "", None])
def test_a_fail_task_passes_when_its_condition_is_falsy(condition):
    assert run("core.execution.Fail", condition=condition).state is State.SUCCESS


@pytest.mark.parametrize("properties", [{}, {"condition": True}, {"condition": "False"}, {"condition": " "}])
def test_a_fail_task_fails_always_or_when_its_condition_holds(properties):
    outcome = run("core.execution.Fail", errorMessage="Too much", **properties)
    assert (outcome.state, outcome.error) == (State.FAILED, "Too much")


@pytest.mark.parametrize(
    "labels",
    [
        {"team": "red", "size": 3, "urgent": True},
        [{"key": "team", "value": "red"}, {"key": "size", "value": 3}, {"key": "urgent", "value": True}],
        '{"team": "red", "size": 3, "urgent": true}',
    ],
)
def test_labels_come_as_a_map_as_a_list_or_as_json(labels):
    assert run("core.execution.Labels", labels=labels).labels == {"team": "red", "size": "3", "urgent": "true"}


@pytest.mark.parametrize(
    "labels", [{"system.id": "x"}, {"": "x"}, {"team": ""}, {"team": None}, {"team": ["red"]}, [{"key": "team"}]]
)
def test_a_label_of_the_system_or_an_empty_one_fails(labels):
    outcome = run("core.execution.Labels", labels=labels)
    assert (outcome.state, bool(outcome.labels)) == (State.FAILED, False)


def test_an_assertion_says_how_many_conditions_do_not_hold():
    assert run("core.execution.Assert", conditions=["true", "1"]).state is State.SUCCESS
    outcome = run("core.execution.Assert", conditions=["true", False, "0"], errorMessage="Not so")
    assert (outcome.state, outcome.error) == (State.FAILED, "Not so (2 assertions failed!)")


def test_expressions_are_accepted_as_written_and_refused_once_rendered():
    log = task_type("core.log.Log")
    assert log.check({"message": "{{ inputs.a }}", "level": "{{ inputs.level }}"}) == []
    with pytest.raises(TaskFailed, match="level: This must be one of 'TRACE'"):
        log.read({"message": "x", "level": "{{ inputs.level }}"})


def test_each_problem_names_the_property_as_the_author_wrote_it():
    found = dict(task_type("core.execution.Fail").check({"errorMesage": "x"}))
    assert found == {("errorMesage",): "There is no property `errorMesage` here."}
    found = dict(task_type("core.log.Log").check({"level": "LOUD"}))
    assert found[()] == "`message` is missing."
    assert found[("level",)].values["choices"] == "'TRACE', 'DEBUG', 'INFO', 'WARN' or 'ERROR'"
    assert dict(task_type("core.output.OutputValues").check({"values": 3})) == {("values",): "This must be a map."}


def test_every_type_has_a_name_a_title_and_a_schema_and_instant_types_are_few():
    for known in task_types():
        assert task_type(known.type) is known
        assert known.title
        assert schema(known.type)["additionalProperties"] is False
    with pytest.raises(UnknownTaskType):
        task_type("core.log.Lug")


class _Properties(TaskProperties):
    how: Dynamic[str] = ""


class _Breaks(TaskType[_Properties]):
    type = "tests.Breaks"
    Properties = _Properties

    def run(self, properties, context):
        raise {"stop": TaskStopped, "fault": ZeroDivisionError}[properties.how]("why")


def test_a_fault_of_a_type_is_the_failure_of_its_task():
    outcome = _Breaks().perform({"how": "fault"}, RunContext(log=print))
    assert (outcome.state, outcome.error) == (State.FAILED, "ZeroDivisionError: why")
    assert _Breaks().perform({"how": "stop"}, RunContext(log=print)).state is State.KILLED
