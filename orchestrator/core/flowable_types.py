"""The flowables: which properties they take, which of them hold tasks, and which this release can run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.core.schemas import complaints
from orchestrator.core.type_info import Complaint, TypeInfo

Schema = Mapping[str, Any]

TEXT: Schema = {"type": "string"}
TEXTS: Schema = {"anyOf": [{"type": "array", "items": TEXT}, TEXT]}
WHOLE: Schema = {"type": "integer", "minimum": 0, "x-dynamic": False}
FLAG: Schema = {"type": "boolean"}
DURATION: Schema = {"type": "string", "format": "duration"}
ANY: Schema = {}
MAP: Schema = {"type": "object"}
VALUES: Schema = {"anyOf": [{"type": "array"}, TEXT, MAP]}
BEHAVIOR: Schema = {"type": "string", "enum": ["RESUME", "WARN", "FAIL", "CANCEL"]}
LABELS: Schema = {"anyOf": [MAP, {"type": "array"}, TEXT]}
WHO: Schema = {
    "type": "object",
    "properties": {"users": TEXTS, "groups": TEXTS, "expression": TEXT},
    "additionalProperties": False,
}
DEADLINE: Schema = {
    "type": "object",
    "properties": {
        "remindAfter": {"anyOf": [{"type": "array", "items": DURATION}, DURATION]},
        "escalate": {
            "type": "object",
            "properties": {"after": DURATION, "to": WHO},
            "required": ["after", "to"],
            "additionalProperties": False,
        },
        "close": {
            "type": "object",
            "properties": {
                "after": DURATION,
                "as": {"type": "string", "enum": ["APPROVE", "REJECT"]},
            },
            "required": ["after"],
            "additionalProperties": False,
        },
    },
    "additionalProperties": False,
}
LEVEL: Schema = {
    "type": "object",
    "properties": {
        "name": TEXT,
        "who": WHO,
        "need": {"type": "integer", "minimum": 1},
        "when": {"anyOf": [TEXT, {"type": "null"}]},
    },
    "additionalProperties": False,
}
_SUBFLOW: Mapping[str, Schema] = {
    "namespace": TEXT,
    "flowId": TEXT,
    "revision": {"type": "integer", "minimum": 1},
    "inputs": MAP,
    "labels": LABELS,
    "wait": FLAG,
    "transmitFailed": FLAG,
    "inheritLabels": FLAG,
    "scheduleDate": TEXT,
}


@dataclass(frozen=True, slots=True)
class Shape:
    """How one flowable is written: its own properties and the branches that hold tasks."""

    name: str
    properties: Mapping[str, Schema]
    required: tuple[str, ...] = ()
    branches: tuple[str, ...] = ()  # beside `errors` and `finally`, which all flowables may have
    needs: tuple[str, ...] = ()  # branches that must hold at least one task
    available: bool = True
    handlers: bool = True  # may have `errors` and `finally`
    runnable: bool = False  # has no children of its own in the flow: a subflow, a template

    @property
    def schema(self) -> Schema:
        """The JSON Schema of the own properties."""
        return {
            "type": "object",
            "properties": self.properties,
            "required": list(self.required),
            "additionalProperties": False,
        }

    def info(self) -> TypeInfo:
        """Return what the rules need to know."""
        schema = self.schema

        def check(properties: Mapping[str, Any]) -> Sequence[Complaint]:
            return list(complaints(schema, dict(properties)))

        return TypeInfo(self.name, schema, check, flowable=True, available=self.available)


_PAUSE: Mapping[str, Schema] = {
    "delay": DURATION,
    "pauseDuration": DURATION,
    "behavior": BEHAVIOR,
}

_SHAPES = (
    Shape("core.flow.Sequential", {}, branches=("tasks",), needs=("tasks",)),
    Shape("core.flow.Parallel", {"concurrent": WHOLE}, branches=("tasks",), needs=("tasks",)),
    Shape("core.flow.If", {"condition": TEXT}, ("condition",), ("then", "else"), ("then",)),
    Shape("core.flow.Switch", {"value": TEXT}, ("value",), ("cases", "defaults")),
    Shape("core.flow.ForEach", {"values": VALUES, "concurrencyLimit": WHOLE}, ("values",), ("tasks",), ("tasks",)),
    Shape("core.flow.EachSequential", {"value": VALUES}, ("value",), ("tasks",), ("tasks",)),
    Shape("core.flow.EachParallel", {"value": VALUES, "concurrent": WHOLE}, ("value",), ("tasks",), ("tasks",)),
    Shape("core.flow.Pause", _PAUSE, branches=("tasks", "onPause")),
    Shape(
        "core.flow.Approval",
        {
            "levels": {"type": "array", "items": LEVEL},
            "reasonRequired": {"type": "array"},
            "selfApproval": FLAG,
            "deadline": DEADLINE,
            "onReject": {"type": "string", "enum": ["FAIL", "CANCEL", "CONTINUE"]},
        },
        ("levels",),
        handlers=False,
    ),
    Shape("core.flow.AllowFailure", {}, branches=("tasks",), needs=("tasks",)),
    Shape(
        "core.flow.Dag",
        {"concurrent": WHOLE, "dependsOn": MAP},
        branches=("tasks",),
        needs=("tasks",),
    ),
    Shape(
        "core.flow.WorkingDirectory",
        {
            "namespaceFiles": MAP,
            "inputFiles": {"anyOf": [MAP, {"type": "array"}, TEXT]},
            "outputFiles": TEXTS,
            "cache": {"type": "object", "properties": {"ttl": DURATION, "patterns": TEXTS}, "required": ["patterns"]},
        },
        branches=("tasks",),
        needs=("tasks",),
        available=False,
    ),
    Shape(
        "core.flow.LoopUntil",
        {
            "condition": TEXT,
            "failOnMaxReached": FLAG,
            "checkFrequency": {
                "type": "object",
                "properties": {"interval": DURATION, "maxIterations": WHOLE, "maxDuration": DURATION},
                "additionalProperties": False,
            },
        },
        ("condition",),
        ("tasks",),
        ("tasks",),
    ),
    Shape(
        "core.flow.Loop",
        {
            "values": VALUES,
            "concurrencyLimit": WHOLE,
            "transmitFailed": FLAG,
            "outputs": {"anyOf": [MAP, {"type": "array"}]},
            "fetchType": {"type": "string", "enum": ["AUTO", "FETCH", "STORE"]},
            "breakWhen": TEXT,
        },
        ("values",),
        ("tasks",),
        ("tasks",),
        available=False,
    ),
    Shape(
        "core.flow.Subflow",
        {
            **_SUBFLOW,
            "outputs": MAP,
            "inheritOutputs": FLAG,
            "restartBehavior": {"type": "string", "enum": ["RETRY_FAILED", "NEW_EXECUTION"]},
        },
        ("namespace", "flowId"),
        available=False,
        handlers=False,
        runnable=True,
    ),
    Shape(
        "core.flow.ForEachItem",
        {
            **_SUBFLOW,
            "items": TEXT,
            "batch": {
                "type": "object",
                "properties": {
                    "rows": {"type": "integer", "minimum": 1},
                    "partitions": {"type": "integer", "minimum": 1},
                    "bytes": {"anyOf": [{"type": "integer", "minimum": 1}, TEXT]},
                    "separator": TEXT,
                    "regexPattern": TEXT,
                },
                "additionalProperties": False,
            },
            "restartBehavior": {"type": "string", "enum": ["RETRY_FAILED", "NEW_EXECUTION"]},
        },
        ("items", "namespace", "flowId"),
        available=False,
    ),
    Shape(
        "core.flow.HumanTask",
        {**_PAUSE, "assignment": {"type": "object", "properties": {"users": TEXTS, "groups": TEXTS}}},
        ("assignment",),
        ("onPause",),
        available=False,
    ),
    Shape(
        "core.flow.Template",
        {"namespace": TEXT, "templateId": TEXT, "args": MAP},
        ("namespace", "templateId"),
        available=False,
        runnable=True,
    ),
)

SHAPES: Mapping[str, Shape] = {shape.name: shape for shape in _SHAPES}
FLOWABLES: Mapping[str, TypeInfo] = {shape.name: shape.info() for shape in _SHAPES}
# a timeout means something here although no worker runs them
WITH_TIMEOUT = frozenset({"core.flow.Pause", "core.flow.HumanTask", "core.flow.Subflow", "core.flow.WorkingDirectory"})
# `inputs` or `onResume` of these is a form that a person fills in
FORMS: Mapping[str, str] = {
    "core.flow.Pause": "onResume",
    "core.flow.HumanTask": "onResume",
    "core.flow.Approval": "inputs",
}
