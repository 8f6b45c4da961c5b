"""A world for the machine without a database: renders from a table, gives ids in order, performs nothing by itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from orchestrator.core.machine import advance, advance_from, kill
from orchestrator.core.outline import Outline
from orchestrator.core.snapshot import ROOT, Fact, FactKind, Lease, Path, Snapshot, TaskRun
from orchestrator.core.spec import FlowSpec, TaskSpec
from orchestrator.core.states import FINAL, State

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@dataclass
class World:
    """Instant tasks are those of type `instant.*`; `instant.Fail` fails."""

    runs: Mapping[Path, TaskRun] = field(default_factory=dict)
    made: int = 0
    steps: int = 10**9

    def see(self, runs: Mapping[Path, TaskRun]) -> None:
        self.runs = runs

    def render(self, value: object, path: Path) -> object:
        return value

    def perform(self, task: TaskSpec, run: TaskRun) -> Fact | None:
        if not task.type.startswith("instant."):
            return None
        self.steps -= 1
        return Fact(FactKind.ENDED, State.FAILED if task.type == "instant.Fail" else State.SUCCESS)

    def iteration_value(self, path: Path, index: int) -> str:
        values = self.runs[path].values
        return values[index] if values is not None else str(index)

    def new_id(self) -> str:
        self.made += 1
        return f"run{self.made}"

    def chance(self) -> float:
        return 0.5

    def goes_on(self) -> bool:
        return self.steps > 0


@dataclass
class Play:
    """A flow being played: facts go in by hand, the machine is asked where things stand."""

    flow: FlowSpec
    at: datetime = NOON
    snapshot: Snapshot = field(
        default_factory=lambda: Snapshot({ROOT: TaskRun(ROOT, "execution", "", created_at=NOON)})
    )
    world: World = field(default_factory=World)

    def __post_init__(self) -> None:
        self.outline = Outline(self.flow)

    def advance(self) -> "Play":
        """Ask the whole machine."""
        self.snapshot = without_trail(advance(self.outline, self.snapshot, self.at, self.world))
        return self

    def start(self, *path: str) -> "Play":
        """A worker claims the task run at `path`."""
        return self.change(
            path,
            state=State.RUNNING,
            lease=Lease("w", self.at),
            attempt=self.run(*path).attempt + 1,
            started_at=self.at,
        )

    def change(self, path: Path, **changes: object) -> "Play":
        """Write a fact by hand, as a claim or a record in the database would."""
        self.snapshot = Snapshot({**self.snapshot.runs, path: replace(self.snapshot.runs[path], **changes)})  # type: ignore[arg-type]
        return self

    def end(self, *path: str, state: State = State.SUCCESS, **fact: object) -> "Play":
        """The attempt at `path` ends, and the machine goes on from there."""
        if self.run(*path).state is State.SUBMITTED:
            self.start(*path)
        self.change(path, fact=Fact(FactKind.ENDED, state, **fact), lease=None)  # type: ignore[arg-type]
        self.snapshot = without_trail(advance_from(self.outline, self.snapshot, path, self.at, self.world))
        return self

    def wait(self, **length: float) -> "Play":
        """Let time pass, then ask the machine."""
        self.at += timedelta(**length)
        return self.advance()

    def kill(self) -> "Play":
        """Somebody asks to stop."""
        self.snapshot = kill(self.snapshot, self.at)
        return self.advance()

    def run(self, *path: str) -> TaskRun:
        """The task run at `path`."""
        return self.snapshot.runs[path]

    def state(self, *path: str) -> State:
        """The state at `path`, of the execution when there is none."""
        return self.snapshot.runs[path].state

    @property
    def waiting(self) -> set[Path]:
        """Paths of task runs that wait for a worker."""
        return {path for path, run in self.snapshot.runs.items() if run.state is State.SUBMITTED}

    @property
    def states(self) -> dict[str, State]:
        """States by path, iterations left out."""
        return {"/".join(path): run.state for path, run in self.snapshot.runs.items() if path and not run.hidden}


def without_trail(snapshot: Snapshot) -> Snapshot:
    """Return the picture as the next reading would give it."""
    runs = {path: replace(run, moves=(), ended_attempts=()) for path, run in snapshot.runs.items()}
    return Snapshot(runs, snapshot.settled)


def task(task_id: str, kind: str = "worker.Run", **more: object) -> TaskSpec:
    """A task with its branches given by name."""
    branches = {name: tuple(tasks) for name, tasks in more.pop("branches", {}).items()}  # type: ignore[attr-defined]
    properties = more.pop("properties", {})
    return TaskSpec(task_id, kind, properties=properties, branches=branches, **more)  # type: ignore[arg-type]


def flow(*tasks: TaskSpec, **more: object) -> FlowSpec:
    """A flow of these tasks."""
    return FlowSpec("f", "company.team", tuple(tasks), **more)  # type: ignore[arg-type]


Player = Callable[..., Play]
FINALS = FINAL
