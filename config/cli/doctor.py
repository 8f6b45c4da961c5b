"""Check this installation: one line for each thing that must be well, with its figure and its remedy."""

import argparse
import io
import json
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic

import redis
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError, SystemCheckError
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor

from orchestrator import storage

OK, WARN, FAIL = "OK", "WARN", "FAIL"
EXIT = {OK: 0, WARN: 1, FAIL: 2}
PROBE_TENANT = 0  # no tenant has this id
SILENT_SECONDS = 30
TIGHT_DISK = 2 * 1024**3


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    level: str
    figure: str
    remedy: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `portico doctor` understands."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print all findings; 0 when all is well, 1 with a warning, 2 with a failure."""
    findings = list(examine())
    if arguments.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            remedy = f"  -> {finding.remedy}" if finding.remedy else ""
            print(f"{finding.level:<4}  {finding.what:<18} {finding.figure}{remedy}")
    return max(EXIT[finding.level] for finding in findings)


def examine() -> Iterator[Finding]:
    """Yield every finding; one that breaks is a failure of its own and does not hide the others."""
    for what, look in CHECKS.items():
        try:
            level, figure, remedy = look()
        except (Error, OSError, redis.RedisError, storage.StorageError) as problem:
            first = (str(problem).strip() or type(problem).__name__).splitlines()[0]
            level, figure, remedy = FAIL, first, REMEDIES.get(what, "see the message")
        yield Finding(what, level, figure, remedy)


Answer = tuple[str, str, str]

REMEDIES = {
    "database": "start PostgreSQL, or mend DATABASE_URL",
    "database roles": "start PostgreSQL, or mend DATABASE_URL",
    "migrations": "run: portico prepare",
    "redis": "start Redis or Valkey, or mend REDIS_URL; meanwhile work is only found by looking every 2 s",
    "storage": "mend STORAGE_URL or the rights of its folder",
    "workers": "run: portico worker",
}


def _configuration() -> Answer:
    try:
        call_command("check", stdout=io.StringIO(), stderr=io.StringIO())
    except (SystemCheckError, CommandError) as problem:
        return FAIL, str(problem).strip().splitlines()[-1], "mend the settings named (docs/reference/settings.md)"
    if settings.DEBUG:
        return WARN, "PORTICO_DEBUG is on", "switch it off where others can reach the server"
    return OK, f"data in {settings.DATA_DIR}", ""


def _secret_key() -> Answer:
    size = len(settings.SECRET_KEY)
    if size < 32:
        return FAIL, f"only {size} characters", "set PORTICO_SECRET_KEY to 50 random characters"
    file = Path(settings.DATA_DIR) / "secret-key"
    if file.exists() and file.stat().st_mode & 0o077:
        return WARN, f"{file} can be read by others", f"run: chmod 600 {file}"
    return OK, f"{size} characters", ""


def _database() -> Answer:
    began = monotonic()
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version'), current_setting('default_transaction_isolation')")
        version, isolation = cursor.fetchone()
    figure = f"PostgreSQL {version.split(' ')[0]}, {(monotonic() - began) * 1000:.0f} ms"
    if isolation != "read committed":
        return FAIL, f"{figure}, {isolation}", "set default_transaction_isolation to read committed"
    return OK, figure, ""


def _roles() -> Answer:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        name, is_super, _ = cursor.fetchone()
        cursor.execute(
            "SELECT rolname, rolsuper OR rolbypassrls, pg_has_role(current_user, oid, 'MEMBER') FROM pg_roles "
            "WHERE rolname IN ('portico_web', 'portico_engine')",
        )
        roles = {role: (bypasses, ours) for role, bypasses, ours in cursor.fetchall()}
    if set(roles) != {"portico_web", "portico_engine"} or not all(ours for _, ours in roles.values()):
        return FAIL, "portico_web or portico_engine is missing", "run: portico prepare"
    if roles["portico_web"][0]:
        return FAIL, "portico_web passes the walls between tenants", "ALTER ROLE portico_web NOSUPERUSER NOBYPASSRLS"
    if not roles["portico_engine"][0]:
        return FAIL, "portico_engine cannot cross tenants", "ALTER ROLE portico_engine BYPASSRLS"
    if is_super:
        return WARN, f"{name} is a superuser", "give the database to an ordinary role and put it into DATABASE_URL"
    return OK, f"{name} may become portico_web and portico_engine", ""


def _migrations() -> Answer:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        return FAIL, f"{len(missing)} not applied", REMEDIES["migrations"]
    return OK, "all applied", ""


def _redis() -> Answer:
    began = monotonic()
    with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2) as client:
        facts = client.info()
        policy = client.config_get("maxmemory-policy").get("maxmemory-policy", "noeviction")
    figure = f"version {facts.get('valkey_version') or facts['redis_version']}, {(monotonic() - began) * 1000:.0f} ms"
    if policy != "noeviction":
        return WARN, f"{figure}, {policy}", "set maxmemory-policy to noeviction"
    return OK, figure, ""


def _storage() -> Answer:
    probe = secrets.token_bytes(64)
    stored = storage.put(PROBE_TENANT, ("doctor", secrets.token_hex(8)), probe)
    try:
        with storage.open(PROBE_TENANT, stored.uri) as back:
            same = back.read() == probe
    finally:
        storage.delete(PROBE_TENANT, stored.uri)
    if not same:
        return FAIL, "a file came back changed", REMEDIES["storage"]
    return OK, f"{settings.STORAGE_URL.split(':')[0]}: written, read, deleted", ""


def _disk() -> Answer:
    free = shutil.disk_usage(settings.DATA_DIR).free
    figure = f"{free / 1024**3:.1f} GB free"
    return (OK, figure, "") if free > TIGHT_DISK else (WARN, figure, f"make room on the disk of {settings.DATA_DIR}")


def _workers() -> Answer:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('orchestrator_workerprocess')")
        if cursor.fetchone()[0] is None:
            return FAIL, "the database is empty", REMEDIES["migrations"]
        cursor.execute(
            "SELECT count(*), count(DISTINCT host), extract(epoch FROM clock_timestamp() - max(beat_at)) "
            "FROM orchestrator_workerprocess WHERE beat_at > clock_timestamp() - make_interval(secs => %s)",
            [SILENT_SECONDS],
        )
        count, hosts, age = cursor.fetchone()
    if not count:
        return WARN, "no worker gave a sign of life", REMEDIES["workers"]
    return OK, f"{count} processes on {hosts} machines, last sign {age:.0f} s ago", ""


def _mail() -> Answer:
    if settings.EMAIL_HOST or "console" in settings.EMAIL_BACKEND:
        return OK, settings.EMAIL_HOST or "to the console", ""
    return WARN, "EMAIL_URL is not set", "set it; until then links are shown instead of mailed"


CHECKS: dict[str, Callable[[], Answer]] = {
    "configuration": _configuration,
    "secret key": _secret_key,
    "database": _database,
    "database roles": _roles,
    "migrations": _migrations,
    "redis": _redis,
    "storage": _storage,
    "disk": _disk,
    "workers": _workers,
    "mail": _mail,
}
