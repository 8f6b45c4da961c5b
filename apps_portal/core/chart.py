"""Charts as the numbers that are drawn: labels along the bottom and one or more series."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from apps_portal.core.values import Table, table_of

MAX_POINTS = 500
MAX_SERIES = 8


@dataclass(frozen=True, slots=True)
class Series:
    """One row of numbers."""

    name: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """What a chart shows."""

    kind: str  # bar | line | donut
    labels: tuple[str, ...] = ()
    series: tuple[Series, ...] = ()

    @property
    def empty(self) -> bool:
        """Say whether there is nothing to draw."""
        return not self.labels or not any(value is not None for one in self.series for value in one.values)

    @property
    def data(self) -> dict[str, object]:
        """Return it as plain JSON."""
        series = [{"name": one.name, "values": list(one.values)} for one in self.series]
        return {"kind": self.kind, "labels": list(self.labels), "series": series}


def chart_of(data: object, kind: str = "bar", x: str = "", y: object = None) -> Chart:
    """Return the chart of a list of mappings, or of one mapping name -> number.

    `x` names the column along the bottom (default: the first that holds no numbers), `y` the column or columns with
    numbers (default: all of them).
    """
    table = table_of(data, limit=MAX_POINTS)
    keys = [column.key for column in table.columns]
    along = _along(table, x)
    wanted = [key for key in _wanted(table, along, y) if key in keys][: 1 if kind == "donut" else MAX_SERIES]
    labels = tuple(
        str(row[keys.index(along)]) if along in keys else str(number) for number, row in enumerate(table.rows, 1)
    )
    headings = {column.key: column.heading for column in table.columns}
    series = tuple(Series(headings[key], tuple(_number(row[keys.index(key)]) for row in table.rows)) for key in wanted)
    return Chart(kind, labels, series)


def _along(table: Table, x: str) -> str:
    if x:
        return x
    words = [column.key for column in table.columns if not column.numeric]
    return words[0] if words else (table.columns[0].key if len(table.columns) > 1 else "")


def _wanted(table: Table, along: str, y: object) -> list[str]:
    if isinstance(y, str) and y:
        return [name.strip() for name in y.split(",")]
    if isinstance(y, Sequence) and y and not isinstance(y, Mapping):
        return [str(one) for one in y]
    return [column.key for column in table.columns if column.numeric and column.key != along]


def _number(value: object) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
