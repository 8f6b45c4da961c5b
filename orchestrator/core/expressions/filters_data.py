"""Filters for lists, maps, numbers, and for reading and writing data."""

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import yaml as pyyaml

from orchestrator.core.expressions import ion
from orchestrator.core.expressions.bounds import bounded_join, fits, text_fits, weigh
from orchestrator.core.expressions.jq import queried
from orchestrator.core.expressions.operators import identity
from orchestrator.core.expressions.printing import json_text, kind_of, printed
from orchestrator.core.expressions.problems import Refused
from orchestrator.core.sentences import say

if TYPE_CHECKING:
    from orchestrator.core.expressions.run import Run

YAML_PRICE = 4_000  # characters for each value written as YAML, which is slow
CLASS_NAMES: tuple[tuple[type, str], ...] = (
    (bool, "java.lang.Boolean"),
    (int, "java.lang.Integer"),
    (float, "java.lang.Double"),
    (str, "java.lang.String"),
    (Decimal, "java.math.BigDecimal"),
    (datetime, "java.time.ZonedDateTime"),
    (date, "java.time.LocalDate"),
    (timedelta, "java.time.Duration"),
    (list, "java.util.ArrayList"),
    (tuple, "java.util.ArrayList"),
    (Mapping, "java.util.LinkedHashMap"),
)


def list_of(value: object) -> list[object]:
    """Return a list as one; raise `Refused` for what is none."""
    if isinstance(value, (list, tuple)):
        return list(value)
    raise Refused(say("A list is needed here, not %(kind)s.", kind=kind_of(value)))


def absolute(value: object) -> object:
    """Return a number without its sign."""
    if value is None:
        return None
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return abs(value)
    raise Refused(say("A number is needed here, not %(kind)s.", kind=kind_of(value)))


def chunk(value: object, size: object) -> object:
    """Cut a list into lists of `size` items."""
    if value is None:
        return None
    if not isinstance(size, int) or size < 1:
        raise Refused(say("`chunk` takes a size of 1 or more."))
    items = list_of(value)
    return [items[start : start + size] for start in range(0, len(items), size)]


def class_name(value: object) -> object:
    """Return the name that the field has for the kind of a value."""
    return next((name for kind, name in CLASS_NAMES if isinstance(value, kind)), None)


def distinct(value: object) -> object:
    """Return a list without the items that were there before."""
    if value is None:
        return None
    seen: dict[object, object] = {}
    for item in list_of(value):
        seen.setdefault(identity(item), item)
    return list(seen.values())


def first(value: object) -> object:
    """Return the first item of a list, or the first letter of a text; null when it is empty."""
    return _at_end(value, 0)


def last(value: object) -> object:
    """Return the last item of a list, or the last letter of a text; null when it is empty."""
    return _at_end(value, -1)


def _at_end(value: object, index: int) -> object:
    if value is None:
        return None
    items = value if isinstance(value, str) else list(value.values()) if isinstance(value, Mapping) else list_of(value)
    return items[index] if items else None


def flatten(value: object) -> object:
    """Put the items of the lists in a list into one list; one level only."""
    if value is None:
        return None
    flat: list[object] = []
    for item in list_of(value):
        flat.extend(item if isinstance(item, (list, tuple)) else [item])
    return flat


def join(value: object, separator: object = "") -> object:
    """Join the items of a list to a text."""
    return None if value is None else bounded_join(printed(separator), map(printed, list_of(value)))


def jq(run: "Run", value: object, expression: object) -> object:
    """Ask a jq expression (a part of jq, see `jq.py`); the answer is always a list."""
    if value is None:
        return None
    if isinstance(value, str):
        value = read_json(value)
    return queried(printed(expression), value, run.spend)


def keys(value: object) -> object:
    """Return the keys of a map, or the positions of a list."""
    if value is None:
        return None
    return list(value) if isinstance(value, Mapping) else list(range(len(list_of(value))))


