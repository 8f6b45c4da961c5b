"""How `core.flow.Approval` is written: its short forms, and what they mean."""

from collections.abc import Mapping

from orchestrator.core.sentences import say
from orchestrator.core.spec import ApprovalSpec, LevelSpec, TaskSpec
from orchestrator.core.yaml_fields import Fields

_LEVEL = ("name", "who", "users", "groups", "expression", "need", "when")
_WHO = ("users", "groups", "expression")
_SHORT = ("users", "groups", "expression", "who", "need", "when")


def read_levels(fields: Fields) -> list[dict[str, object]]:
    """Return the levels in one form: {name, who: {users, groups, expression}, need, when}.

    Without `levels`, what stands at the task itself (`groups: [Buyers]`) is the only level.
    """
    if "levels" not in fields.values:
        short = {key: fields.values[key] for key in _SHORT if key in fields.values}
        if not any(key in short for key in (*_WHO, "who")):
            fields.reading.problem(fields.path, say("`levels` or `groups` is missing: who may decide?"))
        return [_read_level(Fields(fields.reading, short, fields.path))]
    for key in _SHORT:
        if key in fields.values:
            fields.problem(key, say("Write `%(key)s` in a level; this approval has `levels`.", key=key))
    items = fields.items("levels")
    if not items:
        fields.problem("levels", say("`levels` must not be empty."))
    return [
        _read_level(fields.reading.fields(item, (*fields.at("levels"), number), say("A level")))
        for number, item in enumerate(items)
    ]


def read_decisions(fields: Fields) -> tuple[str, ...]:
    """Return the decisions that need a reason: `true` and a single word are short forms."""
    value = fields.values.get("reasonRequired")
    if value is None or value is False:
        return ()
    if value is True:
        return ("APPROVE", "REJECT")
    found = tuple(text.upper() for text in fields.texts("reasonRequired"))
    for text in found:
        if text not in {"APPROVE", "REJECT"}:
            message = say("A reason can be required for APPROVE and for REJECT, not for `%(word)s`.", word=text[:40])
            fields.problem("reasonRequired", message)
    return found


def approval_of(task: TaskSpec) -> ApprovalSpec:
    """Return what the approval `task` (type core.flow.Approval, as parsed) asks for."""
    levels = task.properties.get("levels")
    deadline = task.properties.get("deadline")
    reasons = task.properties.get("reasonRequired")
    return ApprovalSpec(
        levels=tuple(_level(one) for one in levels) if isinstance(levels, (list, tuple)) else (LevelSpec(),),
        reason_required=frozenset(reasons) if isinstance(reasons, (list, tuple)) else frozenset(),
        self_approval=task.properties.get("selfApproval") is True,
        deadline=deadline if isinstance(deadline, Mapping) else None,
        on_reject=str(task.properties.get("onReject") or "FAIL"),
    )


def _read_level(fields: Fields) -> dict[str, object]:
    fields.refuse_unknown(_LEVEL)
    who = fields
    if fields.values.get("who") is not None:
        who = fields.reading.fields(fields.values["who"], fields.at("who"), "`who`")
        who.refuse_unknown(_WHO)
    users, groups, expression = who.texts("users"), who.texts("groups"), who.text("expression")
    if "levels" in fields.path and not (users or groups or expression):
        message = say("Nobody may decide here: give `who` with users, groups or an expression.")
        fields.reading.problem(fields.path, message)
    need = fields.whole("need", least=1)
    return {
        "name": fields.text("name") or "",
        "who": {
            **({"users": list(users)} if users else {}),
            **({"groups": list(groups)} if groups else {}),
            **({"expression": expression} if expression else {}),
        },
        "need": 1 if need is None else need,
        "when": fields.text("when"),
    }


def _level(values: Mapping[str, object]) -> LevelSpec:
    need, when, who = values.get("need"), values.get("when"), values.get("who")
    who = who if isinstance(who, Mapping) else {}
    expression = who.get("expression")
    return LevelSpec(
        name=str(values.get("name") or ""),
        users=_texts(who.get("users")),
        groups=_texts(who.get("groups")),
        expression=str(expression) if expression else None,
        need=need if isinstance(need, int) else 1,
        when=str(when) if when else None,
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, (list, tuple)) else ()
