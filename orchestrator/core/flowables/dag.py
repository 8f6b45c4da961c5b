"""Tasks that wait for each other."""

from collections import Counter
from collections.abc import Mapping, Sequence

from orchestrator.core.flowables.contract import FlowableFailed
from orchestrator.core.flowables.sequential import Sequential
from orchestrator.core.outline import dag_branch
from orchestrator.core.snapshot import Path, TaskRun
from orchestrator.core.spec import TaskSpec
from orchestrator.core.states import FINAL, State
from orchestrator.core.walk import STOPPING, Settle, Walk, worst


class Dag(Sequential):
    """Starts each task once those it depends on have ended, however; at most `concurrent` at once (0: all).

    Each child is a branch of its own in the outline, so the numbers that the parent keeps say how each one stands.
    """

    def outcome(self, walk: Walk, run: TaskRun, task: TaskSpec, settle: Settle) -> State | None:
        """Start what is ready, until nothing more is or one has failed."""
        children = {child.id: child for child in task.branches.get("tasks", ()) if not child.disabled}
        while True:
            states = {name: _state(walk, run.path, name) for name in children}
            begun = Counter(state for state in states.values() if state is not None)
            waiting = sum(number for state, number in begun.items() if state not in FINAL)
            if any(state in begun for state in STOPPING) or sum(begun.values()) == len(children):
                return None if waiting else worst(begun)
            ready = _ready(states, _waits_for(task))
            if not ready and not waiting:
                raise FlowableFailed("The tasks that are left depend on each other in a circle.")
            limit = task.properties.get("concurrent")
            room = limit - waiting if isinstance(limit, int) and limit > 0 else len(ready)
            if room <= 0 or not ready or not walk.goes_on():
                return None
            for path in [walk.create(run.path, children[name]).path for name in ready[:room]]:
                settle(path)


def _state(walk: Walk, path: Path, child: str) -> State | None:
    return next(iter(walk.counts(path, dag_branch(child))), None)


def _waits_for(task: TaskSpec) -> Mapping[str, Sequence[str]]:
    written = task.properties.get("dependsOn")
    return written if isinstance(written, Mapping) else {}


def _ready(states: Mapping[str, State | None], waits_for: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the tasks that may start; one that is disabled is not there and keeps nobody waiting."""
    return [
        name
        for name, state in states.items()
        if state is None and all(states[one] in FINAL for one in waits_for.get(name, ()) if one in states)
    ]
