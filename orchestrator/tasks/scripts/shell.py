"""scripts.shell: command lines."""

from orchestrator.tasks.contract import Outcome, RunContext, TaskType
from orchestrator.tasks.properties import Dynamic, Text
from orchestrator.tasks.scripts.runner import Plan, ScriptProperties, listed, run_script


class ShellScriptProperties(ScriptProperties):
    """A shell script."""

    script: Text


class ShellScript(TaskType[ShellScriptProperties]):
    """Run a text in a shell."""

    type = "scripts.shell.Script"
    aliases = ("io.kestra.core.tasks.scripts.Bash",)
    title = "Run a shell script"
    icon = "terminal"
    Properties = ShellScriptProperties

    def run(self, properties: ShellScriptProperties, context: RunContext) -> Outcome:
        """Run the text."""
        return run_script(Plan(lines=[properties.script]), properties, context)


class ShellCommandsProperties(ScriptProperties):
    """Command lines."""

    commands: Dynamic[list[Text] | Text]


class ShellCommands(TaskType[ShellCommandsProperties]):
    """Run command lines one after the other, ending at the first that fails."""

    type = "scripts.shell.Commands"
    title = "Run shell commands"
    icon = "square-terminal"
    Properties = ShellCommandsProperties

    def run(self, properties: ShellCommandsProperties, context: RunContext) -> Outcome:
        """Run the lines."""
        return run_script(Plan(lines=listed(properties.commands)), properties, context)
