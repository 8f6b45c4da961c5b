"""One rendering: its names, what was fetched for it, and what it has left to spend.

The code that `compiler.py` writes calls these methods and nothing else; they are where every value is reached,
every result is measured and every error gets its place.
"""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import NoReturn
from zoneinfo import ZoneInfo

from orchestrator.core.expressions import bounds
from orchestrator.core.expressions.bounds import CALL, CHARACTERS, Budget
from orchestrator.core.expressions.catalogue import (
    FETCHED,
    FILTER_CODE,
    FILTERS,
    FUNCTION_CODE,
    FUNCTIONS,
    TEST_CODE,
    Implementation,
)
from orchestrator.core.expressions.operators import COMPARED, WORKED_OUT, joined
from orchestrator.core.expressions.printing import kind_of, printed
from orchestrator.core.expressions.problems import (
    Call,
    ExpressionFailed,
    Missing,
    Needs,
    Place,
    Refused,
    failed_at,
)
from orchestrator.core.expressions.scope import AT, ZONE
from orchestrator.core.sentences import say

Part = Callable[["Run"], Generator[str, None, None]]
Lazy = Callable[[], object]

# What wrong values make Python's own functions raise; the sentence for people is ours.
MISTAKES = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError, MemoryError)


class Run:
    """The `context` of the written code."""

    __slots__ = ("budget", "depth", "fetched_values", "names", "render_source", "scope", "source")

    def __init__(
        self,
        source: str,
        scope: Mapping[str, object],
        fetched: Mapping[Call, object],
        render_source: Callable[["Run", str], object],
    ) -> None:
        self.source = source
        self.scope = scope
        self.names = dict(scope)
        self.fetched_values = fetched
        self.render_source = render_source
        self.budget = Budget()
        self.depth = 0

    def failed(self, place: Place, message: str, mend: str = "") -> ExpressionFailed:
        """Return the error for what happened at `place`."""
        return failed_at(self.source, place, message, mend)

    # -- what functions and filters may ask

    @property
    def at(self) -> datetime:
        """The instant that this rendering calls now."""
        at = self.scope.get(AT)
        if not isinstance(at, datetime) or at.tzinfo is None:
            raise Refused(say("The time is not known here."))
        return at

    @property
    def zone(self) -> ZoneInfo:
        """The zone that dates without one are in."""
        zone = self.scope.get(ZONE, "UTC")
        return zone if isinstance(zone, ZoneInfo) else ZoneInfo(str(zone))

    def spend(self, characters: int) -> None:
        """Pay for work on `characters` of text."""
        self.budget.spend(characters // CHARACTERS + 1)

    def public_names(self) -> dict[str, object]:
        """Return the context that a template sees, without what is meant for functions only."""
        return {name: value for name, value in self.scope.items() if not name.startswith("$")}

    # -- values

    def name(self, name: str, place: Place) -> object:
        try:
            return self.names[name]
        except KeyError:
            raise Missing(self.source, place, self.names) from None

    def inside(self, whole: object, key: object, place: Place) -> object:
        """Return what is at `key` of a map or a list; nothing else has an inside."""
        if isinstance(whole, Mapping):
            try:
                return whole[key]
            except (KeyError, TypeError):
                if isinstance(key, int) and str(key) in whole:
                    return whole[str(key)]
        elif isinstance(whole, (list, tuple)):
            index = int(key) if isinstance(key, str) and key.isdecimal() and len(key) < 10 else key
            if isinstance(index, int) and 0 <= index < len(whole):
                return whole[index]
        raise Missing(self.source, place, whole)

    def shown(self, value: object, place: Place) -> str:
        """Return a value as it is printed."""
        if type(value) is str:
            return value
        try:
            return printed(value)
        except Refused as refused:
            raise self.failed(place, refused.message) from None

    def made(self, value: object, place: Place) -> object:
        """Return a list that the template wrote, once it is known to be small enough."""
        return self.guarded(lambda: value, place)

    def made_map(self, pairs: tuple[tuple[object, object], ...], place: Place) -> object:
        return self.guarded(
            lambda: {key if isinstance(key, int) else printed(key): value for key, value in pairs}, place
        )

    # -- operators

    def or_if_null(self, left: Lazy, right: Lazy) -> object:
        try:
            value = left()
        except Missing:
            value = None
        return right() if value is None else value

    def or_if_missing(self, left: Lazy, right: Lazy) -> object:
        try:
            return left()
        except Missing:
            return right()

    def defaulted(self, left: Lazy, right: Lazy) -> object:
        try:
            value = left()
        except Missing:
            return right()
        is_empty = value is None or (isinstance(value, (str, Mapping, list, tuple)) and not value)
        return right() if is_empty else value

    def defined(self, value: Lazy) -> bool:
        try:
            return value() is not None
        except Missing:
            return False

    def worked_out(self, sign: str, place: Place, *operands: object) -> object:
        try:
            self.budget.spend(1)
            return self.budget.held(WORKED_OUT[sign](*operands))
        except MISTAKES as mistake:
            self.explain(mistake, place, f"`{sign.removeprefix('sign')}`", operands[0])

    def compared(self, sign: str, place: Place, left: object, right: object) -> bool:
        try:
            self.pay_for(left)
            self.pay_for(right)
            return COMPARED[sign](left, right)
        except MISTAKES as mistake:
            self.explain(mistake, place, f"`{sign}`", left)

    def concatenated(self, place: Place, *pieces: object) -> object:
        return self.guarded(lambda: joined(pieces), place)

    # -- filters, tests and functions

    def filtered(self, name: str, place: Place, value: object, /, **arguments: object) -> object:
        return self.applied(
            FILTER_CODE[name], name, place, (self, value) if FILTERS[name].wants_run else (value,), arguments
        )

    def tested(self, name: str, place: Place, value: object, /, **arguments: object) -> bool:
        return bool(self.applied(TEST_CODE[name], name, place, (value,), arguments))

    def called(self, name: str, place: Place, /, **arguments: object) -> object:
        return self.applied(FUNCTION_CODE[name], name, place, (self,) if FUNCTIONS[name].wants_run else (), arguments)

    def applied(
        self, code: Implementation, name: str, place: Place, values: tuple[object, ...], arguments: dict[str, object]
    ) -> object:
        try:
            self.budget.spend(CALL)
            if values:
                self.pay_for(values[-1])
            for argument in arguments.values():
                self.pay_for(argument)
            return self.budget.held(code(*values, **arguments))
        except MISTAKES as mistake:
            self.explain(mistake, place, f"`{name}`", values[-1] if values and values[-1] is not self else None)

    def fetched(self, name: str, place: Place, /, **arguments: object) -> object:
        """Return what was fetched for this call, or ask for it."""
        try:
            self.budget.spend(CALL)
            for argument in arguments.values():
                self.pay_for(argument)
            call = Call(name, (), tuple((key, arguments[key]) for key in FETCHED[name].parameters if key in arguments))
            if call in self.fetched_values:
                value = self.fetched_values[call]
                if isinstance(value, Exception):
                    raise Refused(str(value))
                return value
        except MISTAKES as mistake:
            self.explain(mistake, place, f"`{name}`", None)
        raise Needs(call)

    def pay_for(self, value: object) -> None:
        """Take the price of looking at `value` once."""
        if isinstance(value, str):
            self.budget.spend(len(value) // CHARACTERS)
        elif isinstance(value, (Mapping, list, tuple)):
            self.budget.spend(bounds.weigh(value))

    def guarded(self, work: Lazy, place: Place) -> object:
        try:
            self.budget.spend(1)
            return self.budget.held(work())
        except MISTAKES as mistake:
            self.explain(mistake, place, say("The value"), None)

    def explain(self, mistake: Exception, place: Place, what: str, value: object) -> NoReturn:
        """Raise the error for people: our own sentence as it is, Python's replaced by a plain one."""
        if isinstance(mistake, ExpressionFailed):
            raise mistake
        if isinstance(mistake, Refused):
            raise self.failed(place, mistake.message) from None
        message = say("%(what)s cannot be worked out for %(kind)s.", what=what, kind=kind_of(value))
        raise self.failed(place, message) from mistake

    # -- loops and parts

    def each(self, over: object, name: str, place: Place) -> Iterator[None]:
        """Go through a list, or the entries of a map, with `name` and `loop` set; null has no rounds."""
        if isinstance(over, Mapping):
            items: list[object] | tuple[object, ...] = [{"key": key, "value": value} for key, value in over.items()]
        elif isinstance(over, (list, tuple)):
            items = over
        elif over is None:
            return
        else:
            raise self.failed(place, say("A loop goes through a list or a map, not %(kind)s.", kind=kind_of(over)))
        names = self.names
        kept = {key: names[key] for key in (name, "loop") if key in names}
        try:
            for index, item in enumerate(items):
                self.budget.round()
                names[name] = item
                names["loop"] = _loop(index, len(items))
                yield
        except Refused as refused:
            raise self.failed(place, refused.message) from None
        finally:
            for key in (name, "loop"):
                names.pop(key, None)
            names.update(kept)

    def captured(self, part: Part, place: Place) -> str:
        """Return the text of a part."""
        try:
            with self.deeper():
                self.budget.spend(CALL)
                text = self.gathered(part)
                self.budget.spend(len(text) // CHARACTERS)
                return text
        except Refused as refused:
            raise self.failed(place, refused.message) from None

    @contextmanager
    def deeper(self) -> Iterator[None]:
        """Count how deep parts and `render()` stand within one another; names and source are as before afterwards."""
        kept = self.source, self.names
        self.depth += 1
        try:
            if self.depth > bounds.MAX_CALL_DEPTH:
                message = say("Macros, blocks and `render` stand more than %(most)s deep.", most=bounds.MAX_CALL_DEPTH)
                raise Refused(message)
            yield
        finally:
            self.depth -= 1
            self.source, self.names = kept

    def gathered(self, part: Part) -> str:
        """Return all that `part` writes; raise `Refused` before it gets too long."""
        pieces = list[str]()
        size = 0
        for piece in part(self):
            size += len(piece)
            if size > bounds.MAX_TEXT:
                bounds.text_fits(size)
            pieces.append(piece)
        return "".join(pieces)

    def expanded(self, part: Part, parameters: tuple[str, ...], place: Place, given: dict[str, object]) -> str:
        """Return the text of a macro; it sees the context and its own arguments, not what `set` made outside."""
        with self.deeper():
            self.names = {key: value for key, value in self.scope.items() if key not in parameters} | given
            return self.captured(part, place)

    def rendered(self, source: str) -> object:
        """Render a text that is itself a template, with the same budget; for `render()` and `renderOnce()`."""
        with self.deeper():
            self.source, self.names = source, dict(self.scope)
            return self.render_source(self, source)


def _loop(index: int, length: int) -> dict[str, object]:
    return {
        "index": index,
        "index0": index,
        "length": length,
        "first": index == 0,
        "last": index == length - 1,
        "revindex": length - index - 1,
    }
