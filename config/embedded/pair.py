"""Both embedded servers together, outside the supervisor: for tests and short commands."""

import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from config.embedded import postgres, valkey
from config.embedded.binaries import postgres_for, valkey_for
from config.embedded.home import EmbeddedFailed, Home, existing_home, lock, lock_note, open_home
from config.processes import Program, launch, stop


@dataclass(frozen=True)
class Pair:
    """A running pair: what a process needs to use it."""

    home: Home
    database_url: str
    redis_url: str

    def environment(self) -> dict[str, str]:
        """Return the variables that make a Portico process use this pair."""
        return {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url}


def addresses_beside(data: Path) -> dict[str, str]:
    """Return DATABASE_URL and REDIS_URL of the servers that `portico up` runs on this data folder, if it does."""
    home = existing_home(data)
    if home is None or not valkey.socket_of(home).exists():
        return {}
    return {"DATABASE_URL": postgres.url(home), "REDIS_URL": valkey.url(home)}


@contextmanager
def running_pair(data: Path, settings: Mapping[str, str] | None = None) -> Iterator[Pair]:
    """Run both servers below `data` while the context lasts; `settings` go to PostgreSQL.

    The owner may create databases, so that a test suite can make its own. Call it from the main thread.
    """
    data.mkdir(parents=True, exist_ok=True)
    held = lock(data, "a pair of servers for tests")
    if held is None:
        raise EmbeddedFailed(f"{data} is used by {lock_note(data)}")
    home = open_home(data)
    started: list[tuple[subprocess.Popen[bytes], Program]] = []
    with held, (home.folder / "servers.log").open("ab") as output:
        try:
            found = postgres_for(home)
            postgres.clear_leftovers(home)
            postgres.make_cluster(home, found)
            database = postgres.program(home, found, settings)
            started.append((launch(database, output), database))
            valkey.clear_leftovers(home)
            cache = valkey.program(home, valkey_for(home))
            started.append((launch(cache, output), cache))
            valkey.note_pid(home, started[-1][0].pid)
            _await(lambda: postgres.is_ready(home), started[0][0], home)
            _await(lambda: valkey.is_ready(home), started[1][0], home)
            postgres.make_database(home, may_create_databases=True)
            yield Pair(home, postgres.url(home), valkey.url(home))
        finally:
            for process, server in reversed(started):
                stop(process, server)


def _await(ready: Callable[[], bool], process: subprocess.Popen[bytes], home: Home, seconds: float = 120) -> None:
    pause = threading.Event()
    until = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None or time.monotonic() > until:
            log = (home.folder / "servers.log").read_text(encoding="utf-8", errors="replace")
            raise EmbeddedFailed(f"a server did not start:\n{log[-2000:]}")
        pause.wait(0.02)
