"""core.debug: show a value, as an output or in the log."""

from orchestrator.tasks.contract import Effects, Outcome, RunContext, TaskType
from orchestrator.tasks.core.log import Level
from orchestrator.tasks.properties import Dynamic, TaskProperties, TextOrNone


class ReturnProperties(TaskProperties):
    """The text to give back."""

    format: TextOrNone = None


class Return(TaskType[ReturnProperties]):
    """Give a rendered text back as the output `value`."""

    type = "core.debug.Return"
    aliases = ("io.kestra.core.tasks.debugs.Return",)
    instant = True
    effects = Effects.NONE
    title = "Return a text"
    icon = "corner-down-left"
    Properties = ReturnProperties

    def run(self, properties: ReturnProperties, context: RunContext) -> Outcome:  # noqa: ARG002
        """Return the text; absent it stays null."""
        return Outcome(outputs={"value": properties.format})


class EchoProperties(TaskProperties):
    """The text to log, and how loudly."""

    format: TextOrNone = None
    level: Dynamic[Level] = "INFO"


class Echo(TaskType[EchoProperties]):
    """Write a text to the log (the older spelling of core.log.Log)."""

    type = "core.debug.Echo"
    aliases = ("io.kestra.core.tasks.debugs.Echo",)
    instant = True
    effects = Effects.NONE
    title = "Write to the log (older name)"
    icon = "scroll-text"
    Properties = EchoProperties

    def run(self, properties: EchoProperties, context: RunContext) -> Outcome:
        """Hand the text over."""
        context.log(properties.level, properties.format or "")
        return Outcome()
