"""scripts.node: JavaScript."""

from orchestrator.tasks.contract import Outcome, RunContext, TaskType
from orchestrator.tasks.properties import Dynamic, Text
from orchestrator.tasks.scripts.runner import OWN_FOLDER, Plan, ScriptProperties, listed, run_script

_NO_NODE = "command -v node >/dev/null || { echo 'Node.js is not installed on this worker.' >&2; exit 127; }"


class NodeScriptProperties(ScriptProperties):
    """A JavaScript program."""

    script: Text


class NodeScript(TaskType[NodeScriptProperties]):
    """Run JavaScript in Node.js."""

    type = "scripts.node.Script"
    aliases = ("io.kestra.core.tasks.scripts.Node",)
    title = "Run a Node.js script"
    icon = "file-code"
    Properties = NodeScriptProperties

    def run(self, properties: NodeScriptProperties, context: RunContext) -> Outcome:
        """Run the program, with the working directory's modules in reach."""
        lines = [_NO_NODE, 'export NODE_PATH="$WORKING_DIR/node_modules"', f'exec node "{OWN_FOLDER}/script.js"']
        return run_script(Plan(lines=lines, file_name="script.js", text=properties.script), properties, context)


class NodeCommandsProperties(ScriptProperties):
    """Command lines."""

    commands: Dynamic[list[Text] | Text]


class NodeCommands(TaskType[NodeCommandsProperties]):
    """Run command lines where node is needed."""

    type = "scripts.node.Commands"
    title = "Run Node.js commands"
    icon = "square-terminal"
    Properties = NodeCommandsProperties

    def run(self, properties: NodeCommandsProperties, context: RunContext) -> Outcome:
        """Run the lines."""
        return run_script(Plan(lines=[_NO_NODE, *listed(properties.commands)]), properties, context)
