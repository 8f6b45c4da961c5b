"""How a result is shown: number, text, Markdown, table, chart, list, file. Decided here, drawn by templates."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

MAX_ROWS = 200
MAX_COLUMNS = 40
MAX_TEXT = 100_000
FILE_SCHEMES = ("portico://", "kestra://")
MASK = "••••"
_MARKDOWN = re.compile(r"^(#{1,6} |[-*] |\d+\. |\|.*\||> )|\*\*[^*\n]+\*\*|\[[^\]\n]+\]\([^)\n]+\)", re.MULTILINE)


class Shape(StrEnum):
    """The ways a value is drawn."""

    EMPTY = "empty"
    TEXT = "text"
    LONG = "long"
    MARKDOWN = "markdown"
    NUMBER = "number"
    BOOL = "bool"
    TABLE = "table"
    CHART = "chart"
    LIST = "list"
    FACTS = "facts"  # names with values
    FILE = "file"
    LINK = "link"
    CODE = "code"
    MASKED = "masked"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    key: str
    heading: str
    numeric: bool = False

    @property
    def label(self) -> str:
        """Return the heading, as components/data_table.html asks for it."""
        return self.heading

    @property
    def num(self) -> bool:
        """Say whether it holds numbers, likewise."""
        return self.numeric


@dataclass(frozen=True, slots=True)
class Table:
    """Rows to show; `total` counts those that are left out too."""

    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[object, ...], ...] = ()
    total: int = 0

    @property
    def left_out(self) -> int:
        """Return how many rows are not shown."""
        return self.total - len(self.rows)


@dataclass(frozen=True, slots=True)
class Presented:
    """A value and how to draw it; which of the fields is set depends on `shape`."""

    shape: Shape
    label: str = ""
    help: str = ""
    id: str = ""
    value: object = None
    table: Table = field(default_factory=Table)
    items: tuple["Presented", ...] = ()

    @property
    def wide(self) -> bool:
        """Say whether it wants the page's whole width."""
        return self.shape in {Shape.TABLE, Shape.CHART, Shape.MARKDOWN, Shape.LONG, Shape.CODE}


def present(value: object, kind: str = "", *, label: str = "", help_text: str = "", value_id: str = "") -> Presented:
    """Return how to draw `value`, an output of type `kind` (empty: not known)."""
    return replace(_drawn(value, kind), label=label, help=help_text, id=value_id)


def _drawn(value: object, kind: str) -> Presented:
    if value is None or value == "":
        return Presented(Shape.EMPTY)
    if kind == "SECRET":
        return Presented(Shape.MASKED, value=MASK)
    if isinstance(value, bool):
        return Presented(Shape.BOOL, value=value)
    if isinstance(value, (int, float)):
        return Presented(Shape.NUMBER, value=value)
    if isinstance(value, str):
        return Presented(_shape_of_text(value, kind), value=value[:MAX_TEXT])
    if isinstance(value, Mapping):
        return _drawn_map(value)
    if isinstance(value, Sequence):
        return _drawn_list(value)
    return Presented(Shape.TEXT, value=str(value)[:MAX_TEXT])


def _drawn_map(value: Mapping[str, object]) -> Presented:
    if "data" in value and value.get("chart") in {"line", "bar", "donut"}:
        return Presented(Shape.CHART, value=value)
    if all(_is_plain(one) for one in value.values()):
        facts = tuple(present(one, label=str(key)) for key, one in list(value.items())[:MAX_ROWS])
        return Presented(Shape.FACTS, value=value, items=facts)
    return Presented(Shape.CODE, value=_json(value))


def _drawn_list(value: Sequence[object]) -> Presented:
    if not value:
        return Presented(Shape.EMPTY)
    if all(isinstance(one, Mapping) for one in value):
        return Presented(Shape.TABLE, value=value, table=table_of(value))
    if all(_is_plain(one) for one in value):
        return Presented(Shape.LIST, value=value, items=tuple(present(one) for one in value[:MAX_ROWS]))
    return Presented(Shape.CODE, value=_json(value))


def is_file(value: object) -> bool:
    """Say whether a value names a file in storage."""
    return isinstance(value, str) and value.startswith(FILE_SCHEMES)


def _shape_of_text(value: str, kind: str) -> Shape:
    if is_file(value):
        return Shape.FILE
    if kind in {"JSON", "YAML"}:
        return Shape.CODE
    if value.startswith(("https://", "http://")) and not re.search(r"\s", value):
        return Shape.LINK
    if "\n" in value.strip():
        return Shape.MARKDOWN if _MARKDOWN.search(value) else Shape.LONG
    return Shape.TEXT


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, (str, int, float, bool))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)[:MAX_TEXT]


def table_of(data: object, columns: object = None, limit: int = MAX_ROWS) -> Table:
    """Return the table for a list of mappings (or of plain values, or one mapping name -> value).

    `columns`: a list of names, or a mapping name -> heading; None: all, in the order in which they appear.
    """
    rows = _rows_of(data)
    chosen = _columns_of(rows, columns)
    shown = rows[:limit]
    made = tuple(
        Column(key, heading, numeric=_is_numeric(row.get(key) for row in shown[:50])) for key, heading in chosen
    )
    return Table(made, tuple(tuple(_cell(row.get(column.key)) for column in made) for row in shown), len(rows))


def _rows_of(data: object) -> list[Mapping[str, object]]:
    if isinstance(data, Mapping):
        return [{"name": str(key), "value": value} for key, value in data.items()]
    if not isinstance(data, Sequence) or isinstance(data, str):
        return []
    return [one if isinstance(one, Mapping) else {"value": one} for one in data]


def _columns_of(rows: Sequence[Mapping[str, object]], columns: object) -> list[tuple[str, str]]:
    if isinstance(columns, Mapping):
        return [(str(key), str(heading)) for key, heading in columns.items()][:MAX_COLUMNS]
    if isinstance(columns, str):
        columns = [name.strip() for name in columns.split(",") if name.strip()]
    if isinstance(columns, Sequence) and columns:
        return [(str(key), _heading(str(key))) for key in columns][:MAX_COLUMNS]
    seen: dict[str, None] = {}
    for row in rows[:50]:
        seen.update(dict.fromkeys(str(key) for key in row))
    return [(key, _heading(key)) for key in seen][:MAX_COLUMNS]


def _heading(key: str) -> str:
    words = key.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def _is_numeric(values: Iterable[object]) -> bool:
    known = [value for value in values if value is not None]
    return bool(known) and all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in known)


def _cell(value: object) -> object:
    return value if _is_plain(value) else _json(value)
