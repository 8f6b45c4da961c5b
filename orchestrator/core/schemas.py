"""A small reader of JSON Schema: what is wrong in properties as an author wrote them.

It knows what our own schemas use: type, enum, required, properties, additionalProperties, items, minimum, anyOf.
A text that holds an expression is accepted wherever a value is expected, unless `"x-dynamic"` is false.
"""

from collections.abc import Iterator, Mapping
from functools import reduce
from typing import Any

from orchestrator.core.durations import read_duration
from orchestrator.core.sentences import Sentence, say
from orchestrator.core.spec import Path
from orchestrator.core.type_info import Complaint

Schema = Mapping[str, Any]

_NAMES = {
    "string": say("a text"),
    "integer": say("a whole number"),
    "number": say("a number"),
    "boolean": say("true or false"),
    "array": say("a list"),
    "object": say("a map"),
    "null": say("empty"),
}


def complaints(schema: Schema, value: object, path: Path = ()) -> Iterator[Complaint]:
    """Yield (path, sentence) for each thing in `value` that `schema` does not allow."""
    if isinstance(value, str) and "{{" in value and schema.get("x-dynamic", True):
        return
    if "anyOf" in schema:
        yield from _any_of(schema["anyOf"], value, path)
        return
    kinds = schema.get("type", ())
    kinds = (kinds,) if isinstance(kinds, str) else kinds
    if kinds and not any(_is(kind, value) for kind in kinds):
        yield path, say("This must be %(kind)s.", kind=reduce(_or, (_NAMES[kind] for kind in kinds)))
        return
    if "enum" in schema and value not in schema["enum"]:
        yield path, say("This must be one of %(choices)s.", choices=", ".join(str(one) for one in schema["enum"]))
    if "minimum" in schema and _is("number", value) and value < schema["minimum"]:
        yield path, say("This must be at least %(least)s.", least=schema["minimum"])
    if schema.get("format") == "duration" and value is not None:
        yield from _duration(value, path)
    if isinstance(value, dict):
        yield from _object(schema, value, path)
    elif isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value):
            yield from complaints(schema["items"], item, (*path, number))


def _or(one: Sentence, other: Sentence) -> Sentence:
    return say("%(one)s or %(other)s", one=one, other=other)


def _object(schema: Schema, value: Mapping[str, object], path: Path) -> Iterator[Complaint]:
    known: Mapping[str, Schema] = schema.get("properties", {})
    others = schema.get("additionalProperties", True)
    for key in schema.get("required", ()):
        if value.get(key) is None:
            yield path, say("`%(key)s` is missing.", key=key)
    for key, item in value.items():
        if key in known:
            if item is not None or key in schema.get("required", ()):
                yield from complaints(known[key], item, (*path, key)) if item is not None else ()
        elif others is False:
            yield (*path, key), say("There is no property `%(key)s` here.", key=key[:80])
        elif isinstance(others, Mapping):
            yield from complaints(others, item, (*path, key))


def _any_of(choices: list[Schema], value: object, path: Path) -> Iterator[Complaint]:
    """Complain with the choice that fits best: the one of the right kind, else the first."""
    found = [list(complaints(choice, value, path)) for choice in choices]
    if all(found):
        deeper = [one for one in found if any(where != path for where, _ in one)]
        yield from (deeper or found)[0]


def _is(kind: str, value: object) -> bool:
    match kind:
        case "string":  # a bare number or true is read as the text it looks like
            return isinstance(value, (str, int, float))
        case "integer":
            return (isinstance(value, int) and not isinstance(value, bool)) or _reads_as(int, value)
        case "number":
            return (isinstance(value, (int, float)) and not isinstance(value, bool)) or _reads_as(float, value)
        case "boolean":
            return isinstance(value, bool) or (isinstance(value, str) and value.lower() in {"true", "false"})
        case "array":
            return isinstance(value, list)
        case "object":
            return isinstance(value, dict)
    return value is None


def _reads_as(kind: type, value: object) -> bool:
    if not isinstance(value, str) or len(value) > 40:
        return False
    try:
        kind(value)
    except ValueError:
        return False
    return True


def _duration(value: object, path: Path) -> Iterator[Complaint]:
    try:
        read_duration(str(value))
    except ValueError:
        yield path, say("This must be a duration like PT30S, PT5M or P1D.")
