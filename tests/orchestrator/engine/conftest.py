"""A world for the engine's tests: the cast, and a worker that is cranked by hand."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import connection

from orchestrator import executions, executor, flows, recovery, revisions
from orchestrator.executions import Cause
from orchestrator.models import Execution, LogLine, TaskRun
from orchestrator.worker import Worker
from tenants.actor import Actor
from tests.cast import Cast, cast


@dataclass
class Crank:
    """Runs what waits, one hand's turn at a time; nothing moves between turns."""

    cast: Cast
    alice: Actor
    worker: Worker = field(default_factory=Worker)

    def start(self, source: str, inputs: dict[str, Any] | None = None) -> str:
        """Save a flow as Alice and start it with values as they are."""
        revision = flows.save(self.alice, source)
        return executions.start(self.alice, revision, inputs or {}, cause=Cause("flow")).pk

    def advance(self) -> int:
        """Advance what waits for it."""
        return executor.advance_waiting()

    def turn(self) -> int:
        """Let the worker do all that it can; return the number of task runs it ran."""
        return self.worker.work("default")

    def run(self, source: str, inputs: dict[str, Any] | None = None) -> "Run":
        """Start a flow and crank until nothing moves any more."""
        execution_id = self.start(source, inputs)
        self.settle()
        return self.look(execution_id)

    def settle(self) -> None:
        """Crank until nothing moves any more, the clock's work included."""
        while self.turn() or self.advance() or recovery.wake_due():
            pass

    def look(self, execution_id: str) -> "Run":
        """Return how an execution stands."""
        runs = TaskRun.across_tenants.filter(execution_id=execution_id, hidden=False).order_by("position")
        logs = LogLine.across_tenants.filter(execution_id=execution_id).order_by("at", "n")
        return Run(Execution.across_tenants.get(pk=execution_id), list(runs), [line.message for line in logs])


@dataclass
class Run:
    """An execution with its task runs in the order in which they were made."""

    execution: Execution
    task_runs: list[TaskRun]
    logs: list[str]

    @property
    def state(self) -> str:
        """The execution's state."""
        return self.execution.state

    @property
    def states(self) -> list[tuple[str, str]]:
        """(task id, state) of every task run."""
        return [(run.task_id, run.state) for run in self.task_runs]

    def outputs(self, task_id: str) -> Any:
        """The outputs of the only run of a task."""
        (run,) = [run for run in self.task_runs if run.task_id == task_id]
        return run.outputs


@pytest.fixture
def crank(transactional_db: None) -> Crank:
    """The engine, turned by hand."""
    revisions.forget_all()
    people = cast()
    return Crank(people, people.actor("alice"))


@pytest.fixture
def statements() -> Callable[[], list[str]]:
    """The SQL statements since the fixture was asked for."""
    connection.force_debug_cursor = True
    connection.queries_log.clear()
    return lambda: [query["sql"] for query in connection.queries_log]
