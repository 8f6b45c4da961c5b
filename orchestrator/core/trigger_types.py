"""The triggers that need no plugin: their properties, and which of them fire in this release."""

from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.core.flowable_types import FLAG, MAP, TEXT, TEXTS
from orchestrator.core.schemas import complaints
from orchestrator.core.type_info import Complaint, TypeInfo

_RECOVER = {"type": "string", "enum": ["ALL", "LAST", "NONE"]}
_PROPERTIES: Mapping[str, tuple[tuple[str, ...], Mapping[str, Any]]] = {
    "core.trigger.Webhook": (
        ("key",),
        {"key": TEXT, "wait": FLAG, "returnOutputs": FLAG, "responseContentType": TEXT, "responseCode": TEXT},
    ),
    "core.trigger.Schedule": (
        ("cron",),
        {
            "cron": TEXT,
            "withSeconds": FLAG,
            "timezone": TEXT,
            "lateMaximumDelay": {"type": "string", "format": "duration"},
            "recoverMissedSchedules": _RECOVER,
            "scheduleConditions": {"type": "array"},
            "backfill": MAP,
        },
    ),
    "core.trigger.ScheduleOnDates": (
        ("dates",),
        {"dates": TEXTS, "timezone": TEXT, "recoverMissedSchedules": _RECOVER},
    ),
    "core.trigger.Flow": ((), {"states": TEXTS, "preconditions": MAP}),
}
_FIRING = frozenset({"core.trigger.Webhook"})


def _info(name: str, required: Sequence[str], properties: Mapping[str, Any]) -> TypeInfo:
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}

    def check(written: Mapping[str, Any]) -> Sequence[Complaint]:
        return list(complaints(schema, dict(written)))

    return TypeInfo(name, schema, check, kind="trigger", available=name in _FIRING)


TRIGGERS: Mapping[str, TypeInfo] = {
    name: _info(name, required, properties) for name, (required, properties) in _PROPERTIES.items()
}
