"""The machine's surroundings during one turn: renders, performs instant tasks, counts the steps."""

import random
import time
from collections.abc import Mapping
from datetime import datetime

from django.conf import settings
from django.db import connection

from orchestrator.core.expressions import Call, ExpressionFailed, render_tree
from orchestrator.core.snapshot import Fact, FactKind, Path, TaskRun
from orchestrator.core.spec import TaskSpec
from orchestrator.core.states import State
from orchestrator.ids import new_id
from orchestrator.revisions import Revision
from orchestrator.scopes import Scene, names_in
from orchestrator.snapshots import ExecutionRow, LogRecord
from orchestrator.tasks.contract import RunContext
from orchestrator.tasks.registry import task_type

STEPS_PER_TURN = 1_000
SECONDS_PER_TURN = 0.2
LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR")


class ExecutionWorld:
    """What `core.walk.World` asks for, for one execution and one turn."""

    def __init__(self, row: ExecutionRow, revision: Revision, at: datetime, fetched: Mapping[Call, object]) -> None:
        self.scene = Scene(row, revision, at)
        self.at = at
        self.logs: list[LogRecord] = []
        self.labels: dict[str, str] = {}
        self._fetched = fetched
        self._steps = 0
        self._until = time.monotonic() + SECONDS_PER_TURN

    def see(self, runs: Mapping[Path, TaskRun]) -> None:
        """Look at these task runs from now on."""
        self.scene.runs = runs

    def render(self, value: object, path: Path) -> object:
        """Return `value` with its expressions evaluated."""
        if not holds_expression(value):
            return value
        names = names_in(value)
        return render_tree(value, self.scene.scope(path, names), self._fetched)

    def perform(self, task: TaskSpec, run: TaskRun) -> Fact | None:
        """Run an instant task now."""
        kind = task_type(task.type)
        if not kind.instant:
            return None
        self._steps += 1
        try:
            rendered = self.render(task.properties, run.path)
        except ExpressionFailed as failure:
            return Fact(FactKind.ENDED, State.FAILED, None, str(failure), self.at)
        if not isinstance(rendered, Mapping):
            raise TypeError("properties must be a mapping")
        outcome = kind.perform(rendered, self._context(task, run))
        if outcome.labels:
            self.labels.update(outcome.labels)
            self.scene.add_labels(outcome.labels)
        return Fact(FactKind.ENDED, outcome.state, outcome.outputs, outcome.error or "", self.at)

    def _context(self, task: TaskSpec, run: TaskRun) -> RunContext:
        row = self.scene.row
        lines = 0
        least = LEVELS.index(task.log_level) if task.log_level in LEVELS else 0

        def log(level: str, message: str) -> None:
            nonlocal lines
            if LEVELS.index(level) >= least:
                self.logs.append(LogRecord(run.id, run.attempt + 1, lines, self.at, level, message))
                lines += 1

        return RunContext(
            log=log,
            tenant_id=row.tenant_id,
            namespace=row.namespace,
            flow_id=self.scene.revision.spec.id,
            execution_id=row.id,
            task_run_id=run.id,
            task_id=task.id,
            attempt=run.attempt + 1,
        )

    def iteration_value(self, path: Path, index: int) -> str:
        """Return what a loop has at `index`: at hand when it started in this turn, else in its row."""
        values = self.scene.runs[path].values
        if values is not None:
            return values[index]
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT values ->> %s FROM orchestrator_taskrun WHERE execution_id = %s AND path = %s",
                [index, self.scene.row.id, "/".join(path)],
            )
            return str(cursor.fetchone()[0])

    def new_id(self) -> str:
        """Return an id for a new task run."""
        return new_id()

    def chance(self) -> float:
        """Return a number in [0, 1)."""
        return random.random()  # noqa: S311 - spreads retries, keeps no secret

    def goes_on(self) -> bool:
        """Tell whether this turn may take another step."""
        return self._steps < STEPS_PER_TURN and time.monotonic() < self._until


def holds_expression(value: object) -> bool:
    """Tell whether there is anything to render in a structure."""
    if isinstance(value, str):
        return "{{" in value or "{%" in value
    if isinstance(value, Mapping):
        return any(holds_expression(item) for item in value.values()) or any(holds_expression(key) for key in value)
    if isinstance(value, list | tuple):
        return any(holds_expression(item) for item in value)
    return False


def max_crashes() -> int:
    """Return how often a task run may lose its worker before it fails."""
    return int(settings.MAX_CRASHES)
