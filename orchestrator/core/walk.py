"""One visit of an execution's open task runs; the machine's working memory.

Pure outside, practical inside: `runs` is this walk's own dictionary, so that a visit costs what changed. Everything a
flowable needs to know about its children stands in their numbers (`counts`), so ten thousand siblings cost no more
than ten.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from orchestrator.core.outline import Outline
from orchestrator.core.snapshot import ITERATIONS, LEAVES, ROOT, Attempt, Fact, Path, TaskRun
from orchestrator.core.spec import TaskSpec
from orchestrator.core.states import FINAL, State, move

WORST_FIRST = (State.KILLED, State.FAILED, State.CANCELLED, State.WARNING)
STOPPING = (State.KILLED, State.FAILED, State.CANCELLED)


class World(Protocol):
    """What the machine asks of whoever runs it. Asking twice gives the same answer."""

    def see(self, runs: Mapping[Path, TaskRun]) -> None:
        """Look at these task runs, which change while the walk goes on."""

    def render(self, value: object, path: Path) -> object:
        """Return `value` with its expressions evaluated for the task run at `path`.

        Raises `expressions.ExpressionFailed`, and `expressions.Needs` when something must be fetched first.
        """

    def perform(self, task: TaskSpec, run: TaskRun) -> Fact | None:
        """Run an instant task and return how it ended; None: its type needs a worker."""

    def iteration_value(self, path: Path, index: int) -> str:
        """Return what the loop at `path` has at `index`."""

    def new_id(self) -> str:
        """Return an id for a new task run."""

    def chance(self) -> float:
        """Return a number in [0, 1)."""

    def goes_on(self) -> bool:
        """Tell whether this turn may take another step."""


@dataclass(slots=True)
class Walk:
    """The task runs in view, by path, and how they may be changed."""

    outline: Outline
    runs: dict[Path, TaskRun]
    at: datetime
    world: World
    position: int = 0
    settled: bool = True
    fresh: list[Path] = field(default_factory=list)  # created in this walk

    @property
    def killing(self) -> bool:
        """Someone asked to stop this execution."""
        return self.runs[ROOT].state is State.KILLING

    def counts(self, path: Path, branch: str) -> Mapping[State, int]:
        """Return the number of children in each state."""
        return self.runs[path].counts.get(branch, {})

    def to(self, run: TaskRun, state: State, **changes: Any) -> TaskRun:  # noqa: ANN401 - fields of TaskRun
        """Return `run` moved to `state`, with its times and its trail kept; puts it in place."""
        if state is not run.state:
            move(run.state, state)
            changes["moves"] = (*run.moves, (state, self.at))
            if run.started_at is None and state is State.RUNNING:
                changes.setdefault("started_at", self.at)
            if state in FINAL:
                changes["ended_at"] = self.at
                changes["run_after"] = None
        after = replace(run, state=state, **changes)
        self.put(after)
        return after

    def put(self, run: TaskRun) -> None:
        """Put `run` in its place and keep its parent's numbers right."""
        before = self.runs.get(run.path)
        self.runs[run.path] = run
        old = counted_as(before.state) if before is not None else None
        if run.path and old is not counted_as(run.state):
            self._count(run, old)

    def _count(self, run: TaskRun, old: State | None) -> None:
        parent = self.runs[run.path[:-1]]
        branch = ITERATIONS if run.hidden else self.outline.places[run.task_id].branch
        new = counted_as(run.state)
        self._replace_counts(parent.path, branch, old, new)
        if self.is_leaf(run):
            self._replace_counts(ROOT, LEAVES, old, new)

    def _replace_counts(self, path: Path, branch: str, old: State | None, new: State) -> None:
        run = self.runs[path]
        numbers = dict(run.counts.get(branch, {}))
        if old is not None:
            numbers[old] -= 1
            if not numbers[old]:
                del numbers[old]
        numbers[new] = numbers.get(new, 0) + 1
        self.runs[path] = replace(run, counts={**run.counts, branch: numbers})

    def is_leaf(self, run: TaskRun) -> bool:
        """Tell whether the task itself works or waits, rather than its children."""
        return not run.hidden and self.outline.places[run.task_id].task.type not in PARENTS

    def create(self, parent: Path, task: TaskSpec) -> TaskRun:
        """Put a new task run of `task` below `parent`."""
        above = self.runs[parent]
        run = TaskRun(
            path=(*parent, task.id),
            id=self.world.new_id(),
            task_id=task.id,
            position=self._next_position(),
            value=above.value,
            iteration=above.iteration,
            created_at=self.at,
            moves=((State.CREATED, self.at),),
        )
        self.put(run)
        self.fresh.append(run.path)
        return run

    def create_iteration(self, loop: Path, index: int, value: str | None) -> TaskRun:
        """Put the iteration `index` of the loop at `loop` in place, with its value, and start it."""
        run = TaskRun(
            path=(*loop, str(index)),
            id=self.world.new_id(),
            task_id=self.runs[loop].task_id,
            state=State.RUNNING,
            hidden=True,
            position=self._next_position(),
            value=value,
            iteration=index,
            created_at=self.at,
            started_at=self.at,
            moves=((State.RUNNING, self.at),),
        )
        self.put(run)
        self.fresh.append(run.path)
        return run

    def _next_position(self) -> int:
        self.position += 1
        return self.position

    def record_attempt(self, run: TaskRun, fact: Fact, state: str) -> TaskRun:
        """Return `run` with its finished attempt written down."""
        ended = Attempt(run.attempt, state, fact.started or self.at, self.at, fact.worker, fact.error)
        return replace(run, fact=None, lease=None, ended_attempts=(*run.ended_attempts, ended))

    # -- how children are brought forward ---------------------------------------------------------------------------

    def in_order(self, path: Path, branch: str, settle: "Settle") -> State | None:
        """Bring the children of a branch forward one after the other; the branch's end, or None while it waits."""
        parent = self.runs[path]
        tasks = self.outline.enabled(parent.task_id if path else None, branch)
        while True:
            numbers = self.counts(path, branch)
            if _open(numbers):
                return None
            ended = next((state for state in STOPPING if state in numbers), None)
            created = sum(numbers.values())
            if ended is not None or created == len(tasks):
                return worst(numbers)
            if self.killing:
                return State.KILLED
            if created and parent.hidden and self.halted(path[:-1]):
                return State.CANCELLED
            if not self.goes_on():
                return None
            settle(self.create(path, tasks[created]).path)

    def together(self, path: Path, branch: str, limit: int, settle: "Settle") -> State | None:
        """Bring the children of a branch forward side by side, at most `limit` at once (0: all)."""
        tasks = self.outline.enabled(self.runs[path].task_id, branch)
        while True:
            numbers = self.counts(path, branch)
            waiting = _open(numbers)
            created = sum(numbers.values())
            stopped = self.killing or any(state in numbers for state in STOPPING)
            if stopped or created == len(tasks):
                return None if waiting else worst(numbers)
            room = len(tasks) - created if limit <= 0 else min(limit - waiting, len(tasks) - created)
            if room <= 0 or not self.goes_on():
                return None
            for child in [self.create(path, task).path for task in tasks[created : created + room]]:
                settle(child)

    def over(self, path: Path, limit: int, settle: "Settle") -> State | None:
        """Bring the iterations of a loop forward, at most `limit` at once (0: all)."""
        size = self.runs[path].size or 0
        while True:
            numbers = self.counts(path, ITERATIONS)
            waiting = _open(numbers)
            created = sum(numbers.values())
            if self.halted(path) or created == size:
                return None if waiting else worst(numbers)
            room = size - created if limit <= 0 else min(limit - waiting, size - created)
            if room <= 0 or not self.goes_on():
                return None
            for child in [
                self.create_iteration(path, index, self.world.iteration_value(path, index)).path
                for index in range(created, created + room)
            ]:
                settle(child)

    def halted(self, path: Path) -> bool:
        """Tell whether the loop at `path` starts nothing new any more."""
        numbers = self.counts(path, ITERATIONS)
        return self.killing or any(state in numbers for state in STOPPING)

    def goes_on(self) -> bool:
        """Tell whether this turn may take another step; a turn cut short leaves the snapshot unsettled."""
        if self.world.goes_on():
            return True
        self.settled = False
        return False

    def due(self, run: TaskRun) -> bool:
        """Tell whether the clock has come to what `run` waits for."""
        return run.run_after is not None and run.run_after <= self.at

    def later(self, length: timedelta) -> datetime:
        """Return the moment `length` from now."""
        return self.at + length


