"""Cuts a template into tokens: text, `{{ ... }}`, `{% ... %}` and what stands inside them.

Jinja's parser and nodes carry a line number along; ours carry a `Place` (from, to) there, so that every error knows
its column. The brackets are counted here, before anything recursive sees them.
"""

import re
from collections.abc import Iterator
from typing import Any

from jinja2 import nodes
from jinja2.lexer import Token

from orchestrator.core.expressions.bounds import MAX_SOURCE
from orchestrator.core.expressions.problems import Place, failed_at
from orchestrator.core.sentences import say

MAX_TOKENS = 50_000
MAX_BRACKETS = 40  # within one another

_OPEN = re.compile(r"\{\{|\{%|\{#")
_AS_IT_IS = re.compile(r"\{%-?\s*(raw|verbatim)\s*(-?)%\}")
_INSIDE = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<string>"[^"\\]*(?:\\.[^"\\]*)*"|'[^'\\]*(?:\\.[^'\\]*)*')
  | (?P<float>[0-9]+\.[0-9]+)
  | (?P<integer>[0-9]+L?)
  | (?P<name>[^\W\d]\w*)
  | (?P<operator>\?\?\?|\?\?|\.\.|==|!=|<=|>=|&&|\|\||[-+*/%~|<>!?:.,=()\[\]{}])
    """,
    re.VERBOSE | re.DOTALL,
)
_CLOSE = {"{{": re.compile(r"-?\}\}"), "{%": re.compile(r"-?%\}")}
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_INTERPOLATION = re.compile(r"#\{([^\"'{}]*)\}")


def token(start: int, end: int, kind: str, value: str) -> Token:
    """Return a token that carries its place where Jinja has a line number."""
    place: Place = (start, end)
    return Token(place, kind, value)  # type: ignore[arg-type]


def place_of(found: Token | nodes.Node) -> Place:
    """Return where a token or a node stands; nodes that the parser made up stand at the beginning."""
    place: Any = found.lineno
    return place or (0, 0)


def tokens(source: str) -> Iterator[Token]:
    """Yield the tokens of a template; raise `ExpressionFailed` for what cannot be read."""
    if len(source) > MAX_SOURCE:
        raise failed_at("", (0, 0), say("A template may have at most %(most)s characters.", most=MAX_SOURCE))
    for count, found in enumerate(_Cutter(source).template()):
        if count > MAX_TOKENS:
            message = say("A template may have at most %(most)s words and signs.", most=MAX_TOKENS)
            raise failed_at(source, place_of(found), message)
        yield found


class _Cutter:
    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.trim_next = False  # a `-` before the closing braces eats the white space that follows

    def template(self) -> Iterator[Token]:
        source = self.source
        while (opened := _OPEN.search(source, self.at)) is not None:
            start, inside = opened.span()
            trim = source.startswith("-", inside)
            yield from self.text(start, trim_end=trim)
            kind = opened.group()
            self.at = inside + trim
            if kind == "{#":
                self.skip_comment(start)
            elif kind == "{%" and (as_it_is := _AS_IT_IS.match(source, start)):
                yield from self.as_it_is(as_it_is)
            else:
                word = "variable" if kind == "{{" else "block"
                yield token(start, self.at, f"{word}_begin", kind)
                yield from self.inside(kind, start)
                yield token(self.at - 2, self.at, f"{word}_end", "}}" if kind == "{{" else "%}")
        yield from self.text(len(source))

    def text(self, end: int, *, trim_end: bool = False) -> Iterator[Token]:
        text = self.source[self.at : end]
        if self.trim_next:
            text = text.lstrip()
        if trim_end:
            text = text.rstrip()
        self.trim_next = False
        if text:
            yield token(self.at, end, "data", text)

    def skip_comment(self, start: int) -> None:
        end = self.source.find("#}", self.at)
        if end < 0:
            raise failed_at(self.source, (start, start + 2), say("The comment is not closed."), _write("#}"))
        self.trim_next = self.source[end - 1] == "-"
        self.at = end + 2

    def as_it_is(self, opened: re.Match[str]) -> Iterator[Token]:
        word = opened.group(1)
        ended = re.compile(r"\{%(-?)\s*end" + word + r"\s*(-?)%\}").search(self.source, opened.end())
        if ended is None:
            message = say("`%(name)s` is not closed.", name=word)
            raise failed_at(self.source, opened.span(), message, _write(f"{{% end{word} %}}"))
        self.at = opened.end()
        self.trim_next = bool(opened.group(2))
        yield from self.text(ended.start(), trim_end=bool(ended.group(1)))
        self.at = ended.end()
        self.trim_next = bool(ended.group(2))

    def inside(self, kind: str, start: int) -> Iterator[Token]:
        brackets: list[tuple[str, int]] = []
        closing = _CLOSE[kind]
        while True:
            if not brackets and (closed := closing.match(self.source, self.at)):
                self.trim_next = closed.group().startswith("-")
                self.at = closed.end()
                return
            found = _INSIDE.match(self.source, self.at)
            if found is None:
                raise self.unreadable(kind, start, brackets)
            begin, self.at = found.span()
            group = found.lastgroup or ""
            value = found.group()
            if group == "operator":
                self.count_brackets(value, begin, brackets)
            if group == "string":
                yield from self.string(value, begin)
            elif group != "space":
                yield token(begin, self.at, group, value)

    def count_brackets(self, sign: str, at: int, brackets: list[tuple[str, int]]) -> None:
        if sign in _PAIRS:
            brackets.append((sign, at))
            if len(brackets) > MAX_BRACKETS:
                message = say("Brackets may stand at most %(most)s deep within one another.", most=MAX_BRACKETS)
                raise failed_at(self.source, (at, at + 1), message)
        elif sign in ")]}":
            if not brackets:
                raise failed_at(self.source, (at, at + 1), say("There is a `%(name)s` too many.", name=sign))
            opened, where = brackets.pop()
            if _PAIRS[opened] != sign:
                message = say("`%(name)s` is closed by `%(other)s`.", name=opened, other=sign)
                raise failed_at(self.source, (where, where + 1), message, _write(_PAIRS[opened]))

    def unreadable(self, kind: str, start: int, brackets: list[tuple[str, int]]) -> Exception:
        if self.at >= len(self.source):
            if brackets:
                opened, where = brackets[-1]
                message = say("`%(name)s` is not closed.", name=opened)
                return failed_at(self.source, (where, where + 1), message, _write(_PAIRS[opened]))
            message = say("`%(name)s` is not closed.", name=kind)
            return failed_at(self.source, (start, start + 2), message, _write("}}" if kind == "{{" else "%}"))
        sign = self.source[self.at]
        here = (self.at, self.at + 1)
        if sign in "'\"":
            return failed_at(self.source, here, say("The text is not closed."), _write(sign))
        return failed_at(self.source, here, say("`%(name)s` cannot be read here.", name=sign))

    def string(self, quoted: str, start: int) -> Iterator[Token]:
        quote, body = quoted[0], quoted[1:-1]
        pieces = _INTERPOLATION.split(body) if quote == '"' and "#{" in body else [body]
        if len(pieces) == 1:
            yield token(start, self.at, "string", _unescaped(body, quote))
            return
        yield token(start, start, "operator", "(")
        for index, piece in enumerate(pieces):
            if index:
                yield token(start, start, "operator", "~")
            if index % 2:
                yield token(start, start, "operator", "(")
                yield from _pieces(piece, start)
                yield token(start, start, "operator", ")")
            else:
                yield token(start, self.at, "string", _unescaped(piece, quote))
        yield token(start, self.at, "operator", ")")


def _write(sign: str) -> str:
    return say("Write `%(name)s` where it ends.", name=sign)


def _pieces(text: str, start: int) -> Iterator[Token]:
    at = 0
    while at < len(text) and (found := _INSIDE.match(text, at)):
        at = found.end()
        if found.lastgroup and found.lastgroup != "space":
            yield token(start, start, found.lastgroup, found.group())


def _unescaped(body: str, quote: str) -> str:
    """Undo what the field undoes: escaped quotes and backslashes; `\\n` and `\\d` stay as they were written."""
    return body.replace("\\" + quote, quote).replace("\\\\", "\\") if "\\" in body else body
