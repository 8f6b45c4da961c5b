"""A small part of jq: what flows use to pick values out of JSON.

    .   .a.b   ."a b"   .a[0]   .a[-1]   .a[2:4]   .a[]   .a?   a | b   a, b   (a)   [ a ]   { k: a, k }
    == != < <= > >=   and or not   + - * / %   // (alternative)   literals
    select(c) map(f) length keys values add first last unique sort sort_by(f) group_by(f) min max join(s) has(k)
    type tostring tonumber to_entries from_entries reverse flatten any all empty not test(regex) split(s)
    startswith(s) endswith(s) contains(x) ascii_downcase ascii_upcase range(n)

Everything else is refused with its name. Filters are functions from one value to a list of values.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import product

from orchestrator.core.expressions import regexes
from orchestrator.core.expressions.bounds import MAX_NODES, weigh
from orchestrator.core.expressions.operators import add, divide, identity, multiply, remainder, same, subtract
from orchestrator.core.expressions.printing import json_text, kind_of, printed
from orchestrator.core.expressions.problems import Refused, near
from orchestrator.core.sentences import say

MAX_EXPRESSION = 2_000  # characters
MAX_DEPTH = 30
STEP = 1_600  # characters that one step of a query costs

Spend = Callable[[int], None]
Query = Callable[[object, Spend], list[object]]

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>"(?:[^"\\]|\\.)*")
      | (?P<number>[0-9]+(?:\.[0-9]+)?)
      | (?P<field>\.[A-Za-z_][A-Za-z0-9_]*)
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<sign>//|==|!=|<=|>=|[.\[\](){}|,:<>+\-*/%?])
    )""",
    re.VERBOSE,
)
_COMPARE = frozenset({"==", "!=", "<", "<=", ">", ">="})
_KINDS = {
    "null": "null",
    "a boolean": "boolean",
    "a number": "number",
    "a text": "string",
    "a map": "object",
    "a list": "array",
}


def queried(expression: str, value: object, spend: Spend) -> list[object]:
    """Return all that `expression` answers for `value`; `spend` takes the price of each step."""
    return _compiled(expression)(value, spend)


@lru_cache(maxsize=512)
def _compiled(expression: str) -> Query:
    if len(expression) > MAX_EXPRESSION:
        raise Refused(say("A jq expression may have at most %(most)s characters.", most=MAX_EXPRESSION))
    reader = _Reader(expression)
    query = reader.pipe()
    if reader.at < len(reader.tokens):
        raise reader.unexpected()
    return query


