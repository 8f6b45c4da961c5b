"""scripts.python: Python code in an environment of its own."""

from orchestrator.tasks.contract import Outcome, RunContext, TaskType
from orchestrator.tasks.properties import Dynamic, Text, TextOrNone
from orchestrator.tasks.scripts.runner import OWN_FOLDER, Plan, ScriptProperties, listed, run_script


class PythonProperties(ScriptProperties):
    """Packages, besides what every script can be given."""

    dependencies: Dynamic[list[Text] | Text] = []  # as pip writes them: "pandas>=2"
    python_version: TextOrNone = None
    package_manager: TextOrNone = None
    dependency_cache_enabled: Dynamic[bool] = True


class PythonScriptProperties(PythonProperties):
    """A Python script."""

    script: Text


class PythonScript(TaskType[PythonScriptProperties]):
    """Run Python code; without commands before it and an interpreter of its own it starts warm."""

    type = "scripts.python.Script"
    aliases = ("io.kestra.core.tasks.scripts.Python",)
    title = "Run a Python script"
    icon = "file-code"
    Properties = PythonScriptProperties

    def run(self, properties: PythonScriptProperties, context: RunContext) -> Outcome:
        """Run the script in the environment that holds its packages."""
        plan = Plan(
            lines=[f'exec python "{OWN_FOLDER}/script.py"'],
            file_name="script.py",
            text=properties.script,
            warm=True,
            packages=listed(properties.dependencies),
        )
        return run_script(plan, properties, context)


class PythonCommandsProperties(PythonProperties):
    """Command lines."""

    commands: Dynamic[list[Text] | Text]


class PythonCommands(TaskType[PythonCommandsProperties]):
    """Run command lines where `python` is the environment's."""

    type = "scripts.python.Commands"
    title = "Run Python commands"
    icon = "square-terminal"
    Properties = PythonCommandsProperties

    def run(self, properties: PythonCommandsProperties, context: RunContext) -> Outcome:
        """Run the lines in a shell."""
        plan = Plan(lines=listed(properties.commands), packages=listed(properties.dependencies))
        return run_script(plan, properties, context)
