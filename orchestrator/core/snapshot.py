"""A picture of one execution, and the difference between two of them.

A snapshot need not hold every task run: the machine looks at open ones only, and at their parents' counts. The
execution itself is the task run at the empty path.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from orchestrator.core.states import FINAL, State

Path = tuple[str, ...]  # task ids and iteration indexes from the flow's top
Counts = Mapping[str, Mapping[State, int]]  # {branch: {state: number of children}}

ROOT: Path = ()
LEAVES = "*"  # the branch of the root's counts that numbers every leaf of the execution
ITERATIONS = "iterations"


class FactKind(StrEnum):
    """Who reported a fact."""

    ENDED = "ENDED"  # an attempt came to its end
    LOST = "LOST"  # its lease ran out
    RELEASED = "RELEASED"  # its worker handed it back
    RESUMED = "RESUMED"  # a person, or the clock, let a pause go on
    DECIDED = "DECIDED"  # an approval was closed


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened to a task run and that the machine has not read yet."""

    kind: FactKind
    state: State = State.SUCCESS
    outputs: Mapping[str, object] | None = None
    error: str = ""
    started: datetime | None = None  # when the attempt began
    worker: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a task run that is over."""

    number: int
    state: str  # a final state, LOST or RELEASED
    start: datetime
    end: datetime
    worker: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Lease:
    """A worker's hold on a task run."""

    worker: str
    until: datetime


@dataclass(frozen=True, slots=True)
class TaskRun:
    """Where one task run stands. `counts` are those of its children."""

    path: Path
    id: str
    task_id: str
    state: State = State.CREATED
    position: int = 0
    hidden: bool = False  # one iteration of a loop: a place, not a task
    value: str | None = None
    iteration: int | None = None
    counts: Counts = field(default_factory=dict)
    size: int | None = None  # of a loop: its iterations
    values: tuple[str, ...] | None = None  # of a loop, only in the snapshot in which it starts
    outputs: Mapping[str, object] | None = None
    fact: Fact | None = None
    error: str = ""
    queue: str = ""
    attempt: int = 0
    tries: int = 0
    crashes: int = 0
    lease: Lease | None = None
    run_after: datetime | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    moves: tuple[tuple[State, datetime], ...] = ()  # made since the snapshot was taken
    ended_attempts: tuple[Attempt, ...] = ()  # recorded since the snapshot was taken


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An execution's task runs by path; `settled` is false when the machine stopped early to let others have a turn."""

    runs: Mapping[Path, TaskRun]
    settled: bool = True

    @property
    def root(self) -> TaskRun:
        """The execution itself."""
        return self.runs[ROOT]

    @property
    def state(self) -> State:
        """The execution's state."""
        return self.runs[ROOT].state

    @property
    def wake_at(self) -> datetime | None:
        """The earliest moment at which a retry or a delay of the runs in this picture is due."""
        times = [
            run.run_after
            for run in self.runs.values()
            if run.run_after is not None and run.state in {State.RETRYING, State.PAUSED}
        ]
        return min(times, default=None)


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed from one picture to the next."""

    created: tuple[TaskRun, ...]
    changed: tuple[tuple[TaskRun, TaskRun], ...]  # (before, after), the root left out
    root: TaskRun | None  # the execution, if it changed

    @property
    def to_start(self) -> tuple[TaskRun, ...]:
        """Task runs that now wait for a worker."""
        after = (*self.created, *(run for _, run in self.changed))
        return tuple(run for run in after if run.state is State.SUBMITTED)

    @property
    def newly_paused(self) -> tuple[TaskRun, ...]:
        """Task runs that now wait for a person or for the clock and did not before."""
        fresh = [run for run in self.created if run.state is State.PAUSED]
        turned = [run for before, run in self.changed if run.state is State.PAUSED and before.state is not State.PAUSED]
        return (*fresh, *turned)


def difference(before: Snapshot, after: Snapshot) -> Difference:
    """Return what must be written so that `before` becomes `after`."""
    created = []
    changed = []
    for path, run in after.runs.items():
        old = before.runs.get(path)
        if old is None:
            created.append(run)
        elif old is not run and path != ROOT:
            changed.append((old, run))
    root = after.root if after.root is not before.root else None
    return Difference(tuple(created), tuple(changed), root)


def open_children(run: TaskRun) -> int:
    """Return how many children of `run` are not final."""
    return sum(
        number
        for branch, states in run.counts.items()
        if branch != LEAVES
        for state, number in states.items()
        if state not in FINAL
    )
