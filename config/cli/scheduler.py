"""Start a scheduler: once a second it does what the clock or a crash left behind. Any number of them may run."""

import argparse
import logging
import queue
import signal
import time

from django.db import close_old_connections

from orchestrator import recovery

log = logging.getLogger("portico.scheduler")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `portico scheduler` understands."""
    parser.add_argument("--every", type=float, default=1.0, help="seconds between two ticks; default 1")


def run(arguments: argparse.Namespace) -> int:
    """Tick until stopped; a tick that fails is reported and the next one tries again."""
    # a SimpleQueue may be put to from a signal handler; an Event's lock may just be held by the interrupted code
    stops: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: stops.put(number))
    log.info("ready")
    pause = 0.0
    while not _asked(stops, pause):
        began = time.monotonic()
        close_old_connections()
        pause = arguments.every
        try:
            recovery.tick()
        except Exception:
            log.exception("the tick failed; the next one tries again")
            pause = max(2.0, arguments.every)
        pause = max(0.0, pause - (time.monotonic() - began))
    return 0


def _asked(stops: "queue.SimpleQueue[int]", seconds: float) -> bool:
    try:
        stops.get(timeout=seconds) if seconds else stops.get_nowait()
    except queue.Empty:
        return False
    return True
