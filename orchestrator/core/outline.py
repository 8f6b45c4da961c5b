"""Where each task of a flow stands: its parent, its branch, the loops around it. Made once per revision."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from orchestrator.core.spec import FlowSpec, RetrySpec, TaskSpec

LOOPS = frozenset({"core.flow.ForEach", "core.flow.EachSequential", "core.flow.EachParallel"})  # over values
UNTIL = "core.flow.LoopUntil"  # a loop without values: what stands in it is seen as its present iteration left it
REPEATING = LOOPS | {UNTIL}
DAG = "core.flow.Dag"


@dataclass(frozen=True, slots=True)
class Place:
    """A task and where it stands."""

    task: TaskSpec
    parent: str | None  # None: the flow itself
    branch: str
    above: tuple[str, ...]  # ids of its ancestors, outermost first
    loops: tuple[str, ...]  # those of its ancestors that are loops over values
    retry: RetrySpec | None  # its own, else the nearest ancestor's, else the flow's


@dataclass(frozen=True)
class Outline:
    """A flow with its tasks by id. Disabled tasks are not in it."""

    flow: FlowSpec

    @cached_property
    def places(self) -> dict[str, Place]:
        """Every enabled task by its id."""
        return {place.task.id: place for place in self._walk()}

    @cached_property
    def _enabled(self) -> dict[tuple[str | None, str], tuple[TaskSpec, ...]]:
        found: dict[tuple[str | None, str], list[TaskSpec]] = {}
        for place in self.places.values():
            found.setdefault((place.parent, place.branch), []).append(place.task)
        return {key: tuple(tasks) for key, tasks in found.items()}

    def enabled(self, parent: str | None, branch: str) -> tuple[TaskSpec, ...]:
        """Return the enabled tasks of a branch of `parent` (None: of the flow)."""
        return self._enabled.get((parent, branch), ())

    def task(self, task_id: str) -> TaskSpec:
        """Return the task with this id; KeyError when the flow has none."""
        return self.places[task_id].task

    def _walk(self) -> Iterator[Place]:
        flow = self.flow
        for branch, tasks in (("tasks", flow.tasks), ("errors", flow.errors), ("finally", flow.finally_)):
            for task in tasks:
                yield from _below(task, None, branch, (), (), flow.retry)


def _below(
    task: TaskSpec,
    parent: str | None,
    branch: str,
    above: tuple[str, ...],
    loops: tuple[str, ...],
    retry: RetrySpec | None,
) -> Iterator[Place]:
    if task.disabled:
        return
    retry = task.retry or retry
    yield Place(task, parent, branch, above, loops, retry)
    inner = (*loops, task.id) if task.type in LOOPS else loops
    for name, children in task.branches.items():
        # errors and finally of a loop run once for the whole loop, so they have no iteration
        around = loops if name in {"errors", "finally"} else inner
        for child in children:
            within = dag_branch(child.id) if task.type == DAG and name == "tasks" else name
            yield from _below(child, task.id, within, (*above, task.id), around, retry)


def dag_branch(child: str) -> str:
    """Return the branch that a child of a Dag is counted in, alone: so its parent's numbers tell how it stands."""
    return f"tasks.{child}"
