"""Configure and start the embedded Valkey (or Redis, which speaks the same)."""

import os
import signal
from pathlib import Path
from urllib.parse import quote, urlencode

import redis

from config.embedded.binaries import PLAIN_ENV, Found
from config.embedded.home import Home
from config.embedded.orphans import end_orphan
from config.processes import Program

PROGRAMS = frozenset({"valkey-server", "redis-server", "redis-check-rdb", "valkey-check-rdb"})


def socket_of(home: Home) -> Path:
    """Return the path of the server's socket."""
    return home.run / "valkey.sock"


def write_settings(home: Home, found: Found) -> Path:
    """Write the server's settings to a file that only it can read: a command line would show the password.

    Each program and major version has files of its own, for Redis 7 cannot read what Valkey 9 wrote. Nothing is lost
    by beginning anew: PostgreSQL holds the truth.
    """
    folder = home.valkey / f"{found.program}-{found.major}"
    for part in (home.valkey, folder):
        if not part.exists():
            part.mkdir(mode=0o700)
            if home.account is not None:
                os.chown(part, home.account.uid, home.account.gid)
    lines = [
        "port 0",
        f'unixsocket "{socket_of(home)}"',
        "unixsocketperm 700",
        f'requirepass "{home.passwords.valkey}"',
        f'dir "{folder}"',
        "daemonize no",
        'save ""',
        "appendonly yes",
        "appendfsync everysec",
        "aof-load-truncated yes",
        "maxmemory-policy noeviction",
        "loglevel warning",
        'logfile ""',
    ]
    file = folder / "valkey.conf"
    fresh = folder / "valkey.conf.new"
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text("\n".join(lines) + "\n", encoding="utf-8")
    if home.account is not None:
        os.chown(fresh, home.account.uid, home.account.gid)
    fresh.rename(file)
    return file


def program(home: Home, found: Found) -> Program:
    """Return how to start the server."""
    return Program(
        name="valkey",
        command=[found.server, str(write_settings(home, found))],
        env=PLAIN_ENV,
        account=home.account,
        death_signal=signal.SIGTERM,
        stop_signal=signal.SIGTERM,
        stop_seconds=10,
    )


def note_pid(home: Home, pid: int) -> None:
    """Write down which process serves, for the start after a crash."""
    (home.folder / "valkey.pid").write_text(str(pid), encoding="utf-8")


def clear_leftovers(home: Home) -> None:
    """End a server that outlived its supervisor; call it only while holding the lock on the home."""
    note = home.folder / "valkey.pid"
    if note.exists():
        number = note.read_text(encoding="utf-8").strip()
        # the server writes its socket's path over its command line
        mention = str(socket_of(home))
        end_orphan(int(number) if number.isdigit() else 0, PROGRAMS, mention, signal.SIGTERM)
        note.unlink(missing_ok=True)
    socket_of(home).unlink(missing_ok=True)


def is_ready(home: Home) -> bool:
    """Tell whether the server answers."""
    try:
        with redis.Redis.from_url(url(home), socket_timeout=2, socket_connect_timeout=2) as client:
            return bool(client.ping())
    except (redis.RedisError, OSError):
        return False


def url(home: Home, number: int = 0) -> str:
    """Return the REDIS_URL of database `number` of the embedded server."""
    return f"unix://:{quote(home.passwords.valkey, safe='')}@{socket_of(home)}?{urlencode({'db': number})}"
