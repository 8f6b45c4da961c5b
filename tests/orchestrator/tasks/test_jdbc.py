"""SQL against PostgreSQL, SQLite and DuckDB for real."""

import contextlib
import json
import socket
import sqlite3
import threading
import time
from datetime import date
from decimal import Decimal

import duckdb
import pytest
from psycopg.conninfo import conninfo_to_dict

from orchestrator.core.states import State
from orchestrator.tasks.jdbc.query import as_json
from orchestrator.tasks.jdbc.statements import gives_rows, named, statements, with_absolute_files

ENGINES = ["postgresql", "sqlite", "duckdb"]


@pytest.fixture(scope="session")
def postgresql(servers):
    """The PostgreSQL of this test run: url, user, password. The embedded one listens on a file only: a door is made."""
    facts = conninfo_to_dict(servers.database_url)
    user, password = facts.get("user", ""), facts.get("password", "")
    if not str(facts.get("host", "")).startswith("/"):
        yield f"jdbc:postgresql://{facts['host']}:{facts.get('port', 5432)}/{facts['dbname']}", user, password
        return
    path = f"{facts['host']}/.s.PGSQL.{facts.get('port', 5432)}"
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=forward_all, args=(listener, path), daemon=True).start()
    yield f"jdbc:postgresql://127.0.0.1:{listener.getsockname()[1]}/{facts['dbname']}", user, password
    listener.close()


def forward_all(listener, path):
    with contextlib.suppress(OSError):
        while True:
            near, _ = listener.accept()
            far = socket.socket(socket.AF_UNIX)
            far.connect(path)
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=forward, args=(source, target), daemon=True).start()


def forward(source, target):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@pytest.fixture
def ask(stage, postgresql):
    """Run a type of an engine, as an author would write it."""
    url, user, password = postgresql

    def run(kind, sql, context=None, **properties):
        engine = kind.partition(".")[0]
        given = {"url": f"jdbc:{engine}:", "sql": sql}
        if engine == "postgresql":
            given |= {"url": url, "username": user, "password": password}
        return stage.run(f"jdbc.{kind}", context, **{**given, **properties})

    return run


@pytest.mark.parametrize("engine", ENGINES)
def test_rows_are_fetched_all_one_or_none(ask, engine):
    sql = "SELECT 1 AS id, 'ä' AS name UNION ALL SELECT 2, NULL ORDER BY id"
    rows = [{"id": 1, "name": "ä"}, {"id": 2, "name": None}]
    assert ask(f"{engine}.Query", sql, fetchType="FETCH").outputs == {"rows": rows, "size": 2}
    assert ask(f"{engine}.Query", sql, fetch=True).outputs["rows"] == rows
    assert ask(f"{engine}.Query", sql, fetchType="FETCH_ONE").outputs == {"row": rows[0], "size": 1}
    assert ask(f"{engine}.Query", sql, fetchOne=True).outputs["row"] == rows[0]
    assert ask(f"{engine}.Query", "SELECT 1 WHERE 1 = 0", fetchType="FETCH_ONE").outputs == {"row": None, "size": 0}
    assert "rows" not in ask(f"{engine}.Query", sql).outputs


@pytest.mark.parametrize("engine", ENGINES)
def test_parameters_are_bound_and_never_become_sql(ask, engine):
    evil = "x'; DROP TABLE t; --"
    cast = "CAST(:n AS INTEGER)" if engine != "postgresql" else ":n::int"
    sql = f"SELECT CAST(:who AS VARCHAR) AS who, {cast} + 1 AS n, ':who' AS text, '100%' AS share -- :other"
    outcome = ask(f"{engine}.Query", sql, fetchType="FETCH_ONE", parameters={"who": evil, "n": 41, "unused": 1})
    assert outcome.outputs["row"] == {"who": evil, "n": 42, "text": ":who", "share": "100%"}, outcome


