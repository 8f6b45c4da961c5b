"""core.execution: act on the execution itself."""

from collections.abc import Iterator, Mapping

from orchestrator.core.states import State
from orchestrator.tasks.contract import Effects, Outcome, RunContext, TaskFailed, TaskType
from orchestrator.tasks.properties import Dynamic, TaskProperties, Text, TextOrNone

FALSY = frozenset({"", "false", "0", "-0"})  # the field's exact list, compared with the rendered text


class FailProperties(TaskProperties):
    """When to fail, and what to say."""

    condition: TextOrNone = None
    error_message: Text = "Task failure"


class Fail(TaskType[FailProperties]):
    """Fail, always or when a condition holds."""

    type = "core.execution.Fail"
    aliases = ("io.kestra.core.tasks.executions.Fail",)
    instant = True
    effects = Effects.NONE
    title = "Fail"
    icon = "octagon-x"
    Properties = FailProperties

    def run(self, properties: FailProperties, context: RunContext) -> Outcome:
        """Fail unless there is a condition and it is falsy."""
        if properties.condition is not None and properties.condition in FALSY:
            return Outcome()
        context.log("ERROR", properties.error_message)
        return Outcome(State.FAILED, error=properties.error_message)


class AssertProperties(TaskProperties):
    """What must hold."""

    conditions: list[Text]
    error_message: TextOrNone = None


class Assert(TaskType[AssertProperties]):
    """Fail unless every condition holds."""

    type = "core.execution.Assert"
    instant = True
    effects = Effects.NONE
    title = "Assert"
    icon = "circle-check"
    Properties = AssertProperties

    def run(self, properties: AssertProperties, context: RunContext) -> Outcome:
        """Count the conditions that do not hold."""
        broken = sum(condition in FALSY for condition in properties.conditions)
        if not broken:
            return Outcome()
        message = f"{broken} assertion{'s' if broken > 1 else ''} failed!"
        if properties.error_message:
            context.log("ERROR", properties.error_message)
            message = f"{properties.error_message} ({message})"
        return Outcome(State.FAILED, error=message)


class LabelsProperties(TaskProperties):
    """The labels: a map, or a list of key and value; an expression may give either."""

    labels: Dynamic[dict[str, object] | list[dict[str, object]]]


class Labels(TaskType[LabelsProperties]):
    """Add labels to the execution; one that it has already gets the new value."""

    type = "core.execution.Labels"
    aliases = ("io.kestra.core.tasks.executions.Labels",)
    instant = True
    effects = Effects.NONE
    title = "Set labels"
    icon = "tag"
    Properties = LabelsProperties

    def run(self, properties: LabelsProperties, context: RunContext) -> Outcome:  # noqa: ARG002
        """Read the labels; those of the system are not an author's to set."""
        return Outcome(labels=dict(_pairs(properties.labels)))


def _pairs(written: Mapping[str, object] | list[dict[str, object]]) -> Iterator[tuple[str, str]]:
    if isinstance(written, Mapping):
        found = list(written.items())
    else:
        for one in written:
            if set(one) != {"key", "value"}:
                raise TaskFailed("A label in a list has a key and a value.")
        found = [(str(one["key"]), one["value"]) for one in written]
    for key, value in found:
        if isinstance(value, (Mapping, list)):
            raise TaskFailed(f"The label {key} must be a text.")
        text = ("true" if value else "false") if isinstance(value, bool) else str("" if value is None else value)
        if not key.strip() or not text.strip():
            raise TaskFailed("A label has a key and a value, and neither is empty.")
        if key.startswith("system."):
            raise TaskFailed(f"The label {key} can only be set by the system itself.")
        yield key, text
