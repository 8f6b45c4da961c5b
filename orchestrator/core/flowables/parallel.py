"""Tasks side by side."""

from orchestrator.core.flowables.sequential import Sequential
from orchestrator.core.snapshot import TaskRun
from orchestrator.core.spec import TaskSpec
from orchestrator.core.states import State
from orchestrator.core.walk import Settle, Walk


class Parallel(Sequential):
    """Runs its tasks at once, at most `concurrent` of them (0: all); ends when the running ones have ended."""

    def outcome(self, walk: Walk, run: TaskRun, task: TaskSpec, settle: Settle) -> State | None:
        """Bring the tasks forward together."""
        return walk.together(run.path, "tasks", _limit(task.properties.get("concurrent")), settle)


def _limit(written: object) -> int:
    return written if isinstance(written, int) else 0