def values(value: object) -> object:
    """Return the values of a map."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise Refused(say("A map is needed here, not %(kind)s.", kind=kind_of(value)))
    return list(value.values())


def length(value: object) -> object:
    """Return how many letters, items or entries there are; 0 for null."""
    if value is None:
        return 0
    return len(value) if isinstance(value, (str, Mapping)) else len(list_of(value))


def merge(value: object, items: object) -> object:
    """Put two lists, or two maps, into one; what is the same in the second map wins."""
    if value is None or items is None:
        return items if value is None else value
    if isinstance(value, Mapping):
        if isinstance(items, Mapping):
            return {**value, **items}
        return {**value, **{printed(item): item for item in list_of(items)}}
    if isinstance(items, Mapping):
        return list_of(value) + [{"key": key, "value": item} for key, item in items.items()]
    return list_of(value) + list_of(items)


def reverse(value: object) -> object:
    """Turn a list round."""
    return None if value is None else list_of(value)[::-1]


def sort(value: object) -> object:
    """Return a list in order; numbers and texts cannot be mixed."""
    return None if value is None else _sorted(value, backwards=False)


def rsort(value: object) -> object:
    """Return a list in falling order."""
    return None if value is None else _sorted(value, backwards=True)


def _sorted(value: object, *, backwards: bool) -> list[object]:
    items = list_of(value)
    if any(isinstance(item, (Mapping, list, tuple)) for item in items):
        raise Refused(say("Maps and lists have no order to be sorted in."))
    try:
        return sorted(items, reverse=backwards)  # type: ignore[type-var]
    except TypeError:
        raise Refused(say("Only items of one kind can be sorted.")) from None


def slice_(value: object, from_index: object = 0, to_index: object = None) -> object:
    """Return a piece of a list or a text, from one position up to, not including, another."""
    if value is None:
        return None
    items = value if isinstance(value, str) else list_of(value)
    start = 0 if from_index is None else from_index
    end = len(items) if to_index is None else to_index
    if not isinstance(start, int) or not isinstance(end, int) or not 0 <= start <= end <= len(items):
        raise Refused(
            say("`slice` needs positions from 0 to %(count)s, the first before the second.", count=len(items))
        )
    return items[start:end]


def number(value: object, type_: object = "") -> object:
    """Read a number from a text: INT, LONG, FLOAT, DOUBLE, BIGDECIMAL, BIGINTEGER, or what it looks like."""
    if value is None or (isinstance(value, (int, float, Decimal)) and not isinstance(value, bool) and not type_):
        return value
    text = printed(value).strip()
    if len(text) > 100:
        raise Refused(say("The number is too large."))
    try:
        return _read_number(text, str(type_).upper())
    except Refused:
        raise
    except (ValueError, ArithmeticError):
        raise Refused(say("`%(text)s` is not a number of that kind.", text=text[:50])) from None


def _read_number(text: str, kind: str) -> object:
    match kind:
        case "INT" | "LONG":
            return fits(int(text, 0) if text.lower().startswith(("0x", "-0x")) else int(text))
        case "FLOAT" | "DOUBLE":
            return float(text)
        case "BIGDECIMAL" | "BIGINTEGER":
            return Decimal(text)
        case "":
            looks_whole = text.lstrip("+-").isdecimal()
            return fits(int(text)) if looks_whole else float(text)
    raise Refused(say("`number` knows INT, LONG, FLOAT, DOUBLE, BIGDECIMAL and BIGINTEGER."))


def to_json(value: object) -> object:
    """Write a value as JSON."""
    return json_text(value)


def read_json(text: str) -> object:
    """Read JSON; raise `Refused` where it is none."""
    text_fits(len(text) // 8)  # files may be larger than what an expression may make
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = (
            error.msg if isinstance(error, json.JSONDecodeError) else say("it is too deep or has too large a number")
        )
        raise Refused(say("The text is not JSON: %(reason)s.", reason=reason)) from None


def to_yaml(run: "Run", value: object, indent: object = 0) -> object:
    """Write a value as YAML, every line after the first indented by `indent` blanks."""
    run.spend(weigh(value) * YAML_PRICE)
    dumper = getattr(pyyaml, "CSafeDumper", pyyaml.SafeDumper)
    try:
        text: str = pyyaml.dump(_plain(value), Dumper=dumper, allow_unicode=True, sort_keys=False, width=1_000_000)
    except (pyyaml.YAMLError, RecursionError):
        raise Refused(say("The value cannot be written as YAML.")) from None
    text = text.removesuffix("...\n")
    margin = indent if isinstance(indent, int) and 0 <= indent <= 100 else 0
    return bounded_join("\n" + " " * margin, text.split("\n")) if margin else text


def _plain(value: object) -> object:
    """Return data with nothing in it but maps, lists, texts, numbers, true, false and null."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return printed(value)


def to_ion(value: object) -> object:
    """Write a value as Ion text."""
    weigh(value)
    return ion.write(value)


FILTERS: dict[str, Callable[..., object]] = {
    "abs": absolute,
    "chunk": chunk,
    "className": class_name,
    "default": lambda value, default_: value,  # noqa: ARG005 - `Run.defaulted` does it, as the value may be missing
    "distinct": distinct,
    "first": first,
    "flatten": flatten,
    "join": join,
    "jq": jq,
    "json": to_json,
    "keys": keys,
    "last": last,
    "length": length,
    "merge": merge,
    "number": number,
    "reverse": reverse,
    "rsort": rsort,
    "slice": slice_,
    "sort": sort,
    "toIon": to_ion,
    "toJson": to_json,
    "values": values,
    "yaml": to_yaml,
}
