"""What the parts of an app's YAML have in common: texts with expressions, conditions and audiences."""

from apps_portal.core.audiences import WORDS, is_audience
from orchestrator.core.expressions import ExpressionFailed, compile_template
from orchestrator.core.sentences import say
from orchestrator.core.similar import did_you_mean
from orchestrator.core.spec import Path, Problem
from orchestrator.core.yaml_fields import Fields, Reading


def template(fields: Fields, key: str) -> str:
    """Return a text that may hold expressions, checked for their form."""
    text = fields.text(key) or ""
    check_expressions(fields.reading, text, fields.at(key))
    return text


def check_expressions(reading: Reading, value: object, path: Path) -> None:
    """Note each expression that cannot be read, in a text or in all texts of a structure."""
    if isinstance(value, dict):
        for key, part in value.items():
            check_expressions(reading, part, (*path, key))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            check_expressions(reading, part, (*path, number))
    elif isinstance(value, str) and ("{{" in value or "{%" in value):
        try:
            compile_template(value)
        except ExpressionFailed as error:
            place = reading.document.place_in_text(path, error.line or 1, error.column or 1)
            reading.problems.append(Problem(error.message, *place, path=path, mend=error.mend or ""))


def condition(fields: Fields) -> str | None:
    """Return `showIf`: an expression, or a bare true or false; None when it is absent."""
    value = fields.values.get("showIf")
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return template(fields, "showIf")


def audiences(fields: Fields, key: str) -> tuple[str, ...]:
    """Return a list of audiences."""
    names = fields.texts(key)
    alone = isinstance(fields.values.get(key), str)
    for number, name in enumerate(names):
        if not is_audience(name):
            mend = did_you_mean(name, WORDS) or say("Write requester, approvers, operators, nobody or group:NAME.")
            path = fields.at(key) if alone else (*fields.at(key), number)
            fields.reading.problem(path, say("`%(name)s` is not an audience.", name=name[:80]), mend=mend)
    return names
