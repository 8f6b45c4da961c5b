"""How tasks are read: the properties all tasks have, and the branches of those that hold others."""

from collections.abc import Mapping
from typing import NamedTuple

from orchestrator.core.approval_yaml import read_decisions, read_levels
from orchestrator.core.flowable_types import FORMS, SHAPES, WHOLE, Shape
from orchestrator.core.input_yaml import read_inputs
from orchestrator.core.retry_yaml import read_retry
from orchestrator.core.sentences import say
from orchestrator.core.spec import InputSpec, Path, TaskSpec
from orchestrator.core.type_names import canonical
from orchestrator.core.yaml_fields import Fields, Reading

LOG_LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR")
_KEPT = ("logToFile", "taskCache", "version", "pluginDefaultsRef", "assets", "workerSelector")
COMMON = frozenset(
    {
        *("id", "type", "description", "retry", "timeout", "runIf", "disabled", "allowFailure", "allowWarning"),
        *("logLevel", "workerGroup", *_KEPT),
    },
)
_HANDLERS = ("errors", "finally")


class _Parts(NamedTuple):
    """What a type reads for itself."""

    properties: dict[str, object]
    branches: dict[str, tuple[TaskSpec, ...]]
    inputs: tuple[InputSpec, ...]


def read_tasks(reading: Reading, value: object, path: Path, what: str) -> tuple[TaskSpec, ...]:
    """Return the list of tasks at `path`; what cannot be read is a problem and left out."""
    found = (read_task(reading, one, (*path, number)) for number, one in enumerate(reading.items(value, path, what)))
    return tuple(task for task in found if task is not None)


def read_task(reading: Reading, value: object, path: Path) -> TaskSpec | None:
    """Return the task at `path`, or None with a problem when it is no map."""
    if not isinstance(value, dict) or not value:
        reading.problem(path, say("A task must be a map with `id` and `type`."))
        return None
    fields = Fields(reading, value, path)
    name = canonical(fields.needed("type"))
    shape = SHAPES.get(name)
    own = {key: item for key, item in value.items() if key not in COMMON}
    parts = _read_flowable(fields, shape, own) if shape else _Parts(own, {}, ())
    return TaskSpec(
        id=fields.needed("id"),
        type=name,
        properties=parts.properties,
        branches=parts.branches,
        description=fields.text("description") or "",
        retry=read_retry(fields),
        timeout=fields.text("timeout"),
        run_if=fields.text("runIf"),
        disabled=fields.flag("disabled"),
        allow_failure=fields.flag("allowFailure"),
        allow_warning=fields.flag("allowWarning"),
        log_level=fields.choice("logLevel", LOG_LEVELS),
        worker_group=read_worker_group(fields),
        inputs=parts.inputs,
        extra={key: value[key] for key in _KEPT if key in value},
        line=reading.line(path),
        path=path,
    )


def read_worker_group(fields: Fields) -> str | None:
    """Return the name of the worker group: a text, or `key` of a map with its fallback."""
    value = fields.values.get("workerGroup")
    if not isinstance(value, dict):
        return fields.text("workerGroup")
    group = Fields(fields.reading, value, fields.at("workerGroup"))
    group.refuse_unknown(("key", "fallback"))
    group.choice("fallback", ("FAIL", "WAIT", "CANCEL"))
    return group.needed("key") or None


def _read_flowable(fields: Fields, shape: Shape, own: dict[str, object]) -> _Parts:
    branches: dict[str, tuple[TaskSpec, ...]] = {}
    handlers = _HANDLERS if shape.handlers else ()
    for key in list(own):
        if key in shape.branches or key in handlers:
            _read_branch(fields, shape, key, own.pop(key), branches)
    if shape.name == "core.flow.Dag":
        own["dependsOn"] = _dependencies(fields)
    inputs: tuple[InputSpec, ...] = ()
    form = FORMS.get(shape.name)
    if form and form in own:
        inputs = read_inputs(fields.reading, own.pop(form), fields.at(form), f"`{form}`")
    if shape.name == "core.flow.Approval":
        _read_approval(fields, own)
    for key, value in own.items():  # "3" is the number it looks like, as everywhere in a flow
        if shape.properties.get(key) == WHOLE and isinstance(value, str) and value.isascii() and value.isdigit():
            own[key] = int(value[:18])
    return _Parts(own, branches, inputs)


def _read_branch(
    fields: Fields,
    shape: Shape,
    key: str,
    value: object,
    branches: dict[str, tuple[TaskSpec, ...]],
) -> None:
    path = fields.at(key)
    if key == "cases":
        _read_cases(fields, value, branches)
    elif key == "onPause":
        task = read_task(fields.reading, value, path) if value is not None else None
        branches[key] = (task,) if task else ()
    elif shape.name == "core.flow.Dag" and key == "tasks":
        branches[key] = _read_dag(fields, value)
    else:
        tasks = read_tasks(fields.reading, value, path, f"`{key}`")
        if tasks:
            branches[key] = tasks


def _read_cases(fields: Fields, value: object, branches: dict[str, tuple[TaskSpec, ...]]) -> None:
    if value is None:
        return
    cases = fields.reading.fields(value, fields.at("cases"), "`cases`")
    for case, tasks in cases.values.items():
        branches[f"cases.{case}"] = read_tasks(fields.reading, tasks, cases.at(case), say("A case"))


def _read_dag(fields: Fields, value: object) -> tuple[TaskSpec, ...]:
    found = []
    for number, item in enumerate(fields.reading.items(value, fields.at("tasks"), "`tasks`")):
        path = (*fields.at("tasks"), number)
        node = fields.reading.fields(item, path, say("A task of a Dag"))
        if not node.values:
            continue
        node.refuse_unknown(("task", "dependsOn"))
        if node.values.get("task") is None:
            fields.reading.problem(path, say("`%(key)s` is missing.", key="task"))
            continue
        task = read_task(fields.reading, node.values["task"], node.at("task"))
        if task:
            found.append(task)
    return tuple(found)


def _dependencies(fields: Fields) -> Mapping[str, list[str]]:
    """Return what each task of a Dag waits for: {task id: [task ids]}."""
    found: dict[str, list[str]] = {}
    tasks = fields.values.get("tasks")
    for number, item in enumerate(tasks if isinstance(tasks, list) else ()):
        task = item.get("task") if isinstance(item, dict) else None
        if isinstance(task, dict) and isinstance(task.get("id"), (str, int)):
            node = Fields(fields.reading, item, (*fields.at("tasks"), number))
            found[str(task["id"])] = list(node.texts("dependsOn"))
    return found


def _read_approval(fields: Fields, own: dict[str, object]) -> None:
    own["levels"] = read_levels(fields)
    for key in ("who", "users", "groups", "expression", "need", "when"):
        own.pop(key, None)
    if "reasonRequired" in own:
        own["reasonRequired"] = list(read_decisions(fields))
    if "onReject" in own:
        own["onReject"] = fields.choice("onReject", ("FAIL", "CANCEL", "CONTINUE"))
