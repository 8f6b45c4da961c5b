"""Bring the database up to date, and load the demo tenant when asked; `portico up` runs this before the parts."""

import argparse
import os
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import Error, connection, connections
from django.db.backends.utils import CursorWrapper
from psycopg import sql

from config.cli.demo import greeting
from tenants import first_run

ROLES = ("portico_web", "portico_engine")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `portico prepare` understands."""
    parser.add_argument("--demo", action="store_true", help="load the demo tenant")
    parser.add_argument("--note", type=Path, help="write the words of greeting to this file instead of printing them")


def run(arguments: argparse.Namespace) -> int:
    """Migrate, load the demo, and say how to begin."""
    problem = roles_problem()
    if problem:
        print(problem)
        return 1
    call_command("migrate", interactive=False, verbosity=0)
    text = greeting() if arguments.demo else how_to_begin()
    connections.close_all()
    if arguments.note is None:
        print(text.replace("{address}", settings.PUBLIC_URL), end="")
        return 0
    arguments.note.unlink(missing_ok=True)
    handle = os.open(arguments.note, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)  # it holds passwords
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(text)
    return 0


def how_to_begin() -> str:
    """Return how to reach the set-up page while nobody has an account, else nothing."""
    if not first_run.needed():
        return ""
    token = first_run.token()
    lines = ["Nobody has an account yet. Set Portico up at {address}/setup"]
    if token:
        lines.append(f"with this one-time token: {token}")
    return "\n".join(lines) + "\n"


def roles_problem() -> str | None:
    """Make the database roles that our processes take, where they are missing; else say what an admin must run."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s) AND pg_has_role(current_user, oid, 'MEMBER')",
            [list(ROLES)],
        )
        missing = set(ROLES) - {name for (name,) in cursor.fetchall()}
        cursor.execute("SELECT current_user")
        owner = cursor.fetchone()[0]
    if not missing:
        return None
    try:
        with connection.cursor() as cursor:
            for role in sorted(missing):
                _make_role(cursor, role, owner)
    except Error as refused:
        return (
            f"The database roles are missing and {owner} may not make them ({str(refused).strip()}).\n"
            "As the database's superuser run:\n"
            "  CREATE ROLE portico_web NOLOGIN; CREATE ROLE portico_engine NOLOGIN BYPASSRLS;\n"
            f"  GRANT portico_web, portico_engine TO {owner};"
        )
    return None


def _make_role(cursor: CursorWrapper, role: str, owner: str) -> None:
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
    if not cursor.fetchone():
        rights = sql.SQL("BYPASSRLS" if role == "portico_engine" else "")
        cursor.execute(sql.SQL("CREATE ROLE {} NOLOGIN {}").format(sql.Identifier(role), rights))
    cursor.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), sql.Identifier(owner)))
