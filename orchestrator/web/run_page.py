"""What the page of an execution shows, as values: rows of the timeline, lines, values by right, what may be done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from orchestrator import access, changes, executions, flows
from orchestrator.access import Part
from orchestrator.changes import Line, Lines
from orchestrator.core.graph import graph_of, title_of
from orchestrator.core.outline import Place
from orchestrator.core.spec import FlowSpec, TaskSpec
from orchestrator.core.states import BAD, FINAL, State
from orchestrator.revisions import revision_of
from tenants.access import allowed
from tenants.actor import Actor

if TYPE_CHECKING:
    from orchestrator.models import Artifact, Execution, TaskRun

NO_SCRIPT_LINES = 200
DEEPEST = 6


@dataclass(frozen=True, slots=True)
class RunView:
    """One execution as one person may see it."""

    execution: "Execution"
    spec: FlowSpec
    seen: frozenset[Part]
    runs: Sequence["TaskRun"]
    inputs: Mapping[str, object]
    files: Sequence["Artifact"]
    failed: "TaskRun | None"
    pause: "TaskRun | None"
    may_kill: bool
    may_resume: bool
    may_execute: bool
    may_edit: bool

    @property
    def final(self) -> bool:
        """Whether it is over."""
        return State(self.execution.state) in FINAL

    @property
    def took(self) -> float | None:
        """How long it took, in seconds, once it is over."""
        if self.execution.ended_at is None:
            return None
        return (self.execution.ended_at - self.execution.created_at).total_seconds()

    @property
    def error(self) -> str:
        """Why it failed: its own reason, else that of the first task that did."""
        if State(self.execution.state) not in BAD:
            return ""
        return self.execution.error or (self.failed.error if self.failed else "")

    @property
    def leaves(self) -> Sequence["TaskRun"]:
        """The task runs that are no containers, for the progress bar."""
        groups = {task.id for task in _flowables(self.spec)}
        return [run for run in self.runs if run.task_id not in groups]


@dataclass(frozen=True, slots=True)
class Details:
    """One task run as the rail shows it."""

    run: "TaskRun"
    title: str
    type: str
    attempts: Sequence[Mapping[str, Any]]
    outputs: object
    files: Sequence["Artifact"]

    @property
    def took(self) -> float | None:
        """Its length in seconds, once it is over."""
        if self.run.started_at is None or self.run.ended_at is None:
            return None
        return (self.run.ended_at - self.run.started_at).total_seconds()


def view_of(actor: Actor, execution: "Execution", runs: "Sequence[TaskRun] | None" = None) -> RunView:
    """Return what `actor` may see of an execution and do with it; `runs` spares reading them again."""
    spec = flows.spec_of(execution.revision_id)
    seen = access.seen_parts(actor, execution)
    runs = changes.task_runs(execution) if runs is None else runs
    place, starter = execution.namespace, execution.started_by_id
    over = State(execution.state) in FINAL
    pause = None if over else executions.paused_at(execution)
    return RunView(
        execution=execution,
        spec=spec,
        seen=seen,
        runs=runs,
        inputs=access.inputs_shown(actor, execution, spec.inputs) if Part.INPUTS in seen else {},
        files=list(access.artifacts_of(execution)[:200]) if Part.FILES in seen else [],
        failed=next((run for run in runs if State(run.state) is State.FAILED and run.error), None),
        pause=pause,
        may_kill=not over and bool(allowed(actor, "execution.kill", place, started_by=starter)),
        may_resume=pause is not None and bool(allowed(actor, "execution.resume", place, started_by=starter)),
        may_execute=bool(allowed(actor, "flow.execute", place)),
        may_edit=bool(allowed(actor, "flow.update", place)),
    )


def details_of(view: RunView, task_run_id: str) -> Details | None:
    """Return what is shown of one task run; None when the execution has none with this id."""
    run = next((run for run in view.runs if run.id == task_run_id), None)
    if run is None:
        return None
    place: Place | None = revision_of(view.execution.revision_id).outline.places.get(run.task_id)
    return Details(
        run=run,
        title=title_of(place.task) if place else run.task_id,
        type=place.task.type if place else "",
        attempts=[_attempt(one) for one in run.attempts],
        outputs=tree(access.outputs_of(run) or {}) if Part.OUTPUTS in view.seen else None,
        files=[file for file in view.files if file.task_run_id == run.id],
    )


def _attempt(one: Mapping[str, Any]) -> dict[str, Any]:
    """Return a finished attempt with its times as moments; LOST and RELEASED are no states, so they keep their word."""
    start, end = parse_datetime(str(one.get("start", ""))), parse_datetime(str(one.get("end", "")))
    took = (end - start).total_seconds() if start and end else None
    return {**one, "start": start, "end": end, "took": took, "known": one.get("state") in State.__members__}


def first_json(actor: Actor, view: RunView) -> dict[str, Any]:
    """Return what the page's script begins with: the graph, every row, and the first lines."""
    found = changes.changes_since(actor, view.execution, view.execution.version, Lines())
    return {
        "version": view.execution.version,
        "final": view.final and not found.more,
        "now": timezone.now().isoformat(),
        "state": view.execution.state,
        "graph": graph_of(view.spec),
        "runs": rows_json(view.spec, view.runs),
        "logs": [line_json(line) for line in found.lines],
        "cursor": found.cursor.to_text(),
        "more": found.more,
    }


def rows_json(spec: FlowSpec, runs: Sequence["TaskRun"]) -> list[dict[str, Any]]:
    """Return the rows of the timeline; the parent is the nearest task run above that is shown."""
    by_path = {run.path: run.id for run in runs}
    tasks = {task.id: task for task in _every(spec)}
    return [
        {
            "id": run.id,
            "task": run.task_id,
            "label": run.task_id,
            "parent": _above(run.path, by_path),
            "value": run.value,
            "group": bool(run.task_id in tasks and tasks[run.task_id].branches),
            "state": run.state,
            "attempt": run.attempt,
            "created": run.created_at.isoformat(),
            "started": run.started_at.isoformat() if run.started_at else None,
            "ended": run.ended_at.isoformat() if run.ended_at else None,
        }
        for run in runs
    ]


def line_json(line: Line) -> dict[str, Any]:
    """Return a log line as log-view takes it."""
    return {
        "run": line.task_run_id,
        "attempt": line.attempt,
        "n": line.n,
        "at": line.at.isoformat(),
        "level": line.level,
        "task": line.task_id,
        "text": line.message,
    }


def tree(value: object, depth: int = 0) -> object:
    """Return a value as nested (name, value) pairs for a template: maps and lists open, everything else as text."""
    if depth < DEEPEST and isinstance(value, Mapping):
        return [(str(key), tree(inner, depth + 1)) for key, inner in value.items()]
    if depth < DEEPEST and isinstance(value, list | tuple) and value:
        return [(str(index), tree(inner, depth + 1)) for index, inner in enumerate(value[:200])]
    return value


def _above(path: str, by_path: Mapping[str, str]) -> str | None:
    while "/" in path:
        path = path.rpartition("/")[0]
        if path in by_path:
            return by_path[path]
    return None


def _every(spec: FlowSpec) -> Sequence[TaskSpec]:
    found: list[TaskSpec] = []
    waiting = [*spec.tasks, *spec.errors, *spec.finally_, *spec.after_execution]
    while waiting:
        task = waiting.pop()
        found.append(task)
        for branch in task.branches.values():
            waiting.extend(branch)
    return found


def _flowables(spec: FlowSpec) -> Sequence[TaskSpec]:
    return [task for task in _every(spec) if task.branches]