@pytest.mark.parametrize("engine", ENGINES)
def test_a_large_answer_is_refused_inline_and_streamed_to_a_file(ask, stage, engine):
    series = "generate_series(1, 60000) AS s(i)"
    sql = f"SELECT i, 'some text of a certain length' AS t FROM {series}"
    if engine == "sqlite":
        series = "(WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 60000) SELECT i FROM s)"
        sql = f"SELECT i, 'some text of a certain length' AS t FROM {series}"
    outcome = ask(f"{engine}.Query", sql, fetchType="FETCH")
    assert "use fetchType STORE" in outcome.error
    outcome = ask(f"{engine}.Query", sql, fetchType="STORE")
    assert outcome.outputs["size"] == 60_000
    lines = stage.stored(outcome.outputs["uri"]).splitlines()
    assert (len(lines), json.loads(lines[-1])["i"]) == (60_000, 60_000)


@pytest.mark.parametrize("engine", ENGINES)
def test_queries_give_each_statement_its_outputs_in_one_transaction(ask, engine):
    sql = (
        "CREATE TEMP TABLE t (a INTEGER); INSERT INTO t VALUES (1), (2); SELECT sum(a) AS s FROM t; SELECT 'a;b' AS x;"
    )
    outcome = ask(f"{engine}.Queries", sql, fetchType="FETCH")
    assert outcome.state is State.SUCCESS, outcome
    assert outcome.outputs["outputs"][2:] == [{"rows": [{"s": 3}], "size": 1}, {"rows": [{"x": "a;b"}], "size": 1}]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_failing_statement_fails_the_task_with_the_engines_words(ask, engine):
    outcome = ask(f"{engine}.Query", "SELECT * FROM no_such_table", fetchType="FETCH")
    assert outcome.state is State.FAILED
    assert "no_such_table" in outcome.error
    assert outcome.error.startswith({"postgresql": "PostgreSQL", "sqlite": "SQLite", "duckdb": "DuckDB"}[engine])
    assert ask(f"{engine}.Query", " ; -- nothing").error == "There is no SQL statement."


ENDLESS = {
    "postgresql": "SELECT pg_sleep(60)",
    "sqlite": "WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s) SELECT count(*) FROM s",
    "duckdb": "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range * b.range % 7 = 3",
}


@pytest.mark.parametrize("engine", ENGINES)
def test_a_running_statement_ends_when_the_task_is_stopped_and_at_its_timeout(ask, stage, engine):
    context = stage.context()
    threading.Timer(0.3, context.stop.set).start()
    assert ask(f"{engine}.Query", ENDLESS[engine], context, fetchType="FETCH").state is State.KILLED
    assert stage.seconds < 5
    context = stage.context(deadline=time.monotonic() + 0.3)
    assert "timeout" in ask(f"{engine}.Query", ENDLESS[engine], context, fetchType="FETCH").error


def test_postgresql_undoes_everything_when_a_later_statement_fails(ask):
    name = "portico_tasks_undone"
    ask("postgresql.Query", f"DROP TABLE IF EXISTS {name}")
    assert ask("postgresql.Queries", f"CREATE TABLE {name} (a int); SELECT 1/0").state is State.FAILED
    assert "does not exist" in ask("postgresql.Query", f"SELECT * FROM {name}", fetch=True).error
    ask("postgresql.Queries", f"CREATE TABLE {name} (a int); INSERT INTO {name} VALUES (1)")
    outcome = ask("postgresql.Query", f"INSERT INTO {name} VALUES (2) RETURNING a", fetchType="FETCH")
    assert outcome.outputs["rows"] == [{"a": 2}]
    assert ask("postgresql.Query", f"UPDATE {name} SET a = 3").outputs == {"size": 2}
    ask("postgresql.Query", f"DROP TABLE {name}")


