"""Ctrl K: apps, flows and my runs whose words begin with what was typed, each only where the actor may see it."""

from collections.abc import Iterator
from dataclasses import dataclass

from apps_portal import catalog, submissions
from apps_portal.models import App, Submission
from apps_portal.search import words_beginning
from orchestrator.access import flows_visible_to
from orchestrator.models import Flow
from tenants.actor import Actor

EACH = 6


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing that was found."""

    app: App | None = None
    flow: Flow | None = None
    submission: Submission | None = None


def search(actor: Actor, text: str) -> Iterator[Hit]:
    """Yield apps the actor may run, then their own runs, then flows they may see. Nothing typed: apps only."""
    for app in catalog.find(actor, text, EACH):
        yield Hit(app=app)
    if not text.strip():
        return
    for submission in submissions.find(actor, text, EACH):
        yield Hit(submission=submission)
    query = words_beginning(text)
    if query is not None and actor.grants.anywhere("flow.list"):
        for flow in flows_visible_to(actor).filter(search=query).order_by("namespace", "flow_id")[:EACH]:
            yield Hit(flow=flow)
