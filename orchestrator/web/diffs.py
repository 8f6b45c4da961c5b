"""Two texts side by side."""

from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any

AROUND = 3  # unchanged lines shown around a change


def side_by_side(before: str, after: str) -> list[dict[str, Any]]:
    """Return the rows that components/diff.html draws: changed lines with a few unchanged ones around them."""
    old, new = before.splitlines(), after.splitlines()
    rows: list[dict[str, Any]] = []
    for group in SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(AROUND):
        if rows:
            rows.append(_row(None, "⋯", None, "⋯", ""))
        for kind, old_from, old_to, new_from, new_to in group:
            rows.extend(_rows(kind, old, new, range(old_from, old_to), range(new_from, new_to)))
    return rows


def _rows(kind: str, old: list[str], new: list[str], left: range, right: range) -> Iterator[dict[str, Any]]:
    for i, j in zip_longest(left, right):
        change = "" if kind == "equal" else "add" if i is None else "del" if j is None else "mod"
        yield _row(
            None if i is None else i + 1,
            None if i is None else old[i],
            None if j is None else j + 1,
            None if j is None else new[j],
            change,
        )


def _row(
    before_n: int | None, before: str | None, after_n: int | None, after: str | None, change: str
) -> dict[str, Any]:
    return {"before_n": before_n, "before": before, "after_n": after_n, "after": after, "change": change}
