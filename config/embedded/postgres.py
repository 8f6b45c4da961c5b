"""Make, start and fill the embedded PostgreSQL cluster."""

import os
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql

from config.embedded.binaries import PLAIN_ENV, Found
from config.embedded.home import EmbeddedFailed, Home
from config.embedded.orphans import end_orphan
from config.processes import Program, run_as

ADMIN = "portico_admin"
OWNER = "portico"
DATABASE = "portico"
PORT = 5432  # names the socket file; no TCP port is opened

SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",  # /dev/shm of a container is small
    "log_min_messages": "warning",
    # a lost race is an answer here, not a fault: whoever meets an error reports it
    "log_min_error_statement": "panic",
    "log_checkpoints": "off",
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_line_prefix": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def make_cluster(home: Home, found: Found) -> bool:
    """Make the cluster unless it is there; True when it was made. An interrupted one leaves nothing half done."""
    if (home.postgres / "PG_VERSION").exists():
        return False
    fresh = home.folder / "postgres.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    password = fresh / "password"
    password.touch(mode=0o600)
    password.write_text(home.passwords.admin, encoding="utf-8")
    cluster = fresh / "cluster"
    cluster.mkdir(mode=0o700)
    if home.account is not None:
        for part in (fresh, password, cluster):
            os.chown(part, home.account.uid, home.account.gid)
    _initdb(home, found, cluster, password)
    password.unlink()
    cluster.rename(home.postgres)
    fresh.rmdir()
    return True


def _initdb(home: Home, found: Found, cluster: Path, password: Path) -> None:
    command = [
        str(found.folder / "initdb"), f"--pgdata={cluster}", f"--username={ADMIN}", f"--pwfile={password}",
        "--auth=scram-sha-256", "--encoding=UTF8", "--data-checksums", "--no-instructions",
    ]  # fmt: skip
    if found.major >= 17:
        locales = [["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]]
    else:
        locales = [["--locale=C.UTF-8"], ["--locale=C"]]
    for locale in locales:
        done = run_as(home.account, [*command, *locale], PLAIN_ENV)
        if done.returncode == 0:
            return
    raise EmbeddedFailed(f"PostgreSQL could not make its database in {cluster}:\n{done.stderr.strip()}")


def program(home: Home, found: Found, changes: Mapping[str, str] | None = None) -> Program:
    """Return how to start the server; `changes` are further settings (tests need no fsync)."""
    options = [f"-c{name}={value}" for name, value in {**SETTINGS, **(changes or {})}.items()]
    return Program(
        name="postgres",
        command=[found.server, "-D", str(home.postgres), "-k", str(home.run), *options],
        env=PLAIN_ENV,
        account=home.account,
        death_signal=signal.SIGINT,  # "fast": clients are sent away, everything is written
        stop_signal=signal.SIGINT,
        stop_seconds=30,
    )


def clear_leftovers(home: Home) -> None:
    """End a server that outlived its supervisor, and drop pid and lock files that name somebody else.

    Call it only while holding the lock on the home.
    """
    note = home.postgres / "postmaster.pid"
    if note.exists():
        number = note.read_text(encoding="utf-8", errors="replace").split("\n")[0].strip()
        pid = int(number) if number.isdigit() else 0
        ended = end_orphan(pid, frozenset({"postgres"}), str(home.postgres), signal.SIGINT, signal.SIGQUIT)
        if ended:
            note.unlink(missing_ok=True)
    for name in (f".s.PGSQL.{PORT}", f".s.PGSQL.{PORT}.lock"):
        (home.run / name).unlink(missing_ok=True)


def admin_connection(home: Home, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
    """Connect as the cluster's superuser; raises psycopg.OperationalError while the server starts."""
    return psycopg.connect(
        host=str(home.run),
        port=PORT,
        user=ADMIN,
        password=home.passwords.admin,
        dbname=database,
        autocommit=True,
        connect_timeout=5,
    )


def is_ready(home: Home) -> bool:
    """Tell whether the server answers queries."""
    try:
        with admin_connection(home) as connection:
            connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def make_roles(connection: psycopg.Connection[tuple[object, ...]], owner: str) -> None:
    """Make the roles that processes take (permissions.md) and let `owner` take them; needs a superuser."""
    connection.execute(
        """
        DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'portico_web') THEN
                CREATE ROLE portico_web NOLOGIN;
            END IF;
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'portico_engine') THEN
                CREATE ROLE portico_engine NOLOGIN BYPASSRLS;
            END IF;
        END $$
        """,
    )
    connection.execute(sql.SQL("GRANT portico_web, portico_engine TO {}").format(sql.Identifier(owner)))


def make_database(home: Home, *, may_create_databases: bool = False) -> None:
    """Make owner, roles and database where missing; the owner's password is set again each time."""
    with admin_connection(home) as connection:
        _make_owner(connection, home.passwords.owner, may_create_databases=may_create_databases)
        make_roles(connection, OWNER)
        there = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
        if not there:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), sql.Identifier(OWNER)),
            )
            connection.execute(
                sql.SQL("REVOKE CONNECT, TEMPORARY ON DATABASE {} FROM PUBLIC").format(sql.Identifier(DATABASE)),
            )


def _make_owner(
    connection: psycopg.Connection[tuple[object, ...]],
    password: str,
    *,
    may_create_databases: bool,
) -> None:
    there = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [OWNER]).fetchone()
    if not there:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(OWNER)))
    # CREATEROLE would let it hand itself BYPASSRLS; it gets what it needs and no more
    rights = sql.SQL("CREATEDB" if may_create_databases else "NOCREATEDB")
    connection.execute(
        sql.SQL("ALTER ROLE {} LOGIN NOSUPERUSER NOCREATEROLE {} PASSWORD {}").format(
            sql.Identifier(OWNER),
            rights,
            sql.Literal(password),
        ),
    )


def url(home: Home, database: str = DATABASE) -> str:
    """Return the DATABASE_URL of the embedded server."""
    where = urlencode({"host": str(home.run), "port": PORT})
    return f"postgresql://{OWNER}:{quote(home.passwords.owner, safe='')}@/{database}?{where}"