def test_postgresql_types_become_json(ask):
    sql = """SELECT 1.50::numeric AS money, date '2024-02-29' AS day, '{"a": [1]}'::jsonb AS doc, ARRAY[1,2] AS list,
             'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid AS id, '\\x00ff'::bytea AS data, interval '90 s' AS span,
             'NaN'::float AS nothing, true AS yes, 12345678901234567890.123::numeric AS exact"""
    assert ask("postgresql.Query", sql, fetchOne=True).outputs["row"] == {
        "money": 1.5,
        "day": "2024-02-29",
        "doc": {"a": [1]},
        "list": [1, 2],
        "id": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        "data": "AP8=",
        "span": "PT90S",
        "nothing": None,
        "yes": True,
        "exact": "12345678901234567890.123",
    }
    assert as_json({"d": date(2024, 1, 2), "n": [Decimal(3)]}) == {"d": "2024-01-02", "n": [3]}


@pytest.mark.parametrize(
    "url",
    ["jdbc:postgresql://10.0.0.1/db", "jdbc:postgresql://localhost/db", "jdbc:postgresql://%2Frun%2Fpostgresql/db"],
)
def test_postgresql_connects_to_allowed_addresses_only(ask, stage, url):
    outcome = ask("postgresql.Query", "SELECT 1", stage.context(private_networks=[]), url=url)
    assert outcome.state is State.FAILED
    assert "public internet" in outcome.error or "is not known" in outcome.error


@pytest.mark.parametrize("url", ["jdbc:mysql://h/db", "postgresql:///db", "x", "jdbc:postgresql://h/db?sslmode=off"])
def test_a_wrong_url_is_told(ask, url):
    assert ask("postgresql.Query", "SELECT 1", url=url).state is State.FAILED


def test_sqlite_keeps_its_file_and_takes_it_again(ask, stage):
    context = stage.context()
    outcome = ask(
        "sqlite.Queries",
        "CREATE TABLE t (a); INSERT INTO t VALUES (1)",
        context,
        url="jdbc:sqlite:my.db",
        outputDbFile=True,
    )
    assert outcome.state is State.SUCCESS, outcome
    outcome = ask(
        "sqlite.Query", "SELECT * FROM t", sqliteFile=outcome.outputs["databaseUri"], fetch=True, url="jdbc:sqlite:x.db"
    )
    assert outcome.outputs["rows"] == [{"a": 1}]


def test_sqlite_does_not_leave_the_working_directory(ask, stage, tmp_path):
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE secret (a)")
    for sql in (
        f"ATTACH '{other}' AS o",
        f"ATTACH 'file:{other}' AS o",
        f"ATTACH '{tmp_path}' || '/other.db' AS o",
        "ATTACH 'relative.db' AS o",
        f"VACUUM INTO '{tmp_path}/copy.db'",
        "SELECT load_extension('x')",
        f"PRAGMA temp_store_directory = '{tmp_path}'",
    ):
        assert ask("sqlite.Query", sql, fetch=True).state is State.FAILED, sql
    for url in (f"jdbc:sqlite:{other}", "jdbc:sqlite:../x.db", f"jdbc:sqlite:file:{other}?mode=ro"):
        outcome = ask("sqlite.Query", "SELECT * FROM secret", url=url, fetch=True)
        assert outcome.state is State.FAILED, url
        assert "working directory" in outcome.error
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.db"]


def test_duckdb_reads_and_writes_files_of_the_working_directory_by_their_names(ask, stage):
    outcome = ask(
        "duckdb.Query",
        "COPY (SELECT sum(x) AS s FROM read_csv('in.csv') JOIN 'in.csv' USING (x)) TO 'out.csv'; SELECT 'in.csv' kept",
        inputFiles={"in.csv": "x\n1\n2\n"},
        outputFiles=["out.csv"],
        fetchOne=True,
    )
    assert outcome.state is State.SUCCESS, outcome
    assert outcome.outputs["row"] == {"kept": "in.csv"}
    assert stage.stored(outcome.outputs["outputFiles"]["out.csv"]) == b"s\n3\n"


def test_duckdb_keeps_its_file_and_takes_it_again(ask):
    outcome = ask("duckdb.Queries", "CREATE TABLE t AS SELECT 1 AS a", url="jdbc:duckdb:x.duckdb", outputDbFile=True)
    assert outcome.state is State.SUCCESS, outcome
    outcome = ask("duckdb.Query", "SELECT * FROM t", databaseUri=outcome.outputs["databaseUri"], fetch=True)
    assert outcome.outputs["rows"] == [{"a": 1}]


