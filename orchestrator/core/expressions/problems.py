"""What can go wrong with an expression, said so that its author can mend it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from orchestrator.core.errors import CoreError
from orchestrator.core.sentences import say
from orchestrator.core.similar import did_you_mean

Place = tuple[int, int]  # from and to, as offsets into the template's text


class ExpressionFailed(CoreError):
    """An expression cannot be read or cannot be worked out: which, where, why, and how to mend it."""

    code = "expression_failed"

    def __init__(self, message: str, *, expression: str = "", line: int = 1, column: int = 1, mend: str = "") -> None:
        super().__init__(say("%(message)s %(mend)s", message=message, mend=mend) if mend else message)
        self.message = message
        self.expression = expression  # the `{{ ... }}` it happened in, shortened
        self.line = line  # 1-based, within the template's text
        self.column = column  # 1-based
        self.mend = mend


class Refused(ValueError):
    """A filter, a function or an operator cannot do what it was asked; the sentence says why."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message  # a `Sentence`, which can be translated


class Missing(Exception):
    """A name that does not exist was read; becomes an `ExpressionFailed` unless something catches it.

    Made often and shown seldom, so the sentence is worked out in `told` only.
    """

    def __init__(self, source: str, place: Place, beside: object) -> None:
        super().__init__(place)
        self.source = source
        self.place = place
        self.beside = beside  # what was searched

    def told(self) -> ExpressionFailed:
        """Return the error for people, naming what exists near."""
        start, end = self.place
        shown = " ".join(self.source[start:end].split())
        expression = expression_around(self.source, start)
        line, column = line_and_column(self.source, start)
        return ExpressionFailed(
            say(
                "Unable to find `%(name)s` used in the expression `%(expression)s` at line %(line)s.",
                name=shown,
                expression=expression,
                line=line,
            ),
            expression=expression,
            line=line,
            column=column,
            mend=self._mend(shown),
        )

    def _mend(self, shown: str) -> str:
        if self.beside is None:
            return say("What stands before it is null. Where that may be, write `%(name)s ?? '...'`.", name=shown)
        if isinstance(self.beside, Mapping):
            last = shown.rstrip("'\"]").replace("['", ".").replace('["', ".").rpartition(".")[2]
            return near(last, (key for key in self.beside if isinstance(key, str) and not key.startswith("$")))
        if isinstance(self.beside, (list, tuple)):
            return say("The list has %(count)s items, the first one is [0].", count=len(self.beside))
        return say("Only maps and lists have something inside.")


class Needs(Exception):
    """An expression needs a value from outside: fetch `call` and render again with it in `fetched`."""

    def __init__(self, call: "Call") -> None:
        super().__init__(call)
        self.call = call


@dataclass(frozen=True, eq=False)
class Call:
    """One call of a function that needs the outside world; equal when name and arguments are.

    All arguments are given by name, in the order of the function's signature; `args` is kept empty, so that
    `kv('a')` and `kv(key='a')` are one call. `given` is the same as a mapping.
    """

    name: str
    args: tuple[object, ...] = ()
    kwargs: tuple[tuple[str, object], ...] = ()

    @property
    def given(self) -> dict[str, object]:
        """Return the arguments by name."""
        return dict(self.kwargs)

    @cached_property
    def _key(self) -> str:
        return json.dumps([self.name, self.args, self.kwargs], sort_keys=True, default=str)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Call) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


def near(wanted: str, known: Iterable[str]) -> str:
    """Return a sentence that names what exists near `wanted`, or all there is when it is little."""
    names = sorted(islice((name for name in known if len(name) <= 100), 1000))
    if meant := did_you_mean(wanted, names):
        return meant
    if not names:
        return say("There is nothing in it.")
    shown = ", ".join(f"`{name}`" for name in names[:12])
    return say("There is %(names)s.", names=shown + (", …" if len(names) > 12 else ""))


def line_and_column(source: str, offset: int) -> tuple[int, int]:
    """Return the 1-based line and column of `offset` in `source`."""
    before = source[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def expression_around(source: str, offset: int) -> str:
    """Return the `{{ ... }}` or `{% ... %}` that `offset` lies in, at most 200 characters of it."""
    start = max(source.rfind("{{", 0, offset + 2), source.rfind("{%", 0, offset + 2), 0)
    ends = [end for end in (source.find("}}", offset), source.find("%}", offset)) if end >= 0]
    text = source[start : min(ends) + 2 if ends else len(source)]
    return text if len(text) <= 200 else text[:199] + "…"


def failed_at(source: str, place: Place, message: str, mend: str = "") -> ExpressionFailed:
    """Return an `ExpressionFailed` for what happened at `place` of `source`."""
    line, column = line_and_column(source, place[0])
    expression = expression_around(source, place[0])
    return ExpressionFailed(message, expression=expression, line=line, column=column, mend=mend)
