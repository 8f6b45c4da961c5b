"""How flowables may be built: what must hold tasks, what may stand in what, and what this release runs."""

from collections.abc import Callable, Mapping

from orchestrator.core.findings import Findings
from orchestrator.core.flowable_types import SHAPES, WITH_TIMEOUT
from orchestrator.core.sentences import say
from orchestrator.core.similar import did_you_mean
from orchestrator.core.spec import FlowSpec, TaskSpec

_STARTS_FLOWS = frozenset({"core.flow.Subflow", "core.flow.ForEachItem"})


def check_shape(findings: Findings, task: TaskSpec, flow: FlowSpec) -> None:
    """Check the shape of one flowable; its children are checked on their own."""
    shape = SHAPES.get(task.type)
    if shape is None:
        return
    if not shape.available and not task.disabled:
        message = say("`%(type)s` is not available yet.", type=task.type)
        findings.problem((*task.path, "type"), message, line=task.line)
    if task.timeout is not None and task.type not in WITH_TIMEOUT:
        message = say("A timeout has no effect on `%(type)s`; give it to the tasks inside.", type=task.type)
        findings.problem((*task.path, "timeout"), message, line=task.line, warning=True)
    for branch in shape.needs:
        if not task.branches.get(branch):
            message = say("`%(branch)s` must hold at least one task.", branch=branch)
            findings.problem((*task.path, branch), message, line=task.line)
    own = _OWN.get(task.type)
    if own is not None:
        own(findings, task)
    if task.type in _STARTS_FLOWS:
        _check_recursion(findings, task, flow)


def _check_switch(findings: Findings, task: TaskSpec) -> None:
    if not any(tasks for branch, tasks in task.branches.items() if branch not in {"errors", "finally"}):
        message = say("No task is defined: neither `cases` nor `defaults` has any.")
        findings.problem(task.path, message, line=task.line)
    for branch, tasks in task.branches.items():
        if branch.startswith("cases.") and not tasks:
            message = say("`%(branch)s` must hold at least one task.", branch=branch)
            path = (*task.path, "cases", branch.removeprefix("cases."))
            findings.problem(path, message, line=task.line, at_key=True, warning=True)


def _check_dag(findings: Findings, task: TaskSpec) -> None:
    written = task.properties.get("dependsOn")
    waits_for: Mapping[str, list[str]] = written if isinstance(written, dict) else {}
    children = {child.id: child for child in task.branches.get("tasks", ())}
    for child in children.values():
        for number, wanted in enumerate(waits_for.get(child.id, ())):
            if wanted not in children:
                message = say("There is no task `%(id)s` in this Dag to depend on.", id=wanted[:80])
                path = (*child.path[:-1], "dependsOn", number)
                findings.problem(path, message, line=child.line, mend=did_you_mean(wanted, children))
    circle = _circle({name: [one for one in waits_for.get(name, ()) if one in children] for name in children})
    if circle:
        message = say("These tasks depend on each other in a circle: %(ids)s.", ids=", ".join(circle[:10]))
        findings.problem((*task.path, "tasks"), message, line=task.line)


def _circle(waits_for: Mapping[str, list[str]]) -> list[str]:
    """Return the tasks that can never start because they wait for each other, in order."""
    left = {name: set(wanted) for name, wanted in waits_for.items()}
    while free := [name for name, wanted in left.items() if not wanted & left.keys()]:
        for name in free:
            del left[name]
    return list(left)


def _check_working_directory(findings: Findings, task: TaskSpec) -> None:
    for child in task.branches.get("tasks", ()):
        if child.type in SHAPES:
            message = say(
                "Only tasks that a worker runs may stand in a WorkingDirectory, not `%(type)s`.", type=child.type
            )
            findings.problem((*child.path, "type"), message, line=child.line)
        if child.worker_group is not None:
            message = say("Give the worker group to the WorkingDirectory itself; its tasks run where it runs.")
            findings.problem((*child.path, "workerGroup"), message, line=child.line)


def _check_approval(findings: Findings, task: TaskSpec) -> None:
    """This release opens one level of groups or users, and one of them decides."""
    levels = task.properties.get("levels")
    if not isinstance(levels, list):
        return
    if len(levels) > 1:
        _not_yet(findings, task, ("levels", 1), say("A second level"))
    for number, level in enumerate(levels):
        need = level.get("need")
        if isinstance(need, int) and need > 1:
            _not_yet(findings, task, ("levels", number, "need"), say("More than one approval per level"))
        if level.get("when"):
            _not_yet(findings, task, ("levels", number, "when"), "`when`")
    if task.properties.get("deadline") is not None:
        _not_yet(findings, task, ("deadline",), "`deadline`")


def _not_yet(findings: Findings, task: TaskSpec, where: tuple[str | int, ...], what: str) -> None:
    findings.problem((*task.path, *where), say("%(what)s is not available yet.", what=what), line=task.line)


def _check_recursion(findings: Findings, task: TaskSpec, flow: FlowSpec) -> None:
    if task.properties.get("namespace") == flow.namespace and task.properties.get("flowId") == flow.id:
        message = say("The flow starts itself: `%(flow)s`.", flow=f"{flow.namespace}.{flow.id}")
        findings.problem((*task.path, "flowId"), message, line=task.line)


_OWN: Mapping[str, Callable[[Findings, TaskSpec], None]] = {
    "core.flow.Switch": _check_switch,
    "core.flow.Dag": _check_dag,
    "core.flow.WorkingDirectory": _check_working_directory,
    "core.flow.Approval": _check_approval,
}