class _Reader:
    def __init__(self, expression: str) -> None:
        self.expression = expression
        self.tokens: list[tuple[str, str]] = []
        self.at = self.depth = 0
        at, end = 0, len(expression.rstrip())
        while at < end:
            found = _TOKEN.match(expression, at)
            if found is None or found.lastgroup is None:
                raise Refused(
                    say("`%(sign)s` is not understood in a jq expression.", sign=expression[at : at + 10].strip())
                )
            self.tokens.append((found.lastgroup, found.group(found.lastgroup)))
            at = found.end()

    @property
    def current(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def take(self) -> tuple[str, str]:
        current = self.current
        self.at += 1
        return current

    def skip(self, value: str) -> bool:
        if self.current[1] == value and self.current[0] in {"sign", "name"}:
            self.at += 1
            return True
        return False

    def need(self, value: str) -> None:
        if not self.skip(value):
            raise self.unexpected()

    def unexpected(self) -> Refused:
        found = self.current[1] or say("its end")
        return Refused(
            say("The jq expression `%(jq)s` is not understood at %(found)s.", jq=self.expression[:80], found=found)
        )

    # -- from loose to tight: `|` `,` `//` `or` `and` comparison `+ -` `* / %` postfix

    def pipe(self) -> Query:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Refused(say("The jq expression is nested too deeply."))
        query = self.comma()
        if self.skip("|"):
            query = _then(query, self.pipe())
        self.depth -= 1
        return query

    def comma(self) -> Query:
        queries = [self.alternative()]
        while self.skip(","):
            queries.append(self.alternative())
        return queries[0] if len(queries) == 1 else lambda value, spend: [x for q in queries for x in q(value, spend)]

    def alternative(self) -> Query:
        query = self.either()
        if not self.skip("//"):
            return query
        other = self.alternative()
        return lambda value, spend: (
            [x for x in query(value, spend) if x is not None and x is not False] or other(value, spend)
        )

    def either(self) -> Query:
        query = self.both()
        while self.skip("or"):
            query = _combined(query, self.both(), lambda one, two: _true(one) or _true(two))
        return query

    def both(self) -> Query:
        query = self.comparison()
        while self.skip("and"):
            query = _combined(query, self.comparison(), lambda one, two: _true(one) and _true(two))
        return query

    def comparison(self) -> Query:
        query = self.sum()
        if self.current[1] in _COMPARE and self.current[0] == "sign":
            sign = self.take()[1]
            return _combined(query, self.sum(), lambda one, two: _compare(sign, one, two))
        return query

    def sum(self) -> Query:
        query = self.product()
        while self.current in {("sign", "+"), ("sign", "-")}:
            query = _combined(
                query, *((self.product(), _plus) if self.take()[1] == "+" else (self.product(), subtract))
            )
        return query

    def product(self) -> Query:
        query = self.postfix()
        work = {"*": multiply, "/": divide, "%": remainder}
        while self.current[0] == "sign" and self.current[1] in work:
            sign = self.take()[1]
            query = _combined(query, self.postfix(), work[sign])
        return query

    def postfix(self) -> Query:
        query = self.term()
        while True:
            kind, text = self.current
            if kind == "field":
                self.take()
                query = _then(query, _field(text[1:]))
            elif (kind, text) == ("sign", "[") or ((kind, text) == ("sign", ".") and self._peeks("[", "string")):
                if text == ".":
                    self.take()
                query = _then(query, self.bracket())
            elif self.skip("?"):
                query = _forgiving(query)
            else:
                return query

    def _peeks(self, sign: str, kind: str) -> bool:
        following = self.tokens[self.at + 1] if self.at + 1 < len(self.tokens) else ("end", "")
        return following == ("sign", sign) or following[0] == kind

    def bracket(self) -> Query:
        if self.current[0] == "string":
            return _field(json.loads(self.take()[1]))
        self.need("[")
        if self.skip("]"):
            return _each
        start = None if self.current == ("sign", ":") else self.pipe()
        if self.skip(":"):
            end = None if self.current == ("sign", "]") else self.pipe()
            self.need("]")
            return lambda value, spend: [_sliced(value, start, end, spend)]
        self.need("]")
        assert start is not None
        return lambda value, spend: [_item(value, key) for key in start(value, spend)]

    def term(self) -> Query:
        kind, text = self.take()
        match kind, text:
            case "sign", ".":
                return self.bracket() if self.current[0] == "string" else _identity
            case "field", _:
                return _field(text[1:])
            case "string", _:
                return _constant(json.loads(text))
            case "number", _:
                return _constant(json.loads(text))
            case "sign", "-":
                return _then(self.postfix(), lambda value, _: [multiply(-1, value)])
            case "sign", "(":
                query = self.pipe()
                self.need(")")
                return query
            case "sign", "[":
                return self.array()
            case "sign", "{":
                return self.object()
            case "name", _:
                return self.function(text)
        self.at -= 1
        raise self.unexpected()

    def array(self) -> Query:
        if self.skip("]"):
            return _constant([])
        query = self.pipe()
        self.need("]")
        return lambda value, spend: [query(value, spend)]

    def object(self) -> Query:
        fields: list[tuple[Query, Query]] = []
        while not self.skip("}"):
            if fields:
                self.need(",")
            kind, text = self.take()
            if kind == "sign" and text == "(":
                key = self.pipe()
                self.need(")")
            elif kind in {"name", "string"}:
                key = _constant(json.loads(text) if kind == "string" else text)
            else:
                self.at -= 1
                raise self.unexpected()
            fields.append(
                (
                    key,
                    self.alternative()
                    if self.skip(":")
                    else _then(key, _identity)
                    if kind == "sign"
                    else _field(text.strip('"')),
                )
            )
        return lambda value, spend: [_object(fields, value, spend)]

    def function(self, name: str) -> Query:
        if name in {"true", "false", "null"}:
            return _constant(json.loads(name))
        args: list[Query] = []
        if self.skip("("):
            args.append(self.pipe())
            self.need(")")
        table = WITH_QUERY if args else PLAIN
        if name not in table:
            known = sorted({*WITH_QUERY, *PLAIN})
            why = say("jq's `%(name)s` is not available here.", name=name)
            raise Refused(say("%(message)s %(mend)s", message=why, mend=near(name, known)))
        if args:
            return WITH_QUERY[name](args[0])
        plain = PLAIN[name]
        return lambda value, _: plain(value)


def _identity(value: object, spend: Spend) -> list[object]:
    spend(STEP)
    return [value]


def _constant(constant: object) -> Query:
    return lambda value, spend: [constant]  # noqa: ARG005


def _then(first: Query, second: Query) -> Query:
    def both(value: object, spend: Spend) -> list[object]:
        results: list[object] = []
        for item in first(value, spend):
            spend(STEP)
            results.extend(second(item, spend))
            if len(results) > MAX_NODES:
                raise Refused(say("The jq expression answers too many values."))
        return results

    return both


def _combined(left: Query, right: Query, work: Callable[[object, object], object]) -> Query:
    def both(value: object, spend: Spend) -> list[object]:
        results: list[object] = []
        for two, one in product(right(value, spend), left(value, spend)):
            result = work(one, two)
            spend(STEP + 16 * weigh(result))
            results.append(result)
        return results

    return both


def _forgiving(query: Query) -> Query:
    def tried(value: object, spend: Spend) -> list[object]:
        try:
            return query(value, spend)
        except _Mismatch:
            return []

    return tried


class _Mismatch(Refused):
    """A step met a value of another kind; `?` forgives it."""


def _field(name: str) -> Query:
    return lambda value, spend: [_item(value, name)]  # noqa: ARG005


def _item(value: object, key: object) -> object:
    if value is None:
        return None
    if isinstance(value, Mapping) and isinstance(key, str):
        return value.get(key)
    if isinstance(value, (list, tuple)) and isinstance(key, int) and not isinstance(key, bool):
        return value[key] if -len(value) <= key < len(value) else None
    raise _Mismatch(say("jq cannot look for `%(key)s` in %(kind)s.", key=printed(key)[:50], kind=kind_of(value)))


def _each(value: object, spend: Spend) -> list[object]:
    items = list(value.values()) if isinstance(value, Mapping) else _list(value)
    spend(len(items) * 16)
    return items


def _list(value: object) -> list[object]:
    if isinstance(value, (list, tuple)):
        return list(value)
    raise _Mismatch(say("jq needs a list here, not %(kind)s.", kind=kind_of(value)))


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise _Mismatch(say("jq needs a text here, not %(kind)s.", kind=kind_of(value)))


def _sliced(value: object, start: Query | None, end: Query | None, spend: Spend) -> object:
    bounds: list[int | None] = []
    for query in (start, end):
        bound = query(value, spend)[:1] if query else [None]
        if not bound or not (bound[0] is None or isinstance(bound[0], int)):
            raise _Mismatch(say("jq needs whole numbers in `[a:b]`."))
        bounds.append(bound[0])
    return (value if isinstance(value, str) else _list(value))[bounds[0] : bounds[1]]


def _object(fields: list[tuple[Query, Query]], value: object, spend: Spend) -> object:
    made: dict[str, object] = {}
    for key, query in fields:
        for name in key(value, spend)[:1]:
            results = query(value, spend)
            made[_text(name)] = results[0] if results else None
    return made


def _true(value: object) -> bool:
    return value is not None and value is not False


def _order(value: object) -> tuple[int, object]:
    """Return jq's order of everything: null, false, true, numbers, texts, the rest."""
    match value:
        case None:
            return 0, 0
        case bool():
            return 1 + value, 0
        case int() | float():
            return 3, value
        case str():
            return 4, value
    return 5, json_text(value)


def _compare(sign: str, one: object, two: object) -> bool:
    if sign in {"==", "!="}:
        return same(one, two) == (sign == "==")
    left, right = _order(one), _order(two)
    less = left[0] < right[0] or (left[0] == right[0] and left[1] < right[1])  # type: ignore[operator]
    equal = left == right
    return {"<": less, "<=": less or equal, ">": not less and not equal, ">=": not less}[sign]


def _plus(one: object, two: object) -> object:
    if one is None or two is None:
        return two if one is None else one
    if isinstance(one, Mapping) and isinstance(two, Mapping):
        return {**one, **two}
    if isinstance(one, str) != isinstance(two, str):
        raise _Mismatch(say("jq cannot add %(one)s and %(two)s.", one=kind_of(one), two=kind_of(two)))
    return add(one, two)


def _sum(value: object) -> object:
    items = _list(value)
    if items and all(isinstance(item, str) for item in items):
        return "".join(map(_text, items))
    if items and all(isinstance(item, list) for item in items):
        return [x for item in items for x in _list(item)]
    total: object = None
    for item in items:
        total = _plus(total, item)
    return total


def _length(value: object) -> object:
    match value:
        case None:
            return 0
        case str() | Mapping() | list() | tuple():
            return len(value)
        case int() | float() if not isinstance(value, bool):
            return abs(value)
    raise _Mismatch(say("jq has no length for %(kind)s.", kind=kind_of(value)))


def _keys(value: object) -> object:
    return sorted(value) if isinstance(value, Mapping) else list(range(len(_list(value))))


def _unique(value: object) -> object:
    return sorted({identity(item): item for item in _list(value)}.values(), key=_order)


def _entries(value: object) -> object:
    if not isinstance(value, Mapping):
        raise _Mismatch(say("jq needs a map here, not %(kind)s.", kind=kind_of(value)))
    return [{"key": key, "value": item} for key, item in value.items()]


def _from_entries(value: object) -> object:
    entries = [entry for entry in _list(value) if isinstance(entry, Mapping)]
    return {printed(entry.get("key", entry.get("name"))): entry.get("value") for entry in entries}


def _to_number(value: object) -> object:
    try:
        return value if isinstance(value, (int, float)) else json.loads(_text(value)[:100])
    except ValueError:
        raise _Mismatch(say("jq cannot read a number from `%(text)s`.", text=printed(value)[:50])) from None


def _flat(value: object) -> list[object]:
    flat: list[object] = []
    for item in _list(value):
        flat.extend(_flat(item) if isinstance(item, (list, tuple)) else [item])
    return flat


def _one(work: Callable[[object], object]) -> Callable[[object], list[object]]:
    return lambda value: [work(value)]


PLAIN: dict[str, Callable[[object], list[object]]] = {
    "add": _one(_sum),
    "all": _one(lambda value: all(map(_true, _list(value)))),
    "any": _one(lambda value: any(map(_true, _list(value)))),
    "ascii_downcase": _one(lambda value: _text(value).lower()),
    "ascii_upcase": _one(lambda value: _text(value).upper()),
    "empty": lambda value: [],  # noqa: ARG005
    "first": _one(lambda value: _item(value, 0)),
    "flatten": _one(_flat),
    "from_entries": _one(_from_entries),
    "keys": _one(_keys),
    "last": _one(lambda value: _item(value, -1)),
    "length": _one(_length),
    "max": _one(lambda value: max(_list(value), key=_order, default=None)),
    "min": _one(lambda value: min(_list(value), key=_order, default=None)),
    "not": _one(lambda value: not _true(value)),
    "reverse": _one(lambda value: _list(value)[::-1]),
    "sort": _one(lambda value: sorted(_list(value), key=_order)),
    "to_entries": _one(_entries),
    "tonumber": _one(_to_number),
    "tostring": _one(lambda value: value if isinstance(value, str) else json_text(value)),
    "type": _one(lambda value: _KINDS.get(kind_of(value), "string")),
    "unique": _one(_unique),
    "values": lambda value: [] if value is None else [value],
}


def _select(condition: Query) -> Query:
    return lambda value, spend: [value for answer in condition(value, spend) if _true(answer)]


def _map(query: Query) -> Query:
    return lambda value, spend: [_then(_each, query)(value, spend)]


def _by(query: Query, item: object, spend: Spend) -> tuple[tuple[int, object], ...]:
    return tuple(map(_order, query(item, spend)))


def _sort_by(query: Query) -> Query:
    return lambda value, spend: [sorted(_list(value), key=lambda item: _by(query, item, spend))]


def _group_by(query: Query) -> Query:
    def grouped(value: object, spend: Spend) -> list[object]:
        groups: dict[object, list[object]] = {}
        for item in sorted(_list(value), key=lambda item: _by(query, item, spend)):
            groups.setdefault(_by(query, item, spend), []).append(item)
        return [list(groups.values())]

    return grouped


def _with(work: Callable[[object, object], object]) -> Callable[[Query], Query]:
    """Return what makes a query from a function of the value and one argument."""
    return lambda argument: lambda value, spend: [work(value, given) for given in argument(value, spend)]


def _has(value: object, key: object) -> object:
    return key in value if isinstance(value, Mapping) else isinstance(key, int) and 0 <= key < len(_list(value))


def _joined(value: object, separator: object) -> object:
    return _text(separator).join(printed(item) for item in _list(value))


def _contains(value: object, part: object) -> object:
    if isinstance(value, str) and isinstance(part, str):
        return part in value
    if isinstance(value, Mapping) and isinstance(part, Mapping):
        return all(key in value and _contains(value[key], wanted) for key, wanted in part.items())
    if isinstance(value, (list, tuple)) and isinstance(part, (list, tuple)):
        return {identity(item) for item in part} <= {identity(item) for item in value}
    return same(value, part)


def _range(value: object, end: object) -> object:
    del value
    if isinstance(end, int) and 0 <= end <= MAX_NODES // 2:
        return list(range(end))
    raise Refused(say("jq's range is too large here."))


WITH_QUERY: dict[str, Callable[[Query], Query]] = {
    "select": _select,
    "map": _map,
    "sort_by": _sort_by,
    "group_by": _group_by,
    "has": _with(_has),
    "join": _with(_joined),
    "contains": _with(_contains),
    "test": _with(lambda value, pattern: regexes.matches(_text(pattern), _text(value))),
    "split": _with(lambda value, sign: _text(value).split(_text(sign)) if sign else list(_text(value))),
    "startswith": _with(lambda value, start: _text(value).startswith(_text(start))),
    "endswith": _with(lambda value, end: _text(value).endswith(_text(end))),
    "range": lambda argument: _then(_with(_range)(argument), _each),
    "any": lambda query: lambda value, spend: [any(map(_true, _then(_each, query)(value, spend)))],
    "all": lambda query: lambda value, spend: [all(map(_true, _then(_each, query)(value, spend)))],
    "first": lambda query: lambda value, spend: query(value, spend)[:1],
    "last": lambda query: lambda value, spend: query(value, spend)[-1:],
}
