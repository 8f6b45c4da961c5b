"""Every task type by its canonical name.

To add a type: write its class, add it to `_TYPES`. Nothing else has to know.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from orchestrator.core.type_info import TypeInfo
from orchestrator.tasks.contract import TaskType
from orchestrator.tasks.core.debug import Echo, Return
from orchestrator.tasks.core.execution import Assert, Fail, Labels
from orchestrator.tasks.core.log import Log
from orchestrator.tasks.core.output import OutputValues
from orchestrator.tasks.core.sleep import Sleep
from orchestrator.tasks.http.request import Download, Request
from orchestrator.tasks.jdbc.duckdb import DuckdbQueries, DuckdbQuery
from orchestrator.tasks.jdbc.postgresql import PostgresqlQueries, PostgresqlQuery
from orchestrator.tasks.jdbc.sqlite import SqliteQueries, SqliteQuery
from orchestrator.tasks.scripts.node import NodeCommands, NodeScript
from orchestrator.tasks.scripts.python import PythonCommands, PythonScript
from orchestrator.tasks.scripts.shell import ShellCommands, ShellScript

_TYPES: tuple[TaskType[Any], ...] = (
    Log(),
    Return(),
    Echo(),
    OutputValues(),
    Fail(),
    Assert(),
    Labels(),
    Sleep(),
    Request(),
    Download(),
    PythonScript(),
    PythonCommands(),
    ShellScript(),
    ShellCommands(),
    NodeScript(),
    NodeCommands(),
    PostgresqlQuery(),
    PostgresqlQueries(),
    SqliteQuery(),
    SqliteQueries(),
    DuckdbQuery(),
    DuckdbQueries(),
)

_BY_NAME: Mapping[str, TaskType[Any]] = {name: known for known in _TYPES for name in (known.type, *known.aliases)}


class UnknownTaskType(LookupError):
    """No task type has this name."""


def task_type(name: str) -> TaskType[Any]:
    """Return the type called `name` (canonical or alias); raise UnknownTaskType."""
    try:
        return _BY_NAME[name]
    except KeyError:
        raise UnknownTaskType(name) from None


def is_task_type(name: str) -> bool:
    """Tell whether `name` is a type that runs (flowables are not among them)."""
    return name in _BY_NAME


def task_types() -> tuple[TaskType[Any], ...]:
    """Return every type once."""
    return _TYPES


@cache
def schema(name: str) -> Mapping[str, Any]:
    """Return the JSON Schema of a type's own properties, as the editor and the form need it."""
    known = task_type(name)
    return {**known.Properties.model_json_schema(by_alias=True), "title": known.title}


@cache
def catalogue() -> Mapping[str, TypeInfo]:
    """Return every type by its canonical name, as the rules of flows and the editor need it."""
    return {
        known.type: TypeInfo(name=known.type, schema=schema(known.type), check=known.check, aliases=known.aliases)
        for known in _TYPES
    }
