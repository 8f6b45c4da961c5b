"""How values look as text: maps and lists as JSON, null as nothing, the rest plainly."""

import json
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from orchestrator.core.durations import write_duration
from orchestrator.core.expressions.bounds import weigh
from orchestrator.core.expressions.problems import Refused
from orchestrator.core.sentences import say


def printed(value: object) -> str:
    """Return `value` as an expression prints it."""
    if isinstance(value, str):
        return str(value)
    if value is None:
        return ""
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (Mapping, list, tuple)):
        return json_text(value)
    return plain(value)


def json_text(value: object) -> str:
    """Return `value` as compact JSON; raise `Refused` when it is too large or not data."""
    if not isinstance(value, str):
        weigh(value)
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_jsonable)
    except (TypeError, ValueError, RecursionError) as error:
        raise Refused(say("The value cannot be written as JSON.")) from error


def plain(value: object) -> str:
    """Return the text of a date, a time, a duration or a decimal; raise `Refused` for what is not data."""
    match value:
        case datetime():
            return iso_datetime(value)
        case date() | time():
            return value.isoformat()
        case timedelta():
            return write_duration(value)
        case Decimal():
            return str(value)
        case set() | frozenset():
            return json_text(sorted(value, key=str))
    raise Refused(say("The value is not data that can be printed."))


def _jsonable(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Decimal):
        return float(value)
    return plain(value)


def iso_datetime(value: datetime) -> str:
    """Return ISO 8601 with milliseconds or microseconds only where there are some, and `Z` for UTC."""
    unit = "seconds" if not value.microsecond else "milliseconds" if value.microsecond % 1000 == 0 else "microseconds"
    text = value.isoformat(timespec=unit)
    return text[:-6] + "Z" if text.endswith("+00:00") else text


def kind_of(value: object) -> str:
    """Return what people call the kind of `value`: a text, a number, a map ..."""
    match value:
        case None:
            return "null"
        case bool():
            return say("a boolean")
        case int() | float() | Decimal():
            return say("a number")
        case str():
            return say("a text")
        case Mapping():
            return say("a map")
        case list() | tuple():
            return say("a list")
        case datetime() | date() | time():
            return say("a date")
    return say("a value")
