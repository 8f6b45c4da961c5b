"""A run in plain words: the steps a person follows, each with how far it is. Engineers' words stay out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from orchestrator.core.graph import title_of
from orchestrator.core.outline import REPEATING
from orchestrator.core.spec import FlowSpec, TaskSpec
from orchestrator.core.states import FINAL, State

_CHOICES = frozenset({"core.flow.If", "core.flow.Switch"})
_WAITING = frozenset({State.PAUSED, State.BREAKPOINT})


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of one task run."""

    path: str
    state: State
    started: datetime | None = None
    ended: datetime | None = None
    error: str = ""
    rounds: Mapping[str, int] = field(default_factory=dict)  # of a loop: {state: iterations}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the way."""

    id: str
    label: str
    depth: int
    state: State | None  # None: not begun
    group: bool = False  # has steps below it
    done: int = 0  # of a loop: iterations that are over
    total: int = 0
    took: timedelta | None = None
    error: str = ""

    @property
    def tone(self) -> str:
        """Return how a segment of the progress bar is coloured: `next` when it has not begun."""
        if self.state is None:
            return "next"
        if self.state in _WAITING:
            return "waiting"
        if self.state in FINAL:
            return {"SUCCESS": "success", "WARNING": "warning", "SKIPPED": "queued", "CANCELLED": "queued"}.get(
                self.state,
                "failed",
            )
        return "queued" if self.state in {State.CREATED, State.SUBMITTED} else "running"


@dataclass(frozen=True, slots=True)
class Progress:
    """All steps of a run, and where it stands."""

    steps: tuple[Step, ...]

    @property
    def bar(self) -> tuple[Step, ...]:
        """Return the steps that count: those without steps below them."""
        return tuple(step for step in self.steps if not step.group)

    @property
    def done(self) -> int:
        """Return how many steps are over."""
        return sum(1 for step in self.bar if step.state in FINAL)

    @property
    def total(self) -> int:
        """Return how many steps there are, as far as is known now."""
        return len(self.bar)

    @property
    def now(self) -> tuple[Step, ...]:
        """Return the steps that are going on, those that wait for a person first."""
        going = [step for step in self.bar if step.state is not None and step.state not in FINAL]
        return tuple(sorted(going, key=lambda step: step.state not in _WAITING))

    @property
    def failed(self) -> Step | None:
        """Return the step that went wrong first."""
        wrong = [step for step in self.steps if step.state in {State.FAILED, State.KILLED}]
        return next((step for step in wrong if not step.group), wrong[0] if wrong else None)


def progress_of(flow: FlowSpec, runs: Iterable[Seen], *, over: bool) -> Progress:
    """Return the steps of a run. Branches that were not taken are left out as soon as that is known.

    `over`: the run has ended, so what has not begun never will and is left out.
    """
    known = {run.path: run for run in runs}
    steps = [*_steps(flow.tasks, "", 0, known, over=over)]
    for tasks in (flow.errors, flow.finally_):
        begun = any(task.id in known for task in tasks)
        if begun:
            steps += _steps(tasks, "", 0, known, over=over)
    return Progress(tuple(steps))


def _steps(
    tasks: Sequence[TaskSpec],
    above: str,
    depth: int,
    known: Mapping[str, Seen],
    *,
    over: bool,
) -> Iterator[Step]:
    for task in tasks:
        path = f"{above}/{task.id}" if above else task.id
        run = known.get(path)
        if task.disabled or (run is None and over):
            continue
        if task.type in REPEATING:
            yield _loop(task, depth, run)
            continue
        inner = [
            step
            for branch, below in task.branches.items()
            if _goes(task, branch, below, path, known, run)
            for step in _steps(below, path, depth + 1, known, over=over)
        ]
        if not inner and task.branches and run is not None and run.state in FINAL:
            continue  # a question whose answer leads nowhere is no step for people
        if inner and not task.description.strip():
            yield from (replace(step, depth=step.depth - 1) for step in inner)
            continue
        yield _step(task, depth, run, group=bool(inner))
        yield from inner


def _goes(
    task: TaskSpec,
    branch: str,
    below: Sequence[TaskSpec],
    path: str,
    known: Mapping[str, Seen],
    run: Seen | None,
) -> bool:
    """Say whether the steps of a branch are shown."""
    begun = any(f"{path}/{child.id}" in known for child in below)
    if branch in {"errors", "finally"}:
        return begun
    if task.type not in _CHOICES:
        return True
    if begun:
        return True
    if run is not None:
        return False  # the question is answered, and the answer was another one
    return branch in {"then", "tasks"} or branch == next(iter(task.branches))


def _step(task: TaskSpec, depth: int, run: Seen | None, *, group: bool = False) -> Step:
    return Step(
        id=task.id,
        label=title_of(task),
        depth=depth,
        state=run.state if run else None,
        group=group,
        took=run.ended - run.started if run and run.started and run.ended else None,
        error=run.error if run else "",
    )


def _loop(task: TaskSpec, depth: int, run: Seen | None) -> Step:
    rounds = run.rounds if run else {}
    done = sum(count for state, count in rounds.items() if state in FINAL)
    return replace(_step(task, depth, run), done=done, total=sum(rounds.values()))
