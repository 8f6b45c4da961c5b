"""Branches of which one is taken; the choice is made once and kept in the outputs."""

from dataclasses import replace

from orchestrator.core.expressions import truthy
from orchestrator.core.flowables.contract import FlowableFailed
from orchestrator.core.snapshot import TaskRun
from orchestrator.core.spec import TaskSpec
from orchestrator.core.states import State
from orchestrator.core.walk import Settle, Walk, as_texts


class If:
    """Takes `then` when the condition holds, else `else`, else nothing."""

    def start(self, walk: Walk, run: TaskRun, task: TaskSpec) -> TaskRun:
        """Evaluate the condition."""
        holds = truthy(walk.world.render(task.properties.get("condition"), run.path))
        return walk.to(run, State.RUNNING, outputs={"evaluationResult": holds})

    def outcome(self, walk: Walk, run: TaskRun, task: TaskSpec, settle: Settle) -> State | None:  # noqa: ARG002
        """Bring the chosen branch forward."""
        holds = bool((run.outputs or {}).get("evaluationResult"))
        return walk.in_order(run.path, "then" if holds else "else", settle)


class Switch:
    """Takes the case that equals the value, else the defaults; neither is a failure."""

    def start(self, walk: Walk, run: TaskRun, task: TaskSpec) -> TaskRun:
        """Evaluate the value."""
        value = as_texts([walk.world.render(task.properties.get("value"), run.path)])[0] or ""
        known = f"cases.{value}" in task.branches
        if not known and "defaults" not in task.branches:
            walk.put(replace(run, outputs={"value": value, "defaults": False}))
            raise FlowableFailed(f"No case equals {value!r} and there are no defaults.")
        return walk.to(run, State.RUNNING, outputs={"value": value, "defaults": not known})

    def outcome(self, walk: Walk, run: TaskRun, task: TaskSpec, settle: Settle) -> State | None:  # noqa: ARG002
        """Bring the chosen case forward."""
        chosen = run.outputs or {}
        branch = "defaults" if chosen.get("defaults") else f"cases.{chosen.get('value')}"
        return walk.in_order(run.path, branch, settle)