class Settle(Protocol):
    """Brings the task run at a path, and all below it, as far forward as it can go."""

    def __call__(self, path: Path) -> None:
        """Settle the task run at `path`."""


PARENTS = frozenset(
    {
        "core.flow.Sequential",
        "core.flow.Parallel",
        "core.flow.If",
        "core.flow.Switch",
        "core.flow.ForEach",
        "core.flow.EachSequential",
        "core.flow.EachParallel",
        "core.flow.AllowFailure",
        "core.flow.Dag",
        "core.flow.LoopUntil",
    },
)


def counted_as(state: State) -> State:
    """Return the state as parents number it: a claim locks no parent, so waiting for a worker counts as running."""
    return State.RUNNING if state is State.SUBMITTED else state


def worst(numbers: Mapping[State, int]) -> State:
    """Return the state that decides for all: KILLED, FAILED, CANCELLED, WARNING, else SUCCESS."""
    return next((state for state in WORST_FIRST if numbers.get(state)), State.SUCCESS)


def _open(numbers: Mapping[State, int]) -> int:
    return sum(number for state, number in numbers.items() if state not in FINAL)


def as_texts(values: Sequence[object]) -> list[str | None]:
    """Return loop values as the texts that tell iterations apart; None stays None."""
    return [None if value is None else _as_text(value) for value in values]


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=str, separators=(",", ":"))
