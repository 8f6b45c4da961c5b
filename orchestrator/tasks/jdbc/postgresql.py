"""jdbc.postgresql."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import psycopg
from psycopg import sql as pg
from psycopg.types.json import Jsonb

from orchestrator.tasks.contract import RunContext, TaskFailed
from orchestrator.tasks.http.addresses import allowed_addresses
from orchestrator.tasks.jdbc.query import BATCH, Answer, Database, Engine, QueryProperties, SqlTask
from orchestrator.tasks.jdbc.statements import gives_rows, named
from orchestrator.tasks.properties import Dynamic, TextOrNone

_TLS = frozenset({"disable", "allow", "prefer", "require", "verify-ca", "verify-full"})


class PostgresqlProperties(QueryProperties):
    """How the connection is protected, besides what every query has."""

    ssl: Dynamic[bool] = False
    ssl_mode: TextOrNone = None


class _Connection:
    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def ask(self, sql: str, parameters: Mapping[str, object], *, rows: bool) -> Answer:
        text, used = sql, set[str]()
        if parameters:
            text, used = named(sql.replace("%", "%%"), parameters.keys(), lambda name: f"%({name})s")
        if not used:
            text = sql
        query = pg.SQL(text)  # the author's own SQL; values are bound
        values = {name: _bindable(parameters[name]) for name in used} or None
        cursor = self._connection.cursor()
        if rows and gives_rows(text):
            stream = cursor.stream(query, values, size=BATCH)
            first = list(islice(stream, BATCH))
            return Answer([column.name for column in cursor.description or ()], _batches(first, stream))
        cursor.execute(query, values)
        if cursor.description and rows:
            return Answer([column.name for column in cursor.description], [cursor.fetchall()])
        return Answer(changed=cursor.rowcount)

    def interrupt(self) -> None:
        self._connection.cancel_safe(timeout=5)

    def commit(self) -> None:
        self._connection.commit()


def _batches(first: list[Any], stream: Iterator[Any]) -> Iterator[Sequence[Sequence[Any]]]:
    batch = first
    try:
        while batch:
            yield batch
            batch = list(islice(stream, BATCH))
    finally:
        if isinstance(stream, Generator):  # it holds the connection until it is closed
            stream.close()


def _bindable(value: object) -> object:
    return Jsonb(value) if isinstance(value, dict) else value


class PostgresqlQuery(SqlTask[PostgresqlProperties]):
    """Ask a PostgreSQL database; the last statement's answer counts."""

    type = "jdbc.postgresql.Query"
    title = "Query PostgreSQL"
    engine = Engine("PostgreSQL", errors=(psycopg.Error,))
    Properties = PostgresqlProperties

    @contextmanager
    def connect(self, properties: PostgresqlProperties, context: RunContext) -> Iterator[Database]:
        """Connect to a checked address; the host's name stays the one that certificates are checked for."""
        facts = connection_facts(properties)
        host, port = str(facts["host"]), int(facts["port"])
        addresses = allowed_addresses(host, port, context)
        facts |= {"host": ",".join([host] * len(addresses)), "hostaddr": ",".join(addresses)}
        facts["port"] = ",".join([str(port)] * len(addresses))
        with psycopg.connect(**facts, connect_timeout=10, application_name="portico") as connection:
            yield _Connection(connection)


class PostgresqlQueries(PostgresqlQuery):
    """Run several statements in one transaction; each answer counts."""

    type = "jdbc.postgresql.Queries"
    title = "Run PostgreSQL statements"
    many = True


def connection_facts(properties: PostgresqlProperties) -> dict[str, Any]:
    """Read `jdbc:postgresql://host:port/database?...`; only options that cannot name a file are taken over."""
    address = urlsplit(properties.url.strip().removeprefix("jdbc:"))
    if address.scheme not in {"postgresql", "postgres"} or not address.hostname:
        raise TaskFailed("The url must look like jdbc:postgresql://host:5432/database.")
    options = dict(parse_qsl(address.query))
    mode = properties.ssl_mode or options.get("sslmode") or ("require" if properties.ssl else "prefer")
    mode = mode.lower().replace("_", "-")
    if mode not in _TLS:
        raise TaskFailed(f"{mode!r} is not a TLS mode of PostgreSQL.")
    facts: dict[str, Any] = {
        "host": address.hostname,
        "port": address.port or 5432,
        "dbname": unquote(address.path.strip("/")) or "postgres",
        "user": properties.username or unquote(address.username or "") or options.get("user") or "postgres",
        "password": properties.password or unquote(address.password or "") or options.get("password") or "",
        "sslmode": mode,
        "passfile": "/dev/null",  # the worker's own passwords are not the flow's
    }
    settings = []
    if "currentSchema" in options:
        settings.append(f"-c search_path={_escaped(options['currentSchema'])}")
    if properties.time_zone_id:
        settings.append(f"-c TimeZone={_escaped(properties.time_zone_id)}")
    if settings:
        facts["options"] = " ".join(settings)
    return facts


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(" ", "\\ ")
