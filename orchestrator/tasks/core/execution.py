"""core.execution: act on the execution itself."""

from orchestrator.core.states import State
from orchestrator.tasks.contract import Effects, Outcome, RunContext, TaskType
from orchestrator.tasks.properties import TaskProperties, Text, TextOrNone

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
