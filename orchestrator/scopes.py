"""What an expression sees: the scope of one task run, with outputs read when an expression asks for them."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from django.conf import settings
from django.db import connection

from orchestrator.core.expressions import compile_template
from orchestrator.core.expressions.scope import AT
from orchestrator.core.outline import LOOPS, UNTIL, Place
from orchestrator.core.snapshot import ROOT, Path, TaskRun
from orchestrator.revisions import Revision
from orchestrator.snapshots import ExecutionRow


class Scene:
    """One execution as expressions see it. `runs` are the task runs in view, newer than what is in the database."""

    def __init__(self, row: ExecutionRow, revision: Revision, at: datetime) -> None:
        self.row = row
        self.revision = revision
        self.at = at
        self.runs: Mapping[Path, TaskRun] = {}
        self._labels: dict[str, object] = dict(row.labels)
        self._constant: dict[str, object] | None = None
        self._read: dict[Path, TaskRunFound | None] = {}

    def add_labels(self, labels: Mapping[str, str]) -> None:
        """Let expressions see labels that a task of this turn has just set."""
        self._labels.update(labels)
        self._constant = None

    def scope(self, path: Path, names: set[str] | None = None) -> dict[str, object]:
        """Return the variables for an expression of the task run at `path` (the root: of the flow).

        `names`: the variables that are needed; None: all.
        """
        scope = dict(self._constants())
        if path:
            self._add_task(scope, path)
        if names is None or names & {"outputs", "tasks"}:
            scope["outputs"] = Outputs(self, path)
            scope["tasks"] = Tasks(self, path)
        if names is None or names & {"parent", "parents"}:
            parents = [dict(parent) for parent in self._parents(path)]
            scope["parents"] = parents
            if parents:
                scope["parent"] = parents[0]
        return scope

    def _constants(self) -> dict[str, object]:
        if self._constant is None:
            row, spec = self.row, self.revision.spec
            constant: dict[str, object] = {
                AT: self.at,
                "flow": {
                    "id": spec.id,
                    "namespace": spec.namespace,
                    "revision": self.revision.number,
                    "tenantId": str(row.tenant_id),
                },
                "execution": {
                    "id": row.id,
                    "startDate": iso(row.created_at),
                    "originalId": str(row.cause.get("original", row.id)),
                    "state": row.state.value,
                },
                "vars": {**spec.variables, **row.variables},
                "labels": nested_labels(self._labels),
                "trigger": row.cause.get("variables") or {},
                "requester": Requester(row.started_by),
                "portico": {"url": settings.PUBLIC_URL},
            }
            if row.inputs or spec.inputs:
                constant["inputs"] = row.inputs
            self._constant = constant
        return self._constant

    def _add_task(self, scope: dict[str, object], path: Path) -> None:
        run = self.runs[path]
        task = self.revision.outline.places[run.task_id].task
        scope["task"] = {"id": task.id, "type": task.type}
        taskrun: dict[str, object] = {
            "id": run.id,
            "startDate": iso(run.started_at or self.at),
            "attemptsCount": run.attempt,
            "value": run.value,
            "iteration": run.iteration,
        }
        if len(path) > 1 and path[:-1] in self.runs:
            taskrun["parentId"] = self.runs[path[:-1]].id
        scope["taskrun"] = {key: value for key, value in taskrun.items() if value is not None}

    def _parents(self, path: Path) -> Iterator[Mapping[str, object]]:
        """Yield the tasks around the one at `path` that stand in an iteration or have outputs, the nearest first."""
        for depth in range(len(path) - 1, 0, -1):
            run = self.runs.get(path[:depth])
            if run is None or run.hidden or (run.value is None and not run.outputs):
                continue
            parent: dict[str, object] = {"task": {"id": run.task_id}}
            if run.value is not None:
                parent["taskrun"] = {"value": run.value, "iteration": run.iteration}
            if run.outputs:
                parent["outputs"] = run.outputs
            yield parent

    # -- task runs by path, from view or from the database -------------------------------------------------------------

    def found(self, path: Path) -> "TaskRunFound | None":
        """Return the state and outputs of the task run at `path`, if there is one."""
        run = self.runs.get(path)
        if run is not None:
            return TaskRunFound(run.path, run.value, run.state.value, run.outputs)
        if path not in self._read:
            self._read[path] = next(iter(self._select("path = %s", ["/".join(path)])), None)
        return self._read[path]

    def repeats(self, task_id: str, child: str) -> bool:
        """Tell whether the task is a loop without values and `child` one of those it repeats."""
        places = self.revision.outline.places
        return places[task_id].task.type == UNTIL and places[child].branch == "tasks"

    def present_iteration(self, loop: Path) -> str:
        """Return the index of the iteration that the loop without values at `loop` is in, or ended with."""
        run = self.found(loop)
        count = (run.outputs or {}).get("iterationCount") if run is not None else None
        return str(count - 1) if isinstance(count, int) and count > 0 else "0"

    def all_of(self, task_id: str) -> list["TaskRunFound"]:
        """Return every task run of a task, over all iterations, later ones last."""
        found = {run.path: run for run in self._select("task_id = %s AND NOT hidden", [task_id])}
        for path, run in self.runs.items():
            if run.task_id == task_id and not run.hidden:
                found[path] = TaskRunFound(path, run.value, run.state.value, run.outputs)
        return sorted(found.values(), key=lambda run: [int(part) if part.isdecimal() else part for part in run.path])

    def iteration_values(self) -> dict[Path, str]:
        """Return the value of every iteration of the execution by its path, of loops over values."""
        values = {run.path: run.value or "" for run in self._select("hidden", [])}
        values.update({path: run.value or "" for path, run in self.runs.items() if run.hidden})
        places = self.revision.outline.places
        return {path: value for path, value in values.items() if places[path[-2]].task.type in LOOPS}

    def _select(self, condition: str, arguments: list[Any]) -> list["TaskRunFound"]:
        if not self.row.positions and not self.runs.get(ROOT, self.row.root).position:
            return []
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT path, value, state, outputs, hidden FROM orchestrator_taskrun "  # noqa: S608 - ours
                f"WHERE execution_id = %s AND {condition}",
                [self.row.id, *arguments],
            )
            return [
                TaskRunFound(
                    tuple(path.split("/")),
                    value,
                    state,
                    json.loads(outputs) if isinstance(outputs, str) else outputs,
                    hidden,
                )
                for path, value, state, outputs, hidden in cursor.fetchall()
            ]


class TaskRunFound:
    """A task run as expressions see it."""

    __slots__ = ("hidden", "outputs", "path", "state", "value")

    def __init__(
        self,
        path: Path,
        value: str | None,
        state: str,
        outputs: Mapping[str, object] | None,
        hidden: bool = False,  # noqa: FBT001, FBT002 - a plain record
    ) -> None:
        self.path = path
        self.value = value
        self.state = state
        self.outputs = outputs
        self.hidden = hidden


class _ByTask(Mapping[str, object]):
    """Something of every task by its id; inside loops by the iteration values in between."""

    def __init__(self, scene: Scene, path: Path) -> None:
        self._scene = scene
        self._path = path

    def seen(self, run: TaskRunFound) -> object:
        """Return what of a task run is seen; None: nothing yet."""
        raise NotImplementedError

    def __getitem__(self, task_id: str) -> object:
        place = self._scene.revision.outline.places.get(task_id)
        if place is None:
            raise KeyError(task_id)
        value = self._in_place(place)
        if value is None:
            raise KeyError(task_id)
        return value

    def _in_place(self, place: Place) -> object:
        here = self._here(place)
        if here is None:
            return self.over_iterations(place.task.id) or None
        path, values = here
        run = self._scene.found(path)
        shown = None if run is None else self.seen(run)
        return Iterations(self, place.task.id, values, shown) if values else shown

    def _here(self, place: Place) -> tuple[Path, list[str]] | None:
        """Return where the task stands in the iterations that we are in ourselves, and their values.

        None when we are not in one of its loops. Of a loop without values it is the present, or last, iteration.
        """
        path: Path = ()
        values = []
        for above, below in pairwise((*place.above, place.task.id)):
            path = (*path, above)
            if above in place.loops:
                if path != self._path[: len(path)] or len(self._path) <= len(path):
                    return None
                path = self._path[: len(path) + 1]
                iteration = self._scene.found(path)
                if iteration is None:
                    return None
                values.append(iteration.value or "")
            elif self._scene.repeats(above, below):
                path = (*path, self._scene.present_iteration(path))
        return (*path, place.task.id), values

    def over_iterations(self, task_id: str) -> dict[str, Any]:
        """Return what is seen of a task in all iterations, nested by their values, outermost first."""
        iterations = self._scene.iteration_values()
        nested: dict[str, Any] = {}
        for run in self._scene.all_of(task_id):
            shown = self.seen(run)
            values = [
                iterations[run.path[:depth]] for depth in range(1, len(run.path)) if run.path[:depth] in iterations
            ]
            if shown is None or not values:
                continue
            inner = nested
            for value in values[:-1]:
                inner = inner.setdefault(value, {})
            inner[values[-1]] = shown
        return nested

    def __iter__(self) -> Iterator[str]:
        return (task_id for task_id in self._scene.revision.outline.places if task_id in self)

    def __contains__(self, task_id: object) -> bool:
        try:
            self[str(task_id)]
        except KeyError:
            return False
        return True

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Iterations(Mapping[str, object]):
    """A task's iterations by value: our own is at hand, the others are read when an expression asks for them."""

    def __init__(self, owner: _ByTask, task_id: str, values: list[str], shown: object) -> None:
        self._owner = owner
        self._task_id = task_id
        self._values = values
        self._shown = shown
        self._all: Mapping[str, object] | None = None

    def __getitem__(self, value: str) -> object:
        if value == self._values[0] and self._shown is not None:
            if len(self._values) == 1:
                return self._shown
            return Iterations(self._owner, self._task_id, self._values[1:], self._shown)
        return self._every()[value]

    def _every(self) -> Mapping[str, object]:
        if self._all is None:
            self._all = self._owner.over_iterations(self._task_id)
        return self._all

    def __iter__(self) -> Iterator[str]:
        return iter(self._every())

    def __len__(self) -> int:
        return len(self._every())


