"""Processes of scripts, as the worker sees them: ask a starter for one, read its streams, end it.

One starter per (tenant, interpreter) lives as long as the worker uses it; starter.py tells how it works inside.
"""

import array
import ctypes
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from orchestrator.tasks.contract import TaskFailed

STARTER = Path(__file__).with_name("starter.py")
START_SECONDS = 20.0
MOST_STARTERS = 8  # per worker process; the least recently used one ends when another is needed
_PR_SET_DUMPABLE = 4


@dataclass(frozen=True, slots=True)
class Limits:
    """What one script may use. Bytes, counts and seconds of processor time."""

    memory: int = 4 * 1024**3
    file_size: int = 4 * 1024**3
    open_files: int = 1024
    processes: int | None = 256  # counted per user: None where scripts share a user with others
    cpu_seconds: int = 24 * 3600

    def as_rlimits(self) -> dict[str, int]:
        """Return them by the names of the resource module.

        Memory is RLIMIT_DATA, what a program may write to, not RLIMIT_AS: JavaScript and Go reserve far more addresses
        than they ever use. A shared user gets a count above everything that runs now.
        """
        processes = self.processes if self.processes is not None else _tasks_of_the_machine() + 256
        return {
            "DATA": self.memory,
            "FSIZE": self.file_size,
            "NOFILE": self.open_files,
            "NPROC": processes,
            "CPU": self.cpu_seconds,
            "CORE": 0,
        }


def _tasks_of_the_machine() -> int:
    try:
        return int(Path("/proc/loadavg").read_text(encoding="ascii").split()[3].split("/")[1])
    except (OSError, ValueError, IndexError):
        return 4096


@dataclass(frozen=True, slots=True)
class Launch:
    """One script to start."""

    cwd: Path
    env: Mapping[str, str]
    argv: Sequence[str] = ()  # the command, or the arguments of `python`
    python: Path | None = None  # a Python file to run in the warm interpreter instead of a command
    path: Sequence[str] = ()  # more places to import from, for `python`
    limits: Limits = field(default_factory=Limits)
    uid: int | None = None  # the user to run as; the working directory already belongs to it
    uid_lock: int | None = None  # descriptor that keeps the user reserved as long as anything of the script lives
    grace: float = 2.0  # seconds between TERM and KILL


@dataclass(frozen=True, slots=True)
class Exit:
    """How a script ended."""

    code: int | None  # negative: killed by that signal; None: its keeper could not tell
    left: int = 0  # processes that could not be killed


class StarterGone(Exception):
    """The starter could not be reached; a new one may do."""


class RunningScript:
    """A started script: its output streams and its end."""

    def __init__(self, channel: socket.socket, stdout: IO[bytes], stderr: IO[bytes]) -> None:
        self.stdout, self.stderr = stdout, stderr
        self._channel = channel
        self._heard = b""

    def terminate(self) -> None:
        """Ask every process of the script to end; after the grace they are killed."""
        with suppress(OSError):
            self._channel.sendall(b"t")

    def kill(self) -> None:
        """Kill every process of the script at once."""
        with suppress(OSError):
            self._channel.sendall(b"k")

    def fileno(self) -> int:
        """Return a descriptor that becomes readable once the script has ended and nothing of it is left."""
        return self._channel.fileno()

    def wait_until_taken(self) -> None:
        """Wait until a keeper has the script; raise StarterGone when that will not be, so that another can be asked."""
        report = self._hear()
        if report is None:
            raise StarterGone("its process disappeared")
        if "refused" in report:
            raise TaskFailed(str(report["refused"]))

    def wait(self) -> Exit:
        """Wait for the end."""
        report = self._hear()
        if report is None:
            return Exit(None)
        if "refused" in report:
            raise TaskFailed(str(report["refused"]))
        return Exit(report["exit"], report["left"])

    def _hear(self) -> dict[str, Any] | None:
        while b"\n" not in self._heard:
            try:
                part = self._channel.recv(4096)
            except OSError:
                part = b""
            if not part:
                return None
            self._heard += part
        line, _, self._heard = self._heard.partition(b"\n")
        report: dict[str, Any] = json.loads(line)
        return report

    def close(self) -> None:
        """Let go of everything; a script that still runs is killed."""
        for thing in (self.stdout, self.stderr, self._channel):
            with suppress(OSError):
                thing.close()


