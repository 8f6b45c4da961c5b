"""Waiting for a person or for the clock."""

from orchestrator.core.durations import read_duration
from orchestrator.core.flowables.contract import FlowableFailed
from orchestrator.core.snapshot import FactKind, TaskRun
from orchestrator.core.spec import TaskSpec
from orchestrator.core.states import FINAL, State
from orchestrator.core.walk import Settle, Walk

AFTER_DELAY = {
    "RESUME": State.SUCCESS,
    "WARN": State.WARNING,
    "FAIL": State.FAILED,
    "CANCEL": State.CANCELLED,
}


class Pause:
    """Waits until it is resumed; a `delay` resumes it by itself, a `timeout` fails it."""

    def start(self, walk: Walk, run: TaskRun, task: TaskSpec) -> TaskRun:
        """Pause, with the moment at which the clock decides."""
        written = _length(task)
        if written is None:
            return walk.to(run, State.PAUSED)
        text = str(walk.world.render(written, run.path))
        try:
            length = read_duration(text)
        except ValueError:
            raise FlowableFailed(f"{text!r} is not a duration such as PT5M.") from None
        return walk.to(run, State.PAUSED, run_after=walk.later(length))

    def outcome(self, walk: Walk, run: TaskRun, task: TaskSpec, settle: Settle) -> State | None:
        """Read what was recorded; go on with the tasks below, if there are any."""
        if run.state is State.PAUSED:
            resumed = self._resumed(walk, run, task)
            if resumed is None or resumed.state in FINAL:
                return None
        return walk.in_order(run.path, "tasks", settle)

    def _resumed(self, walk: Walk, run: TaskRun, task: TaskSpec) -> TaskRun | None:
        if run.fact is not None and run.fact.kind is FactKind.RESUMED:
            inputs = {"onResume": dict(run.fact.outputs or {})} if run.fact.outputs is not None else run.outputs
            return walk.to(run, State.RUNNING, fact=None, outputs=inputs, run_after=None)
        if not walk.due(run):
            return None
        properties = task.properties
        if "delay" not in properties and "pauseDuration" not in properties:
            return walk.to(run, State.FAILED, error="Nobody resumed it in time.")
        state = AFTER_DELAY.get(str(properties.get("behavior", "RESUME")), State.SUCCESS)
        if state is State.SUCCESS:
            return walk.to(run, State.RUNNING, run_after=None)
        return walk.to(run, state)


def _length(task: TaskSpec) -> object:
    for name in ("delay", "pauseDuration", "timeout"):
        if task.properties.get(name) is not None:
            return task.properties[name]
    return task.timeout
