"""Waiting for people to approve or reject."""

from orchestrator.core.snapshot import FactKind, TaskRun
from orchestrator.core.spec import TaskSpec
from orchestrator.core.states import State
from orchestrator.core.walk import Settle, Walk

WHO_KEYS = ("users", "groups", "expression")
WHO = "who"  # key of the outputs while it waits: whose decision it waits for, rendered


class Approval:
    """Waits for a decision; what a rejection does is said by `onReject` (FAIL, CANCEL or CONTINUE)."""

    def start(self, walk: Walk, run: TaskRun, task: TaskSpec) -> TaskRun:
        """Pause and keep whose decision is asked for."""
        level = first_level(task)
        who = walk.world.render(level.get("who") or {key: level[key] for key in WHO_KEYS if key in level}, run.path)
        name = walk.world.render(level.get("name", ""), run.path)
        return walk.to(run, State.PAUSED, outputs={WHO: who, "level": name})

    def outcome(self, walk: Walk, run: TaskRun, task: TaskSpec, settle: Settle) -> State | None:  # noqa: ARG002
        """Read the decision."""
        fact = run.fact
        if run.state is not State.PAUSED or fact is None or fact.kind is not FactKind.DECIDED:
            return None
        outputs = dict(fact.outputs or {})
        if outputs.get("decision") == "APPROVE":
            walk.to(run, State.SUCCESS, fact=None, outputs=outputs)
            return None
        end = {"CONTINUE": State.SUCCESS, "CANCEL": State.CANCELLED}.get(
            str(task.properties.get("onReject", "FAIL")),
            State.FAILED,
        )
        error = fact.error if end is not State.SUCCESS else ""
        walk.to(run, end, fact=None, outputs=outputs, error=error)
        return None


def first_level(task: TaskSpec) -> dict[str, object]:
    """Return the level that is asked first; a task without `levels` is its own only level."""
    levels = task.properties.get("levels")
    if isinstance(levels, list | tuple) and levels and isinstance(levels[0], dict):
        return {**task.properties, **levels[0]}
    return dict(task.properties)
