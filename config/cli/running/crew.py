"""Worker processes for one command: the production worker's loop, without a broker in between.

They are forked before the command opens a connection, so they share its loaded code and nothing else.
"""

import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.context import ForkProcess
from multiprocessing.synchronize import Event

from config.processes import die_with_parent
from orchestrator import worker

SHORTEST, LONGEST = 0.005, 0.05  # seconds between two looks for work while there is none
STOP_SECONDS = 20.0

_fork = multiprocessing.get_context("fork")


class CrewLost(RuntimeError):
    """Every worker process has ended by itself."""


class Crew:
    """The processes; `queues` are the worker groups that they serve."""

    def __init__(self, queues: Sequence[str], processes: int) -> None:
        self._over = _fork.Event()
        starter = os.getpid()
        self._members: list[ForkProcess] = [
            _fork.Process(target=_work, args=(self._over, list(queues), starter), name=f"worker {number}")
            for number in range(1, processes + 1)
        ]

    def start(self) -> None:
        """Start them; nothing may have been asked of the database before."""
        for member in self._members:
            member.start()

    def check(self) -> None:
        """Raise CrewLost when nobody is left to do the work."""
        if not any(member.is_alive() for member in self._members):
            raise CrewLost("Every worker process has ended; their last words stand above.")

    def stop(self) -> None:
        """Let them hand back what they hold, and wait for them."""
        self._over.set()
        for member in self._members:
            member.join(STOP_SECONDS)
            if member.is_alive():
                member.kill()
                member.join()


@contextmanager
def crew(queues: Sequence[str], processes: int) -> Iterator[Crew]:
    """Have worker processes while the context lasts."""
    made = Crew(queues, processes)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def _work(over: Event, queues: list[str], starter: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command itself says when it is over
    die_with_parent(signal.SIGKILL, starter)
    worker.child_started(queues)
    pause = SHORTEST
    while not over.wait(pause):
        done = sum(worker.work(queue) for queue in queues)
        pause = SHORTEST if done else min(pause * 1.5, LONGEST)
    worker.child_stopping()
