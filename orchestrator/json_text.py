"""JSON and text as PostgreSQL takes them: no NUL characters, no halves of characters, no NaN."""

import json
import math
import re
from collections.abc import Mapping

_HALF = re.compile("[\ud800-\udfff]")
MOST_LEVELS = 100  # of nesting in what a task gives out: readers go down level by level too


def dump(value: object) -> str:
    """Return `value` as JSON text; what JSON does not know becomes text, NaN and infinities become null."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain)
    except ValueError:
        return json.dumps(_storable(value), ensure_ascii=False)
    # the escape may also be a backslash that somebody wrote, followed by u0000: only the value tells
    if "\\u0000" in text or not _whole(text):
        return json.dumps(_storable(value), ensure_ascii=False)
    return text


def clean(text: str) -> str:
    """Return `text` without NUL characters, which a text column refuses, and with signs in the place of half ones."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    return text if _whole(text) else _HALF.sub("\ufffd", text)


def too_deep(value: object, most: int = MOST_LEVELS) -> bool:
    """Tell whether lists and mappings are nested in more than `most` levels."""
    level = [value]
    for _ in range(most + 1):
        nested = [item for item in level if isinstance(item, Mapping | list | tuple)]
        level = [part for item in nested for part in (item.values() if isinstance(item, Mapping) else item)]
        if not level:
            return False
    return True


def _whole(text: str) -> bool:
    """Tell whether `text` can be encoded."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    return str(value)


def _storable(value: object) -> object:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {clean(str(key)): _storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_storable(item) for item in value]
    if value is None or isinstance(value, bool | int):
        return value
    return clean(str(value))
