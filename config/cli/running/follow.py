"""Waiting until runs have ended or paused, doing meanwhile what a scheduler does."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta

from config.cli.running.crew import Crew
from orchestrator import recovery
from orchestrator.core.states import FINAL, State
from orchestrator.models import Execution

LOOK_SECONDS = 0.03
TICK_SECONDS = 1.0


def follow(
    ids: Iterable[str],
    crew: Crew,
    *,
    patience: timedelta,
    ended: Callable[[Execution], None],
    looked: Callable[[], None],
) -> None:
    """Return when every execution has ended, or waits for a person, or for the clock longer than `patience`.

    `ended` is called once for each, `looked` after every look at those that are left.
    """
    left = set(ids)
    pause = threading.Event()
    tick_at = 0.0
    while left:
        crew.check()
        recovery.wake_due()
        if time.monotonic() >= tick_at:
            tick_at = time.monotonic() + TICK_SECONDS
            recovery.recover_lost()
            recovery.advance_left()
        looked()
        for execution in Execution.across_tenants.in_bulk(list(left)).values():
            if rests(execution, patience):
                left.discard(execution.pk)
                ended(execution)
        if left:
            pause.wait(LOOK_SECONDS)


def rests(execution: Execution, patience: timedelta) -> bool:
    """Tell whether nothing more will happen by itself, or not soon."""
    if execution.state in FINAL:
        return True
    if execution.state != State.PAUSED or execution.advance_at is not None:
        return False
    return execution.wake_at is None or execution.wake_at > datetime.now(UTC) + patience


def exit_code(states: Mapping[str, str]) -> int:
    """Return 0 when all went well or wait, 1 when one did not, 2 when one could not be started."""
    if "INVALID" in states.values():
        return 2
    return 0 if set(states.values()) <= {State.SUCCESS, State.WARNING, State.PAUSED} else 1
