"""What the core must know of a task or trigger type to check a flow: its name, its schema and its own check."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestrator.core.spec import Path

Complaint = tuple[Path, str]  # where in the properties, what is wrong
Check = Callable[[Mapping[str, Any]], Sequence[Complaint]]


def _accept_all(_properties: Mapping[str, Any]) -> Sequence[Complaint]:
    return ()


@dataclass(frozen=True, slots=True)
class TypeInfo:
    """One type as a flow's rules see it; Python classes of task types stay outside of the core.

    `check` gets the type's own properties as written, expressions unrendered, and never raises.
    A property whose schema says `"x-dynamic": false` is never rendered, so expressions in it are not looked at.
    """

    name: str  # canonical, for instance "core.log.Log"
    schema: Mapping[str, Any] = field(default_factory=dict)  # JSON Schema of the properties
    check: Check = _accept_all
    flowable: bool = False
    aliases: tuple[str, ...] = ()  # further names, in their canonical form too
    kind: str = "task"  # task | trigger
    available: bool = True  # False: known, but not run by this release


Catalogue = Mapping[str, TypeInfo]  # by canonical name