class Outputs(_ByTask):
    """`outputs.<task>...`, in loops `outputs.<task>[value]...`."""

    def seen(self, run: TaskRunFound) -> object:
        """Return the outputs."""
        return run.outputs


class Tasks(_ByTask):
    """`tasks.<task>.state`."""

    def seen(self, run: TaskRunFound) -> object:
        """Return the state."""
        return {"state": run.state}


class Requester(Mapping[str, object]):
    """Who started the execution; read when an expression asks."""

    FIELDS = ("email", "name", "manager", "department", "language", "zone", "groups", "attributes")

    def __init__(self, user_id: int | None) -> None:
        self._user_id = user_id
        self._known: dict[str, object] | None = None

    def __getitem__(self, key: str) -> object:
        if self._known is None:
            self._known = _read_person(self._user_id)
        return self._known[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.FIELDS)

    def __len__(self) -> int:
        return len(self.FIELDS)


def _read_person(user_id: int | None) -> dict[str, object]:
    if user_id is None:
        return dict.fromkeys(Requester.FIELDS)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT u.email, u.name, m.email, u.department, u.language, u.time_zone, ARRAY(SELECT g.name FROM "
            "tenants_group g JOIN tenants_groupmember x ON x.group_id = g.id WHERE x.user_id = u.id ORDER BY g.name), "
            "u.attributes FROM tenants_user u LEFT JOIN tenants_user m ON m.id = u.manager_id WHERE u.id = %s",
            [user_id],
        )
        row = list(cursor.fetchone())
    row[7] = json.loads(row[7]) if isinstance(row[7], str) else row[7]
    return dict(zip(Requester.FIELDS, row, strict=True))


def names_in(value: object) -> set[str]:
    """Return the top-level variables that the expressions in a structure read."""
    if isinstance(value, str):
        return {name[0] for name in compile_template(value).names} if "{" in value else set()
    if isinstance(value, Mapping):
        return {name for pair in value.items() for item in pair for name in names_in(item)}
    if isinstance(value, list | tuple):
        return {name for item in value for name in names_in(item)}
    return set()


def iso(moment: datetime) -> str:
    """Return a moment as expressions show it: UTC, with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def nested_labels(labels: Mapping[str, Any]) -> dict[str, object]:
    """Return labels with `system.x` keys nested below `system`."""
    shown: dict[str, object] = {key: value for key, value in labels.items() if not key.startswith("system.")}
    system = {key.removeprefix("system."): value for key, value in labels.items() if key.startswith("system.")}
    if system:
        shown["system"] = system
    return shown
