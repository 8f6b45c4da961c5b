"""A flow as a picture and as a list: nodes and edges for engineers, steps in plain words for everyone."""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.core.spec import FlowSpec, TaskSpec

_KINDS = {
    "core.flow.If": "choice",
    "core.flow.Switch": "choice",
    "core.flow.ForEach": "loop",
    "core.flow.EachSequential": "loop",
    "core.flow.EachParallel": "loop",
    "core.flow.LoopUntil": "loop",
    "core.flow.Loop": "loop",
    "core.flow.Pause": "wait",
    "core.flow.Approval": "wait",
    "core.flow.HumanTask": "wait",
    "core.flow.Subflow": "flow",
    "core.flow.ForEachItem": "flow",
    "core.flow.Template": "flow",
    "core.flow.Sequential": "group",
    "core.flow.Parallel": "group",
    "core.flow.Dag": "group",
    "core.flow.AllowFailure": "group",
    "core.flow.WorkingDirectory": "group",
}
_SIDE_BY_SIDE = frozenset({"core.flow.Parallel", "core.flow.EachParallel"})
_ASIDE = frozenset({"errors", "finally", "onPause"})


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a flow as a business page names it."""

    id: str  # of the task
    title: str
    depth: int  # 0: not inside of another step
    kind: str  # task | group | choice | loop | wait | flow
    branch: str  # "tasks", "then", "cases.x" ... of the parent


def graph_of(flow: FlowSpec) -> dict[str, Any]:
    """Return the flow's graph, always in the same order: {"nodes": [...], "edges": [...]}.

    A node is {id, label, type, kind, parent, branch, disabled, line}: `parent` is the id of the container it stands
    in (None: the flow), `branch` the container's branch, `kind` one of trigger, task, group, choice, loop, wait, flow.
    An edge is {from, to, label}: from a task to the next, or from a container to the first of a branch, whose name or
    case is the label. Branches `errors`, `finally` and `afterExecution` of the flow have no edge that leads to them.
    """
    nodes: list[dict[str, Any]] = []
    edges: list[dict[str, str]] = []
    for trigger in flow.triggers:
        nodes.append(_node(trigger.id, trigger.type, "trigger", None, "triggers", trigger.disabled, trigger.line))
        if flow.tasks:
            edges.append(_edge(f"trigger:{trigger.id}", flow.tasks[0].id, ""))
    lists = {
        "tasks": flow.tasks,
        "errors": flow.errors,
        "finally": flow.finally_,
        "afterExecution": flow.after_execution,
    }
    for branch, tasks in lists.items():
        _add_branch(nodes, edges, None, branch, tasks)
    return {"nodes": nodes, "edges": edges}


def kind_of(task_type: str) -> str:
    """Return what a task is for a reader: task, group, choice, loop, wait or flow."""
    return _KINDS.get(task_type, "task")


def steps_of(flow: FlowSpec) -> list[Step]:
    """Return the steps of a flow in plain words, in order.

    Disabled tasks and what runs only after a failure are left out. A group without a description is no step of its
    own: its tasks stand in its place.
    """
    return [*_steps(flow.tasks, "tasks", 0), *_steps(flow.finally_, "finally", 0)]


def title_of(task: TaskSpec) -> str:
    """Return the first line of a task's description, else its id in plain words."""
    for line in task.description.splitlines():
        words = re.sub(r"[#*_`>]+", "", line).strip()
        if words:
            return words if len(words) <= 120 else words[:117].rstrip() + "..."
    return humanised(task.id)


def humanised(name: str) -> str:
    """Return an id as words: `load_dailyReport-2` becomes "Load daily report 2"."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", re.sub(r"[_.-]+", " ", name)).split()
    lowered = [word if word.isupper() and len(word) > 1 else word.lower() for word in words]
    text = " ".join(lowered)
    return text[:1].upper() + text[1:]


def _steps(tasks: Sequence[TaskSpec], branch: str, depth: int) -> Iterator[Step]:
    for task in tasks:
        if task.disabled:
            continue
        kind = kind_of(task.type)
        own = kind != "group" or bool(task.description.strip())
        if own:
            yield Step(task.id, title_of(task), depth, kind, branch)
        for name, children in task.branches.items():
            if name not in {"errors", "onPause"}:
                yield from _steps(children, name if own else branch, depth + 1 if own else depth)


def _add_branch(
    nodes: list[dict[str, Any]],
    edges: list[dict[str, str]],
    parent: TaskSpec | None,
    branch: str,
    tasks: Sequence[TaskSpec],
) -> None:
    for task in tasks:
        above = parent.id if parent else None
        nodes.append(_node(task.id, task.type, kind_of(task.type), above, branch, task.disabled, task.line))
        for name, children in task.branches.items():
            _add_branch(nodes, edges, task, name, children)
    edges.extend(_branch_edges(parent, branch, tasks))


def _branch_edges(parent: TaskSpec | None, branch: str, tasks: Sequence[TaskSpec]) -> Iterator[dict[str, str]]:
    if not tasks:
        return
    label = "" if branch == "tasks" else branch.removeprefix("cases.")
    written = parent.properties.get("dependsOn") if parent else None
    if parent and parent.type == "core.flow.Dag" and branch == "tasks" and isinstance(written, Mapping):
        ids = {task.id for task in tasks}
        for task in tasks:
            before = [one for one in written.get(task.id, ()) if one in ids]
            yield from (_edge(one, task.id, "") for one in before or [parent.id])
    elif parent and parent.type in _SIDE_BY_SIDE and branch not in _ASIDE:
        yield from (_edge(parent.id, task.id, label) for task in tasks)
    else:
        if parent:
            yield _edge(parent.id, tasks[0].id, label)
        yield from (_edge(one.id, next_.id, "") for one, next_ in itertools.pairwise(tasks))


def _node(
    node_id: str,
    type_: str,
    kind: str,
    parent: str | None,
    branch: str,
    disabled: bool,  # noqa: FBT001
    line: int,
) -> dict[str, Any]:
    """A trigger may have a task's id, so its node's id says that it is one."""
    return {
        "id": f"trigger:{node_id}" if kind == "trigger" else node_id,
        "label": node_id,
        "type": type_,
        "kind": kind,
        "parent": parent,
        "branch": branch,
        "disabled": disabled,
        "line": line,
    }


def _edge(from_: str, to: str, label: str) -> dict[str, str]:
    return {"from": from_, "to": to, "label": label}
