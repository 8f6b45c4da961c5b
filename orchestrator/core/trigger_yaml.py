"""How triggers and their conditions are read."""

from collections.abc import Mapping

from orchestrator.core.sentences import say
from orchestrator.core.similar import did_you_mean
from orchestrator.core.spec import Path, TriggerSpec
from orchestrator.core.type_names import canonical
from orchestrator.core.yaml_fields import Fields

CONDITIONS = frozenset(
    f"core.condition.{name}"
    for name in (
        *("DateTimeBetween", "DayWeek", "DayWeekInMonth", "Weekend", "TimeBetween", "PublicHoliday", "Expression"),
        *("ExecutionFlow", "ExecutionNamespace", "ExecutionStatus", "ExecutionLabels", "ExecutionOutputs"),
        *("HasRetryAttempt", "MultipleCondition", "Not", "Or"),
    )
)
_KEPT = (
    *("logLevel", "minLogLevel", "logToFile", "labels", "stopAfter", "workerGroup", "allowConcurrent"),
    *("failOnTriggerError", "version", "assets", "workerSelector"),
)
_COMMON = frozenset({"id", "type", "description", "conditions", "disabled", "inputs", *_KEPT})


def read_trigger(fields: Fields) -> TriggerSpec | None:
    """Return the trigger that the fields describe, or None when there are none."""
    if not fields.values:
        return None
    return TriggerSpec(
        id=fields.needed("id"),
        type=canonical(fields.needed("type")),
        properties={key: value for key, value in fields.values.items() if key not in _COMMON},
        inputs=fields.map("inputs"),
        conditions=read_conditions(fields, "conditions"),
        disabled=fields.flag("disabled"),
        description=fields.text("description") or "",
        extra={key: fields.values[key] for key in _KEPT if key in fields.values},
        line=fields.reading.line(fields.path),
        path=fields.path,
    )


def read_conditions(parent: Fields, key: str) -> tuple[Mapping[str, object], ...]:
    """Return the conditions of a trigger or listener with their types in canonical form, nested ones too."""
    found = []
    for number, item in enumerate(parent.items(key)):
        condition = _read_condition(parent, item, (*parent.at(key), number))
        if condition:
            found.append(condition)
    return tuple(found)


def _read_condition(parent: Fields, item: object, path: Path) -> Mapping[str, object]:
    fields = parent.reading.fields(item, path, say("A condition"))
    if not fields.values:
        return {}
    name = canonical(fields.needed("type"))
    if name and name not in CONDITIONS:
        message = say("There is no condition type `%(type)s`.", type=name[:120])
        fields.problem("type", message, mend=did_you_mean(name, sorted(CONDITIONS)))
    found = {**fields.values, "type": name}
    nested = fields.values.get("conditions")
    if isinstance(nested, list):
        found["conditions"] = read_conditions(fields, "conditions")
    elif isinstance(nested, dict):
        inner = Fields(fields.reading, nested, fields.at("conditions"))
        found["conditions"] = {key: _read_condition(inner, value, inner.at(key)) for key, value in nested.items()}
    return found
