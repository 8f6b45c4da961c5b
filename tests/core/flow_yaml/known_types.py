"""The task types that the flows of these tests use, described by schema alone, and how a flow is told."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestrator.core.flowable_types import TEXT, TEXTS
from orchestrator.core.schemas import complaints
from orchestrator.core.spec import FlowSpec, Problem, TaskSpec
from orchestrator.core.type_info import TypeInfo

FLOWS = Path(__file__).parents[2] / "flows"


def described(name: str, properties: Mapping[str, Any], required: Sequence[str] = ()) -> TypeInfo:
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return TypeInfo(name, schema, lambda written: list(complaints(schema, dict(written))))


CATALOGUE = {
    info.name: info
    for info in (
        described("core.log.Log", {"message": TEXTS, "level": TEXT}, ["message"]),
        described("core.debug.Return", {"format": TEXT}),
        described("core.execution.Fail", {"condition": TEXT, "errorMessage": TEXT}),
    )
}


def told(problem: Problem) -> str:
    """`line:column message (mend)`, with what is only a warning marked."""
    mend = f" ({problem.mend})" if problem.mend else ""
    return f"{problem.line}:{problem.column} {'warning: ' if problem.warning else ''}{problem.message}{mend}"


def outline(flow: FlowSpec) -> str:
    """Everything that was read of a flow, one thing a line."""
    return "\n".join(_lines(flow)) + "\n"


def _lines(flow: FlowSpec) -> Iterator[str]:
    yield f"{flow.namespace}.{flow.id}"
    for name in ("labels", "variables", "concurrency", "retry", "extra"):
        if value := getattr(flow, name):
            yield f"{name}: {value}"
    for spec in flow.inputs:
        yield f"input {_short(spec)}"
    for output in flow.outputs:
        yield f"output {_short(output)}"
    for branch in ("tasks", "errors", "finally_", "after_execution"):
        yield from _branch(branch, getattr(flow, branch), 0)
    for listener in flow.listeners:
        yield from _branch(f"listener {listener.conditions}", listener.tasks, 0)
    for trigger in flow.triggers:
        yield f"trigger {_short(trigger)}"


def _branch(name: str, tasks: Sequence[TaskSpec], depth: int) -> Iterator[str]:
    if tasks:
        yield f"{'  ' * depth}{name}:"
    for task in tasks:
        yield f"{'  ' * (depth + 1)}{_short(task)}"
        for branch, children in task.branches.items():
            yield from _branch(branch, children, depth + 2)


def _short(spec: Any) -> str:
    """The fields of a spec that say something, without its place."""
    shown = []
    for name in type(spec).__dataclass_fields__:
        value = getattr(spec, name)
        default = type(spec).__dataclass_fields__[name].default
        if name not in {"id", "type", "path", "branches"} and value not in (default, {}, (), None):
            inner = isinstance(value, tuple) and value and hasattr(value[0], "path")
            shown.append(f"{name}=[{', '.join(_short(one) for one in value)}]" if inner else f"{name}={value!r}")
    return " ".join([f"{spec.id} ({spec.type})", *shown])
