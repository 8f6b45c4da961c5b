"""core.flow.Sleep: let time pass on a worker."""

from datetime import timedelta

from orchestrator.tasks.contract import Effects, Outcome, RunContext, TaskType
from orchestrator.tasks.properties import Dynamic, TaskProperties


class SleepProperties(TaskProperties):
    """How long."""

    duration: Dynamic[timedelta]


class Sleep(TaskType[SleepProperties]):
    """Hold a worker for a while; a kill ends it at once. A Pause with a delay waits without a worker."""

    type = "core.flow.Sleep"
    aliases = ("io.kestra.core.tasks.flows.Sleep",)
    effects = Effects.NONE
    title = "Sleep"
    icon = "timer"
    Properties = SleepProperties

    def run(self, properties: SleepProperties, context: RunContext) -> Outcome:
        """Wait."""
        context.stop.wait(properties.duration.total_seconds())
        context.raise_if_stopped()
        return Outcome()
