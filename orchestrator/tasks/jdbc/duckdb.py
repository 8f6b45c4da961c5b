"""jdbc.duckdb: SQL over files of the working directory."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import duckdb

from orchestrator.tasks.contract import Effects, RunContext, TaskFailed
from orchestrator.tasks.files import PRIVATE, NamespaceFilesProperties, gather, lay_out
from orchestrator.tasks.jdbc.query import BATCH, Answer, Database, Engine, QueryProperties, SqlTask
from orchestrator.tasks.jdbc.sqlite import inside
from orchestrator.tasks.jdbc.statements import named, with_absolute_files
from orchestrator.tasks.properties import Dynamic, Text, TextOrNone

_MEMORY = frozenset({"", ":memory:"})


class DuckdbProperties(QueryProperties):
    """Where the database and its files come from, and what is kept."""

    url: Text = "jdbc:duckdb:"
    database_uri: TextOrNone = None  # address of a stored database
    output_db_file: Dynamic[bool] = False
    input_files: Dynamic[dict[str, object]] = {}
    namespace_files: Dynamic[NamespaceFilesProperties] | None = None
    output_files: Dynamic[list[Text] | Text] = []

    def file_name(self) -> str:
        """Return the database's name in the working directory; nothing for one in memory."""
        name = self.url.strip().removeprefix("jdbc:").removeprefix("duckdb:").partition("?")[0]
        if name.startswith("md:") or "://" in name:
            raise TaskFailed("Only databases in the working directory or in memory can be opened.")
        if name in _MEMORY:
            return "database.duckdb" if self.database_uri or self.output_db_file else ""
        return name


class _Connection:
    def __init__(self, connection: Any, folder: Path) -> None:  # noqa: ANN401
        self._connection = connection
        self._folder = folder

    def ask(self, sql: str, parameters: Mapping[str, object], *, rows: bool) -> Answer:
        text = with_absolute_files(sql, lambda name: str(self._folder / name))
        text, used = named(text, parameters.keys(), lambda name: f"${name}")
        result = self._connection.execute(text, {name: parameters[name] for name in used} or None)
        if rows and result.description:
            return Answer([column[0] for column in result.description], _batches(result))
        counted = result.fetchone() if result.description and result.description[0][0] == "Count" else None
        return Answer(changed=int(counted[0]) if counted else -1)

    def interrupt(self) -> None:
        self._connection.interrupt()

    def commit(self) -> None:
        self._connection.commit()


def _batches(result: Any) -> Iterator[Sequence[Sequence[Any]]]:  # noqa: ANN401
    while batch := result.fetchmany(BATCH):
        yield batch


class DuckdbQuery(SqlTask[DuckdbProperties]):
    """Ask DuckDB, which reads CSV, JSON and Parquet files of the working directory directly."""

    type = "jdbc.duckdb.Query"
    effects = Effects.WRITE
    title = "Query with DuckDB"
    engine = Engine("DuckDB", errors=(duckdb.Error,))
    Properties = DuckdbProperties

    @contextmanager
    def connect(self, properties: DuckdbProperties, context: RunContext) -> Iterator[Database]:
        """Open the database with nothing but the working directory in reach, for good."""
        folder = context.working_dir.resolve()
        lay_out(folder, properties.input_files, properties.namespace_files, context)
        name = properties.file_name()
        if properties.database_uri:
            lay_out(folder, {name: properties.database_uri}, None, context)
        overflow = folder / PRIVATE
        overflow.mkdir(exist_ok=True)
        with closing(duckdb.connect(str(inside(folder, name)) if name else ":memory:")) as connection:
            quoted = str(folder).replace("'", "''")
            connection.execute(f"SET memory_limit='2GB'; SET threads=2; SET temp_directory='{quoted}/{PRIVATE}'")
            connection.execute("SET max_temp_directory_size='10GB'")
            if properties.time_zone_id:
                connection.execute("SET TimeZone=?", [properties.time_zone_id])
            connection.execute(f"SET allowed_directories=['{quoted}']")
            connection.execute("SET enable_external_access=false")
            connection.execute("SET lock_configuration=true")
            connection.begin()
            yield _Connection(connection, folder)

    def after(self, properties: DuckdbProperties, context: RunContext) -> Mapping[str, object]:
        """Keep the files that are wanted, and the database's own."""
        folder = context.working_dir.resolve()
        kept: dict[str, object] = {}
        patterns = [properties.output_files] if isinstance(properties.output_files, str) else properties.output_files
        if patterns:
            kept["outputFiles"] = gather(folder, patterns, context)
        if properties.output_db_file:
            with inside(folder, properties.file_name()).open("rb") as file:
                kept["databaseUri"] = context.storage.put(properties.file_name(), file)
        return kept


class DuckdbQueries(DuckdbQuery):
    """Run several statements in one transaction; each answer counts."""

    type = "jdbc.duckdb.Queries"
    title = "Run DuckDB statements"
    many = True
