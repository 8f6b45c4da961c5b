"""Load the demo tenant: three apps over real data, and people with fresh random passwords, which are printed."""

import argparse
import importlib
import importlib.util

from django.conf import settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `portico demo` understands: nothing yet."""


def run(_arguments: argparse.Namespace) -> int:
    """Load the demo tenant and print its people."""
    print(greeting().replace("{address}", settings.PUBLIC_URL), end="")
    return 0


def greeting() -> str:
    """Load the demo tenant and return its people as text; `{address}` stands for Portico's address."""
    if importlib.util.find_spec("apps_portal.demo") is None:
        return "The demo tenant is not part of this build.\n"
    demo = importlib.import_module("apps_portal.demo").load()
    rows = [(person.email, person.password, person.what) for person in demo.people]
    wide = [max(len(row[column]) for row in rows) for column in (0, 1)]
    lines = [f"  {email:<{wide[0]}}  {password:<{wide[1]}}  {what}" for email, password, what in rows]
    return "\n".join(["Sign in as one of the demo people:", *lines, *demo.notes, ""])
