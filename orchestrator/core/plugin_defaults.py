"""Default properties by type: merged into everything that has a `type`, wherever it stands.

A default's type matches by plain prefix, `core.log` as well as `core.log.Log`. Defaults go under what the author
wrote, forced ones over it; maps are merged, lists joined, and nothing never replaces something.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.core.type_names import canonical, full


@dataclass(frozen=True, slots=True)
class PluginDefault:
    """Default properties for all types that begin with a name."""

    type: str  # as written
    values: Mapping[str, object]
    forced: bool = False

    def matches(self, written: str) -> bool:
        """Tell whether these defaults are for the type written as `written`."""
        name, wanted = canonical(written), canonical(self.type)
        return name.startswith(wanted) or full(name).startswith(self.type) or written.startswith(self.type)


def with_defaults(value: object, defaults: Sequence[PluginDefault]) -> object:
    """Return `value` with the defaults merged into every map below it that has a type."""
    if isinstance(value, list):
        return [with_defaults(item, defaults) for item in value]
    if not isinstance(value, dict):
        return value
    merged: Mapping[str, object] = {key: with_defaults(item, defaults) for key, item in value.items()}
    written = merged.get("type")
    if not isinstance(written, str):
        return merged
    for default in defaults:
        if default.matches(written):
            merged = _merge(merged, default.values) if default.forced else _merge(default.values, merged)
    return merged


def _merge(weak: Mapping[str, object], strong: Mapping[str, object]) -> Mapping[str, object]:
    merged = dict(weak)
    for key, value in strong.items():
        below = merged.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            merged[key] = _merge(below, value)
        elif isinstance(below, list) and isinstance(value, list):
            merged[key] = [*below, *value]
        elif value is not None or key not in merged:
            merged[key] = value
    return merged