class Starter:
    """The worker's end of one starter process."""

    def __init__(self, python: Path) -> None:
        self._lock = threading.Lock()
        self._control, theirs = socket.socketpair()
        self.process = subprocess.Popen(
            [str(python), "-I", str(STARTER), str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            env={"PATH": os.defpath, "LANG": "C.UTF-8"},
            cwd="/",
            start_new_session=True,  # Ctrl-C in the worker's terminal is the worker's business
        )
        theirs.close()
        self._control.settimeout(START_SECONDS)
        try:
            ready = self._control.recv(1)
        except OSError:
            ready = b""
        if ready != b"r":
            self.close()
            raise TaskFailed(f"Scripts cannot be started here: {python} did not come up.")
        self._control.settimeout(None)

    def start(self, launch: Launch) -> RunningScript:
        """Start a script; raise StarterGone when the process behind is no more."""
        request = json.dumps(
            {
                "argv": [str(part) for part in launch.argv],
                "python": str(launch.python) if launch.python else None,
                "path": list(launch.path),
                "env": dict(launch.env),
                "cwd": str(launch.cwd),
                "limits": launch.limits.as_rlimits(),
                "uid": launch.uid,
                "grace": launch.grace,
            },
        ).encode()
        channel, theirs = socket.socketpair()
        out, out_theirs = os.pipe()
        err, err_theirs = os.pipe()
        given = [theirs.fileno(), out_theirs, err_theirs]
        if launch.uid_lock is not None:
            given.append(launch.uid_lock)
        script = RunningScript(channel, os.fdopen(out, "rb", 0), os.fdopen(err, "rb", 0))
        try:
            with self._lock:
                rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", given))
                self._control.sendmsg([b"run!"], [rights])
            theirs.close()
            channel.sendall(struct.pack("!I", len(request)) + request)
            script.wait_until_taken()
        except OSError as error:
            script.close()
            raise StarterGone(str(error)) from error
        except BaseException:
            script.close()
            raise
        finally:
            theirs.close()
            os.close(out_theirs)
            os.close(err_theirs)
        return script

    def close(self) -> None:
        """End the process and every script it still runs."""
        self._control.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Starters:
    """The starters of this worker process, made when needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner = os.getpid()
        self._living: dict[tuple[int, Path], Starter] = {}

    def start(self, tenant_id: int, python: Path, launch: Launch) -> RunningScript:
        """Start a script in the tenant's starter for this interpreter; a starter that died is replaced once."""
        try:
            return self._starter(tenant_id, python).start(launch)
        except StarterGone:
            self._forget(tenant_id, python)
        try:
            return self._starter(tenant_id, python).start(launch)
        except StarterGone as error:
            raise TaskFailed(f"Scripts cannot be started here: {error}.") from error

    def close(self) -> None:
        """End all of them, for a worker that ends."""
        with self._lock:
            starters, self._living = list(self._living.values()), {}
        for starter in starters:
            starter.close()

    def _starter(self, tenant_id: int, python: Path) -> Starter:
        key = (tenant_id, python)
        surplus: Starter | None = None
        with self._lock:
            if self._owner != os.getpid():  # forked: the parent's starters are the parent's
                self._owner, self._living = os.getpid(), {}
            starter = self._living.pop(key, None) or Starter(python)
            self._living[key] = starter  # the most recently used stands last
            if len(self._living) > MOST_STARTERS:
                surplus = self._living.pop(next(iter(self._living)))
        if surplus:
            surplus.close()
        return starter

    def _forget(self, tenant_id: int, python: Path) -> None:
        with self._lock:
            starter = self._living.pop((tenant_id, python), None)
        if starter:
            starter.close()


STARTERS = Starters()


def end_leftovers(uid: int | None, mark: str) -> None:
    """Kill what a script left when its keeper and its starter were both killed: its user's processes, else the marked.

    `mark` is a text that only this script's environment holds.
    """
    for _ in range(50):
        left = [int(place.name) for place in Path("/proc").glob("[0-9]*") if _belongs(place, uid, mark)]
        if not left:
            return
        for pid in left:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        threading.Event().wait(0.01)


def _belongs(place: Path, uid: int | None, mark: str) -> bool:
    try:
        if (place / "stat").read_bytes().rsplit(b")", 1)[1].split()[0] == b"Z":
            return False
        if uid is not None:
            return place.stat().st_uid == uid
        return mark.encode() in (place / "environ").read_bytes().split(b"\0")
    except OSError:
        return False


def hide_memory() -> None:
    """Keep other processes of the same user from reading this one's memory and environment; for workers, once."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