def test_duckdb_does_not_leave_the_working_directory(ask, stage, tmp_path):
    (tmp_path / "secret.csv").write_text("a\n1\n")
    other = tmp_path / "other.duckdb"
    duckdb.connect(str(other)).close()
    for sql in (
        f"SELECT * FROM '{tmp_path}/secret.csv'",
        f"SELECT * FROM read_text('{tmp_path}/*')",
        "SELECT * FROM read_text('../../../etc/hostname')",
        f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
        "COPY (SELECT 1) TO '../out.csv'",
        f"ATTACH '{other}' AS o",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET memory_limit = '100GB'",
        "SELECT * FROM 'http://127.0.0.1:1/x.csv'",
        f"EXPORT DATABASE '{tmp_path}/export'",
    ):
        assert ask("duckdb.Query", sql, fetch=True).state is State.FAILED, sql
    for url in (f"jdbc:duckdb:{other}", "jdbc:duckdb:md:mine", "jdbc:duckdb:../x.duckdb"):
        assert ask("duckdb.Query", "SELECT 1", url=url, fetch=True).state is State.FAILED, url
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.duckdb", "secret.csv"]


@pytest.mark.parametrize(
    ("sql", "parts"),
    [
        ("a; b;", ["a", "b"]),
        ("SELECT ';' ; -- x;y\n b", ["SELECT ';'", "-- x;y\n b"]),
        ("/* ; */ a; ;; /* only */", ["/* ; */ a"]),
        ("DO $$ BEGIN; END $$; b", ["DO $$ BEGIN; END $$", "b"]),
        ("DO $x$ $$;$$ $x$", ["DO $x$ $$;$$ $x$"]),
        ("SELECT E'a\\';b'; c", ["SELECT E'a\\';b'", "c"]),
        ('SELECT ";"', ['SELECT ";"']),
        ("SELECT 'it''s;'; c", ["SELECT 'it''s;'", "c"]),
        ("", []),
    ],
)
def test_statements_end_at_semicolons_that_stand_in_no_text(sql, parts):
    assert statements(sql) == parts


def test_named_parameters_stand_outside_of_texts_comments_and_casts():
    sql = "SELECT :a, ':a', \":a\", :a::text, $$:a$$, x[1:b] -- :a"
    text, used = named(sql, {"a"}, lambda name: f"<{name}>")
    assert text == "SELECT <a>, ':a', \":a\", <a>::text, $$:a$$, x[1:b] -- :a"
    assert used == {"a"}


@pytest.mark.parametrize(
    ("sql", "changed"),
    [
        ("FROM 'a.csv'", "FROM '/w/a.csv'"),
        ("read_csv(['a.csv', 'b.csv'])", "read_csv(['/w/a.csv', '/w/b.csv'])"),
        ("COPY t TO 'o.csv'", "COPY t TO '/w/o.csv'"),
        ("WHERE file = 'a.csv'", "WHERE file = 'a.csv'"),
        ("FROM '/x/a.csv'", "FROM '/x/a.csv'"),
        ("FROM 's3://b/a.csv'", "FROM 's3://b/a.csv'"),
    ],
)
def test_file_names_become_absolute_only_where_sql_takes_a_file(sql, changed):
    assert with_absolute_files(sql, lambda name: f"/w/{name}") == changed


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("select 1", True), ("-- x\n (select 1)", True), ("with a as (select 1) select * from a", True),
        ("insert into t values (1)", False), ("insert into t values (1) returning a", True), ("select 1 into t", False),
        ("with a as (insert into t values (1) returning a) select * from a", True), ("create table t (a int)", False),
        ("values (1)", True), ("update t set a = 1", False),
    ],
)  # fmt: skip
def test_statements_that_answer_with_rows_are_known_by_their_words(sql, rows):
    assert gives_rows(sql) is rows
