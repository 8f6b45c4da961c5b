"""One task after the other."""

from orchestrator.core.snapshot import TaskRun
from orchestrator.core.spec import TaskSpec
from orchestrator.core.states import State
from orchestrator.core.walk import Settle, Walk


class Sequential:
    """Runs its tasks in the author's order; the first that fails ends it."""

    def start(self, walk: Walk, run: TaskRun, task: TaskSpec) -> TaskRun:  # noqa: ARG002 - the contract's shape
        """Start."""
        return walk.to(run, State.RUNNING)

    def outcome(self, walk: Walk, run: TaskRun, task: TaskSpec, settle: Settle) -> State | None:  # noqa: ARG002
        """Bring the tasks forward in order."""
        return walk.in_order(run.path, "tasks", settle)


class AllowFailure(Sequential):
    """A sequence whose failure is a warning; the machine reads that from the type, after its errors branch."""
