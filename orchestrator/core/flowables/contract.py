"""What the machine asks of a flowable."""

from typing import Protocol

from orchestrator.core.snapshot import TaskRun
from orchestrator.core.spec import TaskSpec
from orchestrator.core.states import State
from orchestrator.core.walk import Settle, Walk


class FlowableFailed(ValueError):
    """A flowable cannot start; the sentence goes to the person who reads the run."""


class Flowable(Protocol):
    """A kind of task that the machine runs itself."""

    def start(self, walk: Walk, run: TaskRun, task: TaskSpec) -> TaskRun:
        """Return `run` started, with what must be known from now on; raises FlowableFailed or ExpressionFailed."""

    def outcome(self, walk: Walk, run: TaskRun, task: TaskSpec, settle: Settle) -> State | None:
        """Bring the children forward and return how they ended, or None while there is something to wait for."""
