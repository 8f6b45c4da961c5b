"""The JSON Schema of a flow, made from the types that are installed: what the editor completes and explains."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from orchestrator.core.flowable_types import FORMS, SHAPES
from orchestrator.core.spec import INPUT_TYPES
from orchestrator.core.trigger_types import TRIGGERS
from orchestrator.core.type_info import TypeInfo
from orchestrator.tasks.registry import catalogue

Schema = dict[str, Any]

_TASKS: Schema = {"type": "array", "items": {"$ref": "#/$defs/task"}}
_DURATION: Schema = {"type": "string", "format": "duration"}
_COMMON: Schema = {
    "id": {"type": "string", "description": "Name of the task, unique in the flow."},
    "description": {"type": "string", "description": "What it is for; its first line is what business pages show."},
    "retry": {
        "type": "object",
        "description": "Try again when it fails.",
        "properties": {
            "type": {"enum": ["constant", "exponential", "random"]},
            "interval": _DURATION,
            "maxInterval": _DURATION,
            "maxAttempts": {"type": "integer"},
            "maxDuration": _DURATION,
        },
    },
    "timeout": {**_DURATION, "description": "Longest time for one attempt, for instance PT10M."},
    "runIf": {"type": "string", "description": "An expression; the task is skipped when it is false."},
    "disabled": {"type": "boolean"},
    "allowFailure": {"type": "boolean", "description": "A failure ends as a warning, and the flow goes on."},
    "allowWarning": {"type": "boolean"},
    "logLevel": {"enum": ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"]},
}
_INPUT: Schema = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "type": {"enum": list(INPUT_TYPES)},
        "displayName": {"type": "string"},
        "description": {"type": "string"},
        "required": {"type": "boolean", "default": True},
        "defaults": {"description": "The value when nothing is given."},
        "validator": {"type": "string", "description": "A regular expression for the whole text."},
        "min": {},
        "max": {},
        "values": {"type": "array"},
        "itemType": {"enum": list(INPUT_TYPES)},
        "allowedFileExtensions": {"type": "array"},
        "maxSize": {"type": "string"},
        "dependsOn": {"type": "object", "properties": {"inputs": {"type": "array"}, "condition": {"type": "string"}}},
    },
    "required": ["id", "type"],
}
_OUTPUT: Schema = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "type": {"enum": list(INPUT_TYPES)},
        "value": {},
        "displayName": {"type": "string"},
        "description": {"type": "string"},
    },
    "required": ["id", "type", "value"],
}


@cache
def flow_schema() -> Schema:
    """Return the schema of a whole flow; `$defs.task.oneOf` lists the types, each with its `type` as a constant."""
    definitions: Schema = {}
    tasks = [_task(info, definitions) for info in catalogue().values()]
    tasks += [_flowable(name) for name, shape in SHAPES.items() if shape.available]
    triggers = [_typed(info.name, info.schema, {}) for info in TRIGGERS.values() if info.available]
    return {
        "type": "object",
        "properties": {
            "id": {"type": "string", "description": "Name of the flow, unique in its namespace."},
            "namespace": {"type": "string", "description": "Where it lives, for instance company.team."},
            "description": {"type": "string"},
            "labels": {"type": "object"},
            "inputs": {"type": "array", "items": _INPUT},
            "variables": {"type": "object"},
            "tasks": _TASKS,
            "errors": {**_TASKS, "description": "Run when a task has failed."},
            "finally": {**_TASKS, "description": "Run at the end, whatever happened."},
            "outputs": {"type": "array", "items": _OUTPUT},
            "triggers": {"type": "array", "items": {"$ref": "#/$defs/trigger"}},
            "disabled": {"type": "boolean"},
        },
        "required": ["id", "namespace", "tasks"],
        "$defs": {"task": {"oneOf": tasks}, "trigger": {"oneOf": triggers}, **definitions},
    }


def _task(info: TypeInfo, definitions: Schema) -> Schema:
    """Return the branch of one type; what its schema defines aside moves to the top under the type's own name."""
    own = dict(info.schema)
    for name, schema in own.pop("$defs", {}).items():
        definitions[f"{info.name}.{name}"] = _moved(schema, info.name)
    return _typed(info.name, _moved(own, info.name), _COMMON)


def _flowable(name: str) -> Schema:
    shape = SHAPES[name]
    branches: Schema = {branch: _TASKS for branch in shape.branches if branch != "cases"}
    if "cases" in shape.branches:
        branches["cases"] = {"type": "object", "additionalProperties": _TASKS}
    if shape.handlers:
        branches |= {"errors": _TASKS, "finally": _TASKS}
    if name in FORMS:
        branches[FORMS[name]] = {"type": "array", "items": _INPUT}
    schema = {
        **shape.schema,
        "properties": {**shape.properties, **branches},
        "required": [*shape.required, *shape.needs],
    }
    return {**_typed(name, schema, _COMMON), "x-children": [*shape.branches]}


def _typed(name: str, schema: Mapping[str, Any], common: Schema) -> Schema:
    """Put the constant `type` first, the type's own properties next, what all have last."""
    identity = {"id": common.get("id", {"type": "string"}), "type": {"const": name}}
    own = {**identity, **schema.get("properties", {}), **{key: one for key, one in common.items() if key != "id"}}
    return {
        "type": "object",
        "title": schema.get("title") or name.rpartition(".")[2],
        "description": schema.get("description", ""),
        "properties": own,
        "required": list(dict.fromkeys(["id", "type", *schema.get("required", ())])),
    }


def _moved(schema: Any, owner: str) -> Any:  # noqa: ANN401 - any part of a JSON Schema
    """Return a schema whose references point to where its definitions have moved."""
    if isinstance(schema, Mapping):
        parts = _useful(schema)
        return {key: _reference(part, owner) if key == "$ref" else _moved(part, owner) for key, part in parts}
    if isinstance(schema, list | tuple):
        return [_moved(item, owner) for item in schema]
    return schema


def _useful(schema: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """Leave out the titles that a library made from property names: they say nothing new."""
    return ((key, value) for key, value in schema.items() if not (key == "title" and isinstance(value, str)))


def _reference(target: str, owner: str) -> str:
    return target.replace("#/$defs/", f"#/$defs/{owner}.")
