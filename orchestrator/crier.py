"""A thread that says what many want said: once each, a few milliseconds apart.

Whoever commits work hands its ring to this thread and goes on. So a broker that hangs holds up nobody, and a busy
process rings two hundred times a second at most, however much it commits. What is still unsaid when the process dies
is found by those who look by themselves.
"""

import logging
import os
import threading
from collections.abc import Callable

_log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.005

Change = tuple[int, str]  # tenant id, execution id
Say = Callable[[set[str], set[Change]], None]  # queues to ring, executions that changed


class Crier:
    """Gathers rings and changes and says them; one thread, started when first needed in this process."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._begin()
        os.register_at_fork(after_in_child=self._begin)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._wanted = threading.Event()
        self._rings: set[str] = set()
        self._changes: set[Change] = set()
        self._thread: threading.Thread | None = None

    def ring(self, queue: str) -> None:
        """Have `queue` rung."""
        with self._lock:
            self._rings.add(queue)
            self._wake()

    def changed(self, changes: set[Change]) -> None:
        """Have it said that executions changed."""
        with self._lock:
            self._changes |= changes
            self._wake()

    def _wake(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._forever, name="crier", daemon=True)
            self._thread.start()
        self._wanted.set()

    def _forever(self) -> None:
        pause = threading.Event()
        while True:
            self._wanted.wait()
            with self._lock:
                self._wanted.clear()
                rings, self._rings = self._rings, set()
                changes, self._changes = self._changes, set()
            try:
                self._say(rings, changes)
            except Exception:  # noqa: BLE001 - the thread must live on; whoever looks by himself finds the work
                _log.exception("a ring or a change could not be said")
            pause.wait(PAUSE_SECONDS)
