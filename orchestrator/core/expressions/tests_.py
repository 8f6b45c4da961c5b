"""Tests, which stand after `is` and `is not`. (`is defined` is done by `Run`, as its value may be missing.)"""

import json
from collections.abc import Callable, Mapping

from orchestrator.core.expressions.printing import kind_of
from orchestrator.core.expressions.problems import Refused
from orchestrator.core.sentences import say


def _whole(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise Refused(say("A whole number is needed here, not %(kind)s.", kind=kind_of(value)))


def is_empty(value: object) -> bool:
    """Say whether there is nothing in it: null, an empty or blank text, an empty list or map."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, (Mapping, list, tuple)) and not value)


def is_json(value: object) -> bool:
    """Say whether a text can be read as JSON."""
    if not isinstance(value, str):
        return False
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        return False
    return True


TESTS: dict[str, Callable[..., object]] = {
    "empty": is_empty,
    "even": lambda value: _whole(value) % 2 == 0,
    "iterable": lambda value: isinstance(value, (list, tuple, Mapping)),
    "json": is_json,
    "map": lambda value: isinstance(value, Mapping),
    "null": lambda value: value is None,
    "odd": lambda value: _whole(value) % 2 == 1,
}
