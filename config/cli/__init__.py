"""The `portico` command: one file per subcommand, each with `add_arguments(parser)` and `run(arguments) -> int`.

up.py               everything on one machine                web.py worker.py scheduler.py   one part alone
prepare.py          migrations, demo (used by up)            demo.py                         load the demo tenant
validate.py run.py  flow files: check them, run them          doctor.py                       is all well?
running/            what `run` does once there is a store
A subcommand's file is imported only when it is asked for: `up` must not load Django, and each part takes its own
database role before the settings are read.
"""

import argparse
import importlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import django
from django.core.exceptions import ImproperlyConfigured

from config.embedded.pair import addresses_beside

BASE = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Subcommand:
    """A subcommand: `process` is the database role it takes (None: it does not use Django)."""

    title: str
    process: str | None = None
    shown: bool = True

    @property
    def uses_django(self) -> bool:
        """Tell whether the settings and rooms are loaded before its file is."""
        return self.process is not None


SUBCOMMANDS = {
    "up": Subcommand("start everything on this machine"),
    "web": Subcommand("start the web server alone", "web"),
    "worker": Subcommand("start a worker alone", "engine"),
    "scheduler": Subcommand("start a scheduler alone", "engine"),
    "demo": Subcommand("load the demo tenant and print its people", "owner"),
    "validate": Subcommand("check flow files and print their problems", "owner"),
    "run": Subcommand("run flow files and show how it goes"),
    "doctor": Subcommand("check this installation", "owner"),
    "prepare": Subcommand("bring the database up to date", "owner", shown=False),
}


def main(arguments: list[str] | None = None) -> int:
    """Run the `portico` command and return its exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    name = words[0] if words else ""
    subcommand = SUBCOMMANDS.get(name)
    if subcommand is None:
        return _explain(name)
    try:
        return _run(name, subcommand, words[1:])
    except ImproperlyConfigured as problem:
        print(f"portico {name}: {problem}", file=sys.stderr)
        return 2


def _run(name: str, subcommand: Subcommand, words: list[str]) -> int:
    if subcommand.uses_django:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        os.environ.setdefault("PORTICO_PROCESS", str(subcommand.process))
        find_servers()
        django.setup()
    module = importlib.import_module(f"config.cli.{name}")
    parser = argparse.ArgumentParser(prog=f"portico {name}", description=module.__doc__)
    module.add_arguments(parser)
    return int(module.run(parser.parse_args(words)))


def find_servers() -> None:
    """Use the embedded servers of a running `portico up` where no URL says otherwise."""
    data = Path(os.environ.get("PORTICO_DATA") or BASE / "var")
    for variable, url in addresses_beside(data).items():
        if not os.environ.get(f"{variable}_FILE"):
            os.environ.setdefault(variable, url)


def _explain(name: str) -> int:
    asked = name in {"-h", "--help", "help", ""}
    out = sys.stdout if asked else sys.stderr
    if not asked:
        print(f"portico has no subcommand {name!r}.", file=out)
    print("usage: portico SUBCOMMAND [--help]\n", file=out)
    for known, subcommand in SUBCOMMANDS.items():
        if subcommand.shown:
            print(f"  {known:<10} {subcommand.title}", file=out)
    return 0 if asked else 2
