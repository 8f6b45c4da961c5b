"""Amazon Ion as text, as much of it as data needs: maps, lists, texts, numbers, booleans, null, dates."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime

from orchestrator.core.expressions.bounds import MAX_DEPTH
from orchestrator.core.expressions.printing import iso_datetime, printed
from orchestrator.core.expressions.problems import Refused
from orchestrator.core.sentences import say

_SYMBOL = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>"(?:[^"\\]|\\.)*")
      | (?P<symbol>'(?:[^'\\]|\\.)*')
      | (?P<date>[0-9]{4}-[0-9]{2}(?:-[0-9]{2})?T?(?:[0-9:.]+(?:Z|[+-][0-9]{2}:[0-9]{2}))?)
      | (?P<number>-?[0-9]+(?:\.[0-9]*)?(?:[eEdD][+-]?[0-9]+)?)
      | (?P<word>[A-Za-z_$][A-Za-z0-9_$.]*)
      | (?P<sign>::|[{}\[\]:,])
    )""",
    re.VERBOSE,
)
_WORDS: dict[str, object] = {"true": True, "false": False, "null": None}


def write(value: object) -> str:
    """Return `value` as one line of Ion text."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_key(printed(key))}:{write(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(write, value)) + "]"
    if value is None:
        return "null"
    if isinstance(value, datetime):
        return iso_datetime(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return repr(value) if "e" in repr(value) else f"{value!r}e0"
    return printed(value) if isinstance(value, (bool, int)) else json.dumps(printed(value), ensure_ascii=False)


def read(text: str) -> list[object]:
    """Return the values of Ion (or JSON) text, one after the other; raise `Refused` where it cannot be read."""
    reader = _Reader(text)
    values: list[object] = []
    while not reader.ended():
        values.append(reader.value(0))
    return values


def _key(key: str) -> str:
    if _SYMBOL.fullmatch(key) and key not in _WORDS:
        return key
    return "'" + key.replace("\\", "\\\\").replace("'", "\\'") + "'"


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens = self._cut(text)
        self._next: tuple[str, str] | None = next(self._tokens, None)

    def _cut(self, text: str) -> Iterator[tuple[str, str]]:
        at = 0
        end = len(text.rstrip())
        while at < end:
            found = _TOKEN.match(text, at)
            if found is None or found.lastgroup is None:
                raise _unreadable()
            yield found.lastgroup, found.group(found.lastgroup)
            at = found.end()

    def ended(self) -> bool:
        return self._next is None

    def take(self) -> tuple[str, str]:
        if self._next is None:
            raise _unreadable()
        taken, self._next = self._next, next(self._tokens, None)
        return taken

    def skip(self, sign: str) -> bool:
        if self._next == ("sign", sign):
            self.take()
            return True
        return False

    def value(self, depth: int) -> object:
        if depth > MAX_DEPTH:
            raise _unreadable()
        kind, text = self.take()
        if kind in {"word", "symbol"} and self.skip("::"):
            return self.value(depth + 1)  # an annotation says nothing that we need
        match kind, text:
            case "sign", "{":
                return self._map(depth)
            case "sign", "[":
                return self._list(depth)
            case "sign", _:
                raise _unreadable()
        return _scalar(kind, text)

    def _map(self, depth: int) -> dict[str, object]:
        result: dict[str, object] = {}
        while not self.skip("}"):
            if result and not self.skip(","):
                raise _unreadable()
            if self.skip("}"):
                break
            kind, text = self.take()
            if kind == "sign" or not self.skip(":"):
                raise _unreadable()
            result[printed(_scalar(kind, text)) if kind in {"string", "symbol"} else text] = self.value(depth + 1)
        return result

    def _list(self, depth: int) -> list[object]:
        result: list[object] = []
        while not self.skip("]"):
            if result and not self.skip(","):
                raise _unreadable()
            if self.skip("]"):
                break
            result.append(self.value(depth + 1))
        return result


def _scalar(kind: str, text: str) -> object:
    try:
        match kind:
            case "string":
                return json.loads(text, strict=False)
            case "symbol":
                return text[1:-1].replace("\\'", "'").replace("\\\\", "\\")
            case "number":
                return float(text.lower().replace("d", "e")) if set(text.lower()) & set(".ed") else int(text)
            case "word":
                return None if text.startswith("null.") else _WORDS.get(text, text)
    except ValueError:
        raise _unreadable() from None
    return text


def _unreadable() -> Refused:
    return Refused(say("The text is not Ion that can be read here."))
