"""JSON as PostgreSQL takes it: no NUL characters, no NaN."""

import json
import math
from collections.abc import Mapping


def dump(value: object) -> str:
    """Return `value` as JSON text; what JSON does not know becomes text, NaN and infinities become null."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain)
    except ValueError:
        text = json.dumps(_finite(value), ensure_ascii=False, allow_nan=False, default=_plain)
    return text.replace("\\u0000", "") if "\\u0000" in text else text


def clean(text: str) -> str:
    """Return `text` without NUL characters, which a text column refuses."""
    return text.replace("\x00", "") if "\x00" in text else text


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    return str(value)


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_finite(item) for item in value]
    return value
