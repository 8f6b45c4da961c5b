"""Tags of the engineers' pages: values as trees, files behind addresses, how far a run is."""

import json
from typing import TYPE_CHECKING, Any

from django import template
from django.utils.translation import gettext as _

from orchestrator.core.states import FINAL, State
from orchestrator.storage import is_stored

if TYPE_CHECKING:
    from orchestrator.models import Execution
    from orchestrator.web.run_page import RunView

register = template.Library()

LONGEST = 2_000  # characters of one value on a page
SEGMENTS = 40


@register.filter
def is_branch(value: object) -> bool:
    """Say whether a value of `run_page.tree` opens into others."""
    return isinstance(value, list) and all(isinstance(item, tuple) and len(item) == 2 for item in value) and bool(value)


@register.filter
def as_value(value: object) -> str:
    """Write a value as people read it: texts as they are, everything else as JSON, long ones cut."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


@register.simple_tag
def stored_file(value: object) -> str:
    """Return a value that is the address of a stored file, else nothing."""
    return value if isinstance(value, str) and is_stored(value) else ""


@register.filter
def file_name(address: str) -> str:
    """Return the name of a stored file as people gave it: the last part without what made it unique."""
    name = address.rpartition("/")[2]
    head, dash, rest = name.partition("-")
    return rest if dash and len(head) == 32 else name


@register.simple_tag
def length_of(execution: "Execution") -> float | None:
    """Return how long an execution took, in seconds."""
    if execution.ended_at is None:
        return None
    return (execution.ended_at - execution.created_at).total_seconds()


@register.simple_tag
def run_tabs() -> list[dict[str, Any]]:
    """Return the two views of a run."""
    return [
        {"key": "timeline", "label": _("Timeline"), "icon": "list", "active": True},
        {"key": "graph", "label": _("Graph"), "icon": "workflow", "active": False},
    ]


@register.simple_tag
def run_progress(view: "RunView") -> dict[str, Any]:
    """Return the segments of the progress bar, the share that is done, and both in words."""
    leaves = view.leaves
    done = sum(State(run.state) in FINAL for run in leaves)
    now = next((run.task_id for run in leaves if State(run.state) not in FINAL), "")
    text = _("%(done)s of %(total)s tasks done") % {"done": done, "total": len(leaves)}
    if now:
        text = _("%(text)s · now: %(task)s") % {"text": text, "task": now}
    return {
        "steps": [{"state": run.state, "label": run.task_id} for run in leaves[:SEGMENTS]],
        "percent": round(100 * done / len(leaves)) if leaves else 0,
        "text": text,
    }
