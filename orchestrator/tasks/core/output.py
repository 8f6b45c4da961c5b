"""core.output: name values for later tasks."""

from orchestrator.tasks.contract import Effects, Outcome, RunContext, TaskType
from orchestrator.tasks.properties import Dynamic, TaskProperties


class OutputValuesProperties(TaskProperties):
    """The values, each of any shape."""

    values: Dynamic[dict[str, object]]


class OutputValues(TaskType[OutputValuesProperties]):
    """Give values back as they are: an expression alone keeps its type."""

    type = "core.output.OutputValues"
    instant = True
    effects = Effects.NONE
    title = "Output values"
    icon = "package-open"
    Properties = OutputValuesProperties

    def run(self, properties: OutputValuesProperties, context: RunContext) -> Outcome:  # noqa: ARG002
        """Return the values under `values`."""
        return Outcome(outputs={"values": properties.values})
