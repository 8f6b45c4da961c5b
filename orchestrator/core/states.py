"""The states an execution or a task run can be in, and what each means for the machine.

The strings are the field's own; labels, colours and icons are given once, in `LOOKS`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Where an execution or a task run stands."""

    CREATED = "CREATED"  # recorded; the machine has not looked at it yet
    QUEUED = "QUEUED"  # executions only: waits for a concurrency slot
    SUBMITTED = "SUBMITTED"  # task runs only: waits for a worker
    RUNNING = "RUNNING"  # a worker, or a child, is at work
    PAUSED = "PAUSED"  # waits for a person or for the clock
    RETRYING = "RETRYING"  # waits for the clock before its next attempt
    RESTARTED = "RESTARTED"  # a person asked to go on from here
    KILLING = "KILLING"  # someone asked to stop; workers are not still yet
    BREAKPOINT = "BREAKPOINT"  # waits because an engineer asked it to
    SUCCESS = "SUCCESS"
    WARNING = "WARNING"  # failed, and the author allowed it
    FAILED = "FAILED"
    KILLED = "KILLED"
    CANCELLED = "CANCELLED"
    SKIPPED = "SKIPPED"
    RETRIED = "RETRIED"  # another execution took over


FINAL = frozenset(
    {
        State.SUCCESS,
        State.WARNING,
        State.FAILED,
        State.KILLED,
        State.CANCELLED,
        State.SKIPPED,
        State.RETRIED,
    },
)
GOOD = frozenset({State.SUCCESS, State.WARNING, State.SKIPPED})
BAD = frozenset({State.FAILED, State.KILLED, State.CANCELLED})

_ANY_END = frozenset(FINAL)

MOVES: Mapping[State, frozenset[State]] = {
    State.CREATED: frozenset(
        {State.QUEUED, State.SUBMITTED, State.RUNNING, State.PAUSED, State.KILLING} | _ANY_END,
    ),
    State.QUEUED: frozenset({State.RUNNING, State.KILLING} | _ANY_END),
    State.SUBMITTED: frozenset({State.RUNNING, State.RETRYING} | _ANY_END),
    State.RUNNING: frozenset(
        {State.SUBMITTED, State.PAUSED, State.RETRYING, State.KILLING, State.BREAKPOINT} | _ANY_END,
    ),
    State.PAUSED: frozenset({State.RUNNING, State.RESTARTED, State.KILLING} | _ANY_END),
    State.RETRYING: frozenset({State.SUBMITTED, State.RUNNING, State.PAUSED, State.KILLING} | _ANY_END),
    State.RESTARTED: frozenset(
        {State.RUNNING, State.SUBMITTED, State.PAUSED, State.RETRYING, State.KILLING} | _ANY_END
    ),
    State.KILLING: frozenset({State.KILLED, State.CANCELLED, State.FAILED}),
    State.BREAKPOINT: frozenset({State.RUNNING, State.KILLING} | _ANY_END),
}


class IllegalMove(ValueError):
    """A state was asked to go where it cannot."""


def move(current: State, to: State) -> State:
    """Return `to` if `current` is it or may become it; raise `IllegalMove` otherwise."""
    if to is not current and to not in MOVES.get(current, frozenset()):
        raise IllegalMove(f"{current} cannot become {to}")
    return to


@dataclass(frozen=True, slots=True)
class Look:
    """How a state is shown: the word, the colour family and the icon (all three, never colour alone)."""

    label: str  # English source text of a gettext message
    tone: str  # success | running | failed | warning | waiting | queued
    icon: str  # name in frontend/src/icons.json


LOOKS: Mapping[State, Look] = {
    State.CREATED: Look("Created", "queued", "circle-dashed"),
    State.QUEUED: Look("Queued", "queued", "circle-dashed"),
    State.SUBMITTED: Look("Waiting for a worker", "queued", "circle-dashed"),
    State.RUNNING: Look("Running", "running", "loader-circle"),
    State.PAUSED: Look("Paused", "waiting", "hand"),
    State.RETRYING: Look("Retrying", "warning", "rotate-cw"),
    State.RESTARTED: Look("Restarted", "running", "loader-circle"),
    State.KILLING: Look("Stopping", "warning", "ban"),
    State.BREAKPOINT: Look("At a breakpoint", "waiting", "hand"),
    State.SUCCESS: Look("Succeeded", "success", "circle-check"),
    State.WARNING: Look("Succeeded with a warning", "warning", "triangle-alert"),
    State.FAILED: Look("Failed", "failed", "circle-x"),
    State.KILLED: Look("Killed", "failed", "ban"),
    State.CANCELLED: Look("Cancelled", "queued", "ban"),
    State.SKIPPED: Look("Skipped", "queued", "circle-slash"),
    State.RETRIED: Look("Taken over by a retry", "queued", "rotate-cw"),
}
