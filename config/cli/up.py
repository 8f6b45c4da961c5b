"""Start everything on this machine: servers where no URL is given, web, worker and scheduler."""

import argparse
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO
from urllib.error import URLError
from urllib.request import urlopen

from config.embedded import postgres, valkey
from config.embedded.binaries import postgres_for, valkey_for
from config.embedded.home import EmbeddedFailed, lock, lock_note, open_home
from config.processes import Program
from config.supervisor import Console, Part, PartFailed, Stopped, Supervisor, console_for_stdout

BASE = Path(__file__).resolve().parent.parent.parent
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
TROUBLE = ("error", "fail", "fatal", "bad ", "can't", "out of memory")  # Valkey says all it says as a warning
QUIET = ("LOG:", "DETAIL:", "HINT:", "terminating connection", "shutting down", "starting up")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `portico up` understands."""
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORTICO_PORT") or 8080), help="default 8080")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; default 127.0.0.1")
    parser.add_argument("--data", type=Path, help="folder of all data; default $PORTICO_DATA, else ./var")
    parser.add_argument("--demo", action="store_true", help="load the demo tenant (only on loopback)")


def run(arguments: argparse.Namespace) -> int:
    """Run until stopped; 0 after Ctrl-C, 1 when something could not be started or kept running."""
    console = console_for_stdout(as_json=os.environ.get("PORTICO_LOG") == "json")
    if arguments.demo and arguments.host not in LOOPBACK:
        return _refuse("--demo makes people with known passwords, so it listens on this machine only: leave out --host")
    data = (arguments.data or Path(os.environ.get("PORTICO_DATA") or BASE / "var")).absolute()
    address = f"http://{_shown_host(arguments.host)}:{arguments.port}"
    held = lock(data, f"process {os.getpid()}, {address}")
    if held is None:
        return _refuse(
            f"Portico already runs with the data folder {data} ({lock_note(data)}). Stop it, or give --data."
        )
    with held:
        taken = _port_problem(arguments.host, arguments.port)
        if taken:
            return _refuse(taken)
        return _House(console, data, address, arguments).run()


def _refuse(sentence: str) -> int:
    print(f"portico up: {sentence}", file=sys.stderr)
    return 1


def _shown_host(host: str) -> str:
    if host in {"0.0.0.0", "::"}:  # noqa: S104  # compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _port_problem(host: str, port: int) -> str | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            return f"cannot listen on {host}:{port} ({problem.strerror}); give another --port"
    return None


class _House:
    """One run of `portico up`: its parts in the order of their start."""

    def __init__(self, console: Console, data: Path, address: str, arguments: argparse.Namespace) -> None:
        self._console = console
        self._data = data
        self._address = address
        self._arguments = arguments
        self._environment = {
            **os.environ,
            "PORTICO_DATA": str(data),
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        self._environment.setdefault("PORTICO_PUBLIC_URL", address)

    def run(self) -> int:
        supervisor = Supervisor(self._console)
        servers_lock: list[IO[str]] = []
        try:
            self._start_servers(supervisor, servers_lock)
            self._prepare(supervisor)
            self._start_parts(supervisor)
            self._greet()
            supervisor.watch()
        except Stopped:
            self._console.say("\nStopping ...")
            return 0
        except (PartFailed, EmbeddedFailed) as problem:
            self._console.say(f"\nportico up: {problem}")
            return 1
        finally:
            supervisor.close()
            for held in servers_lock:
                held.close()
            self._console.say("Stopped.")
        return 0

    def _start_servers(self, supervisor: Supervisor, held: list[IO[str]]) -> None:
        needs_database = not self._environment.get("DATABASE_URL") and not self._environment.get("DATABASE_URL_FILE")
        needs_redis = not self._environment.get("REDIS_URL") and not self._environment.get("REDIS_URL_FILE")
        if not needs_database and not needs_redis:
            return
        home = open_home(self._data)
        kept = lock(home.folder, f"process {os.getpid()}, {self._address}")
        if kept is None:
            raise EmbeddedFailed(f"the servers in {home.folder} are used by {lock_note(home.folder)}")
        held.append(kept)
        if needs_database:
            found = postgres_for(home)
            self._console.say(f"Starting PostgreSQL {found.major} in {home.postgres} ...")
            postgres.clear_leftovers(home)
            if postgres.make_cluster(home, found):
                self._console.say("  made a new database")
            server = Part(
                postgres.program(home, found),
                before=lambda: postgres.clear_leftovers(home),
                shown=lambda line: not any(word in line for word in QUIET),
            )
            supervisor.start(server, lambda: postgres.is_ready(home), 600)
            postgres.make_database(home)
            self._environment["DATABASE_URL"] = postgres.url(home)
        if needs_redis:
            cache = valkey_for(home)
            self._console.say(f"Starting {cache.program} {cache.major} in {home.valkey} ...")
            server = Part(
                valkey.program(home, cache),
                before=lambda: valkey.clear_leftovers(home),
                after=lambda pid: valkey.note_pid(home, pid),
                shown=_is_trouble,
            )
            supervisor.start(server, lambda: valkey.is_ready(home), 120)
            self._environment["REDIS_URL"] = valkey.url(home)

    def _prepare(self, supervisor: Supervisor) -> None:
        self._console.say("Bringing the database up to date ...")
        words = ["prepare", f"--note={self._data / 'greeting'}", *(["--demo"] if self._arguments.demo else [])]
        supervisor.run_to_end(self._program("prepare", words, "owner"))

    def _start_parts(self, supervisor: Supervisor) -> None:
        self._console.say("Starting web, worker and scheduler ...")
        where = ["--host", self._arguments.host, "--port", str(self._arguments.port)]
        web = Part(self._program("web", ["web", *where], "web"))
        worker = Part(self._program("worker", ["worker"], "engine", stop_seconds=30))
        scheduler = Part(self._program("scheduler", ["scheduler"], "engine"))
        # the slowest to answer is waited for last, so that all three load at the same time
        supervisor.start(worker, lambda: True, 1)
        supervisor.start(scheduler, lambda: True, 1)
        supervisor.start(web, _answers(f"{self._address}/health"), 120)

    def _program(self, name: str, words: list[str], process: str, stop_seconds: float = 10) -> Program:
        return Program(
            name=name,
            command=[sys.executable, "-m", "config.cli", *words],
            env={**self._environment, "PORTICO_PROCESS": process},
            cwd=str(BASE),
            stop_seconds=stop_seconds,
        )

    def _greet(self) -> None:
        took = time.monotonic() - _BEGAN
        note = self._data / "greeting"
        greeting = note.read_text(encoding="utf-8").replace("{address}", self._address) if note.exists() else ""
        note.unlink(missing_ok=True)
        self._console.say(f"\nPortico is ready at {self._address} ({took:.1f} s)\n{greeting}\nCtrl-C stops it.\n")


def _is_trouble(line: str) -> bool:
    return "overcommit" not in line and any(word in line.lower() for word in TROUBLE)


_BEGAN = time.monotonic()


def _answers(address: str) -> Callable[[], bool]:
    """Return a check that is true once `address` answers."""

    def answers() -> bool:
        try:
            with urlopen(address, timeout=2) as answer:  # noqa: S310  # our own http address
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    return answers
