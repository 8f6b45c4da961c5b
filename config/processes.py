"""Start processes that cannot outlive us, and look at processes that others left behind.

Linux clears the parent-death signal when a process changes its user, so it is set after that, and the parent is
compared afterwards: it may have died in between.
"""

import contextlib
import ctypes
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Account:
    """A user of the machine: name, number, group."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Program:
    """What to start: `death_signal` is what it gets when its starter dies, `account` whom it becomes (None: us)."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str = "/"
    account: Account | None = None
    death_signal: signal.Signals = signal.SIGKILL
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0


def account_named(name: str) -> Account | None:
    """Return the user called `name`, None when the machine has no such user."""
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def die_with_parent(death_signal: signal.Signals, parent: int) -> None:
    """Ask the kernel to send us `death_signal` when `parent` ends; end at once when it has ended already.

    The kernel watches the parent's *thread*: call it in children started by a thread that lives as long as they do.
    """
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)


def launch(program: Program, output: int | IO[bytes]) -> subprocess.Popen[bytes]:
    """Start `program` in a session of its own, bound to our life; call it from the main thread."""
    parent = os.getpid()
    return subprocess.Popen(
        list(program.command),
        env=dict(program.env),
        cwd=program.cwd,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=_bound_to(program.death_signal, parent),  # noqa: PLW1509  # runs one prctl, takes no lock
        user=program.account.uid if program.account else None,
        group=program.account.gid if program.account else None,
        extra_groups=[] if program.account else None,
    )


def _bound_to(death_signal: signal.Signals, parent: int) -> Callable[[], None]:
    return lambda: die_with_parent(death_signal, parent)


def run_as(account: Account | None, command: Sequence[str], env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run `command` to its end as `account` from `/`; raise OSError when that user cannot reach the file."""
    return subprocess.run(
        list(command),
        env=dict(env),
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        start_new_session=True,
        preexec_fn=_bound_to(signal.SIGKILL, os.getpid()),
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )


def stop(process: subprocess.Popen[bytes], program: Program) -> None:
    """Ask a started program to end, and end its whole group when it does not within its time."""
    if process.poll() is None:
        process.send_signal(program.stop_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(program.stop_seconds)
    end_group(process.pid)
    process.wait()


def end_group(leader: int) -> None:
    """Kill what is left of the process group that `leader` led (launch makes each program the leader of its own)."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def is_ours(pid: int, programs: frozenset[str], mention: str) -> bool | None:
    """Tell whether `pid` is alive, runs one of `programs` and names `mention` in its command line.

    A number in a pid file may belong to anybody after a reboot, or to a zombie. None: this system cannot tell.
    """
    folder = Path("/proc") / str(pid)
    if not Path("/proc/self/exe").exists():
        return None
    try:
        program = (folder / "exe").readlink().name.removesuffix(" (deleted)")
        arguments = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return False
    return program in programs and any(mention in argument for argument in arguments)
