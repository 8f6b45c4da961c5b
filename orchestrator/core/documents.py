"""YAML documents read with care: bounded, strict, and every value knows its line and column.

The C parser of PyYAML yields events; this module builds the values from them itself, without recursion and with its
own bounds, because the C composer overruns its stack on deep nesting. Booleans and numbers are those of YAML 1.2:
`on`, `no`, `012`, `1:30` and dates stay texts. Keys are always the text that was written.
"""

import math
import re
from collections.abc import Iterator
from typing import Any

import yaml

from orchestrator.core.errors import DocumentInvalid
from orchestrator.core.sentences import say
from orchestrator.core.spec import Path, Problem

Event = Any  # PyYAML's events; its stubs leave their marks and tags open

MAX_CHARACTERS = 1_000_000
MAX_DEPTH = 60
MAX_ALIASES = 200
MAX_EXPANDED = 50_000  # values that aliases and merges add
MAX_VALUES = 250_000
MAX_PROBLEMS = 100

_QUOTE_EXPRESSIONS = say('Put quotes around a text that begins with an expression: "{{ ... }}".')
_NO_NAME = say("A map or a list cannot be a name.")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,99})", re.ASCII)
_OCTAL_OR_HEX = re.compile(r"0o[0-7]{1,40}|0x[0-9a-fA-F]{1,40}", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_STARTS_OF_NUMBERS = frozenset("-+.0123456789")
_TAG = "tag:yaml.org,2002:"
_KNOWN_TAGS = frozenset({None, "!", *(_TAG + name for name in ("str", "int", "float", "bool", "null", "map", "seq"))})


class Document:
    """A value read from YAML, with the place of each of its parts."""

    __slots__ = ("_root", "_source", "_tables", "value")

    def __init__(self, value: object, root: Event, tables: dict[int, Any], source: str) -> None:
        self.value: Any = value
        self._root = root
        self._tables = tables
        self._source = source

    def position(self, path: Path) -> tuple[int, int]:
        """Return line and column (1-based) of the value at `path`, or of the nearest thing above it."""
        return _start(self._event(path, key=False))

    def key_position(self, path: Path) -> tuple[int, int]:
        """Return line and column of the key at `path`, or of the nearest thing above it."""
        return _start(self._event(path, key=True))

    def written(self, path: Path) -> str | None:
        """Return a single value exactly as written (`1.10`), None for maps, lists and what is not there."""
        event = self._event(path, key=False, nearest=False)
        return event.value if _is_scalar(event) else None

    def place_in_text(self, path: Path, line: int, column: int) -> tuple[int, int]:
        """Return where line and column of the text at `path` stand in the document.

        Exact for one-line texts and `|` blocks; for folded texts it looks for the same words in the source.
        """
        event = self._event(path, key=False, nearest=False)
        if not _is_scalar(event):
            return self.position(path)
        first, start = _start(event)
        end = event.end_mark.line + 1
        if event.style == "|":
            return self._in_block(event, first + line, line, column)
        if first == end:
            return first, start + (1 if event.style else 0) + column - 1
        lines = event.value.split("\n")
        words = lines[line - 1][max(column - 1, 0) :][:16].split("\n")[0] if 0 < line <= len(lines) else ""
        found = self._source.find(words, event.start_mark.index, event.end_mark.index) if words.strip() else -1
        if found < 0:
            return first, start
        return self._source.count("\n", 0, found) + 1, found - self._source.rfind("\n", 0, found)

    def _in_block(self, event: Event, source_line: int, line: int, column: int) -> tuple[int, int]:
        lines = self._source.split("\n")
        texts = event.value.split("\n")
        if source_line > len(lines) or line > len(texts):
            return _start(event)
        indent = max(lines[source_line - 1].find(texts[line - 1]), 0)
        return source_line, indent + column

    def _event(self, path: Path, *, key: bool, nearest: bool = True) -> Event:
        value, event = self.value, self._root
        for depth, part in enumerate(path):
            table = self._tables.get(id(value)) if isinstance(value, (dict, list)) else None
            try:
                if isinstance(value, dict):
                    key_event, value_event = table[part]  # type: ignore[index]
                else:
                    key_event = value_event = table[part]  # type: ignore[index]
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return event if nearest else None
            event = key_event if key and depth == len(path) - 1 else value_event
        return event


def load(source: str | bytes) -> Document:
    """Read exactly one document; an empty source has the value None. Raise `DocumentInvalid` with every problem."""
    documents = load_all(source)
    if len(documents) > 1:
        line, column = _start(documents[1]._root)  # noqa: SLF001
        message = say("There is more than one document here; `---` starts a second one.")
        raise DocumentInvalid([Problem(message, line, column)])
    return documents[0] if documents else Document(None, None, {}, "")


def load_all(source: str | bytes) -> list[Document]:
    """Read all documents of a source, parted by `---`. Raise `DocumentInvalid` with every problem."""
    text = _text_of(source)
    builder = _Builder(text)
    try:
        documents = list(builder.documents())
    except yaml.YAMLError as error:
        builder.problems.append(_explained(error, text))
        raise DocumentInvalid(builder.problems) from None
    except _Refused as refused:
        builder.problems.append(refused.problem)
        raise DocumentInvalid(builder.problems) from None
    if builder.problems:
        raise DocumentInvalid(builder.problems)
    return documents


class _Refused(Exception):
    def __init__(self, event: Event, message: str, mend: str = "") -> None:
        line, column = _start(event)
        self.problem = Problem(message, line, column, mend=mend)


class _Frame:
    """A map or list that is being built."""

    __slots__ = ("anchor", "event", "key", "key_event", "merges", "size", "table", "value")

    def __init__(self, event: Event, value: object, table: object) -> None:
        self.event = event
        self.anchor: str | None = event.anchor
        self.value: Any = value
        self.table: Any = table
        self.key: str | None = None
        self.key_event: Event = None
        self.merges: list[tuple[Any, Event]] = []
        self.size = 1


class _Builder:
    """Builds values from events, one after the other; the stack is a list, so depth costs nothing."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self.stack: list[_Frame] = []
        self.anchors: dict[str, tuple[Any, int, Event]] = {}
        self.open_anchors: set[str] = set()
        self.tables: dict[int, Any] = {}
        self.aliases = self.expanded = self.count = 0
        self.root: tuple[Any, Event] | None = None

    def documents(self) -> Iterator[Document]:
        loader = yaml.CSafeLoader(self.source)
        try:
            while loader.check_event():
                event = loader.get_event()
                kind = event.__class__
                if kind is yaml.ScalarEvent:
                    self.scalar(event)
                elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                    self.open(event)
                elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                    self.close()
                elif kind is yaml.AliasEvent:
                    self.alias(event)
                elif kind is yaml.DocumentEndEvent and self.root is not None:
                    yield Document(self.root[0], self.root[1], self.tables, self.source)
                    self.root, self.tables, self.anchors = None, {}, {}
        finally:
            loader.dispose()

    def scalar(self, event: Event) -> None:
        if event.tag not in _KNOWN_TAGS:
            self.unknown_tag(event)
        text = event.value
        if "\0" in text:
            raise _Refused(event, say("A text cannot hold the character U+0000."))
        frame = self.stack[-1] if self.stack else None
        if frame is not None and frame.key is None and frame.value.__class__ is dict:
            if event.anchor:
                self.anchors[event.anchor] = (text, 1, event)
            self.key(frame, text, event)
            return
        tag = event.tag
        reads_as_text = (tag is None and event.style) or tag == "!" or tag == _TAG + "str"
        value = text if reads_as_text else _plain(text)
        if event.anchor:
            self.anchors[event.anchor] = (value, 1, event)
        self.add(value, event, 1)

    def key(self, frame: _Frame, text: str, event: Event) -> None:
        if text == "" and not event.style:
            self.problem(event, say("The name before `:` is missing."))
        if text == "<<" and not event.style:
            frame.key, frame.key_event = text, event
            return
        known = frame.table.get(text)
        if known is not None:
            line = _start(known[0])[0]
            self.problem(event, say("`%(key)s` stands here twice; first in line %(line)s.", key=text[:80], line=line))
        frame.key, frame.key_event = text, event

    def open(self, event: Event) -> None:
        if event.tag not in _KNOWN_TAGS:
            self.unknown_tag(event)
        frame = self.stack[-1] if self.stack else None
        if frame is not None and frame.key is None and frame.value.__class__ is dict:
            hint = _hint(self.source, event.start_mark.line)
            message = say("An expression stands here without quotes.") if hint else _NO_NAME
            raise _Refused(event, message, hint)
        if len(self.stack) >= MAX_DEPTH:
            raise _Refused(event, say("This is nested deeper than %(limit)s levels.", limit=MAX_DEPTH))
        value: Any
        table: Any
        value, table = ({}, {}) if event.__class__ is yaml.MappingStartEvent else ([], [])
        self.tables[id(value)] = table
        new = _Frame(event, value, table)
        if new.anchor:
            self.open_anchors.add(new.anchor)
        self.stack.append(new)

    def close(self) -> None:
        frame = self.stack.pop()
        for source, event in frame.merges:
            self.merge(frame, source, event)
        if frame.anchor:
            self.anchors[frame.anchor] = (frame.value, frame.size, frame.event)
            self.open_anchors.discard(frame.anchor)
        self.add(frame.value, frame.event, frame.size)

    def alias(self, event: Event) -> None:
        name = event.anchor
        self.aliases += 1
        if self.aliases > MAX_ALIASES:
            raise _Refused(event, say("There are more than %(limit)s aliases (`*name`).", limit=MAX_ALIASES))
        if name in self.open_anchors:
            raise _Refused(event, say("`*%(name)s` stands inside of itself.", name=name))
        if name not in self.anchors:
            raise _Refused(event, say("There is no `&%(name)s` above for this alias.", name=name))
        value, size, _ = self.anchors[name]
        self.grow(event, size)
        frame = self.stack[-1] if self.stack else None
        if frame is not None and frame.key is None and frame.value.__class__ is dict:
            if not isinstance(value, str):
                raise _Refused(event, _NO_NAME)
            frame.key, frame.key_event = value, event
            return
        self.add(value, event, size)

    def grow(self, event: Event, size: int) -> None:
        self.expanded += size
        if self.expanded > MAX_EXPANDED:
            raise _Refused(event, say("The aliases make more than %(limit)s values of this.", limit=MAX_EXPANDED))

    def add(self, value: object, event: Event, size: int) -> None:
        self.count += 1
        if self.count > MAX_VALUES:
            raise _Refused(event, say("There are more than %(limit)s values.", limit=MAX_VALUES))
        if not self.stack:
            self.root = (value, event)
            return
        frame = self.stack[-1]
        frame.size += size
        if frame.value.__class__ is list:
            frame.value.append(value)
            frame.table.append(event)
            return
        key, key_event = frame.key, frame.key_event
        frame.key = None
        if key == "<<" and not getattr(key_event, "style", None):
            frame.merges.append((value, event))
            return
        frame.value[key] = value
        frame.table[key] = (key_event, event)

    def merge(self, frame: _Frame, source: object, event: Event) -> None:
        for one in source if isinstance(source, list) else [source]:
            if not isinstance(one, dict):
                self.problem(event, say("`<<` takes a map, or a list of maps."))
                return
            self.grow(event, len(one))
            table = self.tables.get(id(one), {})
            for key, value in one.items():
                if key not in frame.value:
                    frame.value[key] = value
                    frame.table[key] = table.get(key, (event, event))

    def unknown_tag(self, event: Event) -> None:
        tag = str(event.tag).removeprefix(_TAG)[:80]
        self.problem(event, say("The tag `!%(tag)s` is not understood.", tag=tag.removeprefix("!")))

    def problem(self, event: Event, message: str) -> None:
        line, column = _start(event)
        self.problems.append(Problem(message, line, column))
        if len(self.problems) >= MAX_PROBLEMS:
            raise _Refused(event, say("There are more problems; mend these first."))


def _is_scalar(event: Event) -> bool:
    return isinstance(event, yaml.ScalarEvent)


def _plain(text: str) -> object:
    """Return what a text without quotes means in YAML 1.2; numbers that JSON cannot hold stay texts."""
    if text in _NULLS:
        return None
    if text[0] not in _STARTS_OF_NUMBERS:
        return _BOOLEANS.get(text, text)
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OCTAL_OR_HEX.fullmatch(text):
        return int(text, 0)
    if len(text) < 100 and _FLOAT.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) else text
    return text


def _start(event: Event) -> tuple[int, int]:
    if event is None:
        return 1, 1
    mark = event.start_mark
    return mark.line + 1, mark.column + 1


def _text_of(source: str | bytes) -> str:
    try:
        text = source.decode() if isinstance(source, bytes) else source
        text.encode()
    except UnicodeError:
        raise DocumentInvalid([Problem(say("This is not UTF-8 text."))]) from None
    if len(text) > MAX_CHARACTERS:
        message = say("This is longer than %(limit)s characters.", limit=MAX_CHARACTERS)
        raise DocumentInvalid([Problem(message)])
    return text


def _explained(error: yaml.YAMLError, source: str) -> Problem:
    if isinstance(error, yaml.reader.ReaderError):
        before = source.encode()[: error.position].decode(errors="ignore")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        return Problem(say("This character cannot stand in YAML."), line, column)
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    what = getattr(error, "problem", None) or say("it cannot be read")
    line = mark.line if mark else 0
    context = getattr(error, "context_mark", None)
    mend = _hint(source, line) or (_hint(source, context.line) if context else "")
    if not mend and "mapping values are not allowed" in what:
        mend = say("Put quotes around a text that holds `: `, and check the indentation.")
    if not mend and "\t" in _line(source, line):
        mend = say("Indent with spaces; YAML knows no tabs.")
    message = say("This is not valid YAML: %(what)s.", what=what)
    return Problem(message, line + 1, (mark.column if mark else 0) + 1, mend=mend)


def _line(source: str, index: int) -> str:
    lines = source.split("\n")
    return lines[index] if index < len(lines) else ""


def _hint(source: str, index: int) -> str:
    """Say what to do when the line (0-based) has an expression without quotes."""
    for number in (index, index - 1):
        if number >= 0 and re.search(r"(?:^|[:,\[{-])\s*\{\{", _line(source, number)):
            return _QUOTE_EXPRESSIONS
    return ""
