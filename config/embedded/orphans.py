"""End a server that outlived the supervisor that started it."""

import os
import signal
import threading
import time

from config.embedded.home import EmbeddedFailed
from config.processes import is_ours

PATIENCE = 20.0


def end_orphan(pid: int, programs: frozenset[str], mention: str, *signals: signal.Signals) -> bool:
    """End `pid` if it is one of our servers, with each signal in turn, then SIGKILL.

    Returns True when its pid file may go: it ended, or the number belongs to somebody else. False: this system
    cannot tell (the server then decides itself). Raises EmbeddedFailed when it stays.
    """
    if pid <= 1:
        return True
    ours = is_ours(pid, programs, mention)
    if ours is None:
        return False
    if not ours:
        return True
    for number in (*signals, signal.SIGKILL):
        _send(pid, number)
        if _gone(pid, programs, mention):
            return True
    raise EmbeddedFailed(f"process {pid} still holds {mention} and does not end")


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _gone(pid: int, programs: frozenset[str], mention: str) -> bool:
    pause = threading.Event()
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if not is_ours(pid, programs, mention):
            return True
        pause.wait(0.05)
    return False
