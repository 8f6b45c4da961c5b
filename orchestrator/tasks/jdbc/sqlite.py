"""jdbc.sqlite: a database in a file of the working directory, or in memory."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from orchestrator.tasks.contract import Effects, RunContext, TaskFailed
from orchestrator.tasks.files import beneath, lay_out
from orchestrator.tasks.jdbc.query import BATCH, Answer, Database, Engine, QueryProperties, SqlTask
from orchestrator.tasks.jdbc.statements import named
from orchestrator.tasks.properties import Dynamic, Text, TextOrNone, as_text

_LONGEST_VALUE = 100 * 1024 * 1024
_MEMORY = frozenset({"", ":memory:"})


class SqliteProperties(QueryProperties):
    """Where the database comes from, and whether its file is kept."""

    url: Text = "jdbc:sqlite:"
    sqlite_file: TextOrNone = None  # address of a stored database
    output_db_file: Dynamic[bool] = False
    input_files: Dynamic[dict[str, object]] = {}

    def file_name(self) -> str:
        """Return the database's name in the working directory; nothing for one in memory."""
        name = self.url.strip().removeprefix("jdbc:").removeprefix("sqlite:").partition("?")[0].removeprefix("file:")
        if name in _MEMORY:
            return "database.db" if self.sqlite_file or self.output_db_file else ""
        return name.lstrip("/") if name.startswith("///") else name


class _Connection:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def ask(self, sql: str, parameters: Mapping[str, object], *, rows: bool) -> Answer:
        _, used = named(sql, parameters.keys(), lambda name: f":{name}")
        cursor = self._connection.execute(sql, {name: _bindable(parameters[name]) for name in used})
        if rows and cursor.description:
            return Answer([column[0] for column in cursor.description], _batches(cursor))
        if cursor.description:
            cursor.fetchone()  # a statement runs only when it is read
        return Answer(changed=cursor.rowcount)

    def interrupt(self) -> None:
        self._connection.interrupt()

    def commit(self) -> None:
        self._connection.commit()


def _batches(cursor: sqlite3.Cursor) -> Iterator[Sequence[Sequence[Any]]]:
    while batch := cursor.fetchmany(BATCH):
        yield batch


def _bindable(value: object) -> Any:  # noqa: ANN401
    return as_text(value) if isinstance(value, dict | list) else value


class SqliteQuery(SqlTask[SqliteProperties]):
    """Ask a SQLite database."""

    type = "jdbc.sqlite.Query"
    effects = Effects.WRITE
    title = "Query SQLite"
    engine = Engine("SQLite", errors=(sqlite3.Error,))
    Properties = SqliteProperties

    @contextmanager
    def connect(self, properties: SqliteProperties, context: RunContext) -> Iterator[Database]:
        """Open the file in the working directory; nothing outside of it can be attached or written."""
        folder = context.working_dir.resolve()
        lay_out(folder, properties.input_files, None, context)
        name = properties.file_name()
        if properties.sqlite_file:
            lay_out(folder, {name: properties.sqlite_file}, None, context)
        path = str(inside(folder, name)) if name else ":memory:"
        with closing(sqlite3.connect(path, check_same_thread=False, timeout=10)) as connection:
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.set_authorizer(_guard(folder))
            yield _Connection(connection)

    def after(self, properties: SqliteProperties, context: RunContext) -> Mapping[str, object]:
        """Keep the database's file when it is wanted."""
        if not properties.output_db_file:
            return {}
        name = properties.file_name()
        with inside(context.working_dir.resolve(), name).open("rb") as file:
            return {"databaseUri": context.storage.put(name, file)}


class SqliteQueries(SqliteQuery):
    """Run several statements in one transaction; each answer counts."""

    type = "jdbc.sqlite.Queries"
    title = "Run SQLite statements"
    many = True


def inside(folder: Path, name: str) -> Path:
    """Return the path of a file in the working directory; raise TaskFailed for any other place."""
    path = Path(name)
    if path.is_absolute():
        if not path.resolve().is_relative_to(folder):
            raise TaskFailed(f"{name} lies outside of the working directory.")
        return path.resolve()
    return beneath(folder, name)


def _guard(folder: Path) -> Any:  # noqa: ANN401
    def allow(action: int, first: str | None, *_: str | None) -> int:
        if action == sqlite3.SQLITE_PRAGMA and first in {
            "temp_store_directory",
            "data_store_directory",
            "trusted_schema",
        }:
            return sqlite3.SQLITE_DENY
        if action != sqlite3.SQLITE_ATTACH or first in _MEMORY:  # VACUUM INTO attaches, too
            return sqlite3.SQLITE_OK
        return sqlite3.SQLITE_OK if first and _is_inside(folder, first) else sqlite3.SQLITE_DENY

    return allow


def _is_inside(folder: Path, name: str) -> bool:
    """Only absolute paths: SQLite reads relative ones from the worker's own directory."""
    return name.startswith("/") and Path(name).resolve().is_relative_to(folder)
