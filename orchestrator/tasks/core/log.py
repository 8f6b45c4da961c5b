"""core.log: write to the execution's log."""

from typing import Literal

from orchestrator.tasks.contract import Effects, Outcome, RunContext, TaskType
from orchestrator.tasks.properties import Dynamic, TaskProperties, Text

Level = Literal["TRACE", "DEBUG", "INFO", "WARN", "ERROR"]


class LogProperties(TaskProperties):
    """What to write, and how loudly."""

    message: list[Text] | Text
    level: Dynamic[Level] = "INFO"


class Log(TaskType[LogProperties]):
    """Write one line, or one for each message of a list."""

    type = "core.log.Log"
    aliases = ("io.kestra.core.tasks.log.Log",)
    instant = True
    effects = Effects.NONE
    title = "Write to the log"
    icon = "scroll-text"
    Properties = LogProperties

    def run(self, properties: LogProperties, context: RunContext) -> Outcome:
        """Hand the message over, line for line of the list."""
        messages = properties.message if isinstance(properties.message, list) else [properties.message]
        for message in messages:
            context.log(properties.level, message)
        return Outcome()
