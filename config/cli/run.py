"""Run flow files to their end, or to a pause, and show how it goes.

Without DATABASE_URL and REDIS_URL, and where no `portico up` is running, it all happens in a throw-away store. Files
are run in a tenant of their own, `command-line`, where no trigger fires. Exit status: 0 all ended well or wait for a
person, 1 one failed, 2 one could not be started.
"""

import argparse
import importlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django

from config.cli import find_servers
from config.cli.running.asked import AskedBadly, asked_by_words, flow_files
from config.embedded.home import EmbeddedFailed
from config.embedded.pair import running_pair

BASE = Path(__file__).resolve().parent.parent.parent
LOSES_NOTHING = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}  # nothing in it is to last


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `portico run` understands."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="a flow in YAML")
    parser.add_argument("--inputs", metavar="JSON|@FILE", help="an object with the inputs' values")
    parser.add_argument(
        "--file", action="append", default=[], dest="attached", metavar="NAME=PATH", help="a file for an input"
    )
    parser.add_argument(
        "--with", type=Path, dest="beside", metavar="DIR", help="flows that may be started by those that run"
    )
    parser.add_argument(
        "--requests", type=Path, metavar="FILE.jsonl", help='runs, one a line: {"id": ..., "file": ..., "inputs": {}}'
    )
    parser.add_argument("--json", action="store_true", help="print each result as a line of JSON")
    parser.add_argument(
        "--patience", type=float, default=60.0, metavar="SECONDS", help="how far off a pause's end may be; default 60"
    )
    parser.add_argument("--processes", type=int, help="worker processes; default $PORTICO_WORKERS, else 4")


def run(arguments: argparse.Namespace) -> int:
    """Find or make a store, then run."""
    try:
        asked = asked_by_words(arguments.files, arguments.inputs, arguments.attached, arguments.requests)
        beside = flow_files(arguments.beside) if arguments.beside else []
        with _store():
            os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
            os.environ["PORTICO_PROCESS"] = "engine"
            django.setup()
            # what follows reads the settings, so it is imported only now
            return int(importlib.import_module("config.cli.running.session").run(arguments, asked, beside))
    except (AskedBadly, EmbeddedFailed) as failed:
        print(f"portico run: {failed}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


@contextmanager
def _store() -> Iterator[None]:
    """Have a store whose address stands in the environment."""
    find_servers()
    given = [os.environ.get(name) or os.environ.get(f"{name}_FILE") for name in ("DATABASE_URL", "REDIS_URL")]
    if all(given):  # its operator brings it up to date
        yield
        return
    folder = Path(tempfile.mkdtemp(prefix="portico-run-"))
    folder.chmod(0o755)  # the servers' user must be able to walk through it
    try:
        with running_pair(folder / "servers", LOSES_NOTHING) as pair:
            os.environ.update(pair.environment())
            os.environ.setdefault("PORTICO_DATA", str(folder))
            os.environ["STORAGE_URL"] = f"file://{folder}/storage"
            _prepare()
            yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _prepare() -> None:
    """Bring the database up to date; the database's owner does that, in a process of its own."""
    environment = {**os.environ, "PORTICO_PROCESS": "owner"}
    command = [sys.executable, "-m", "config.cli", "prepare"]
    done = subprocess.run(command, cwd=BASE, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise EmbeddedFailed(f"the database could not be brought up to date:\n{done.stdout}{done.stderr}")
