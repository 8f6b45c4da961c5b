"""The first page: what waits for me, what is running for me, what I used last."""

from dataclasses import dataclass

from apps_portal import catalog, inbox, submissions
from apps_portal.catalog import Card
from apps_portal.inbox import Request
from apps_portal.models import Submission
from tenants.actor import Actor


@dataclass(frozen=True, slots=True)
class Home:
    """What the first page shows."""

    waiting: tuple[Request, ...]
    running: tuple[Submission, ...]
    recent: tuple[Card, ...]
    suggested: tuple[Card, ...]  # for someone who has used none
    may_publish: bool


def home_of(actor: Actor) -> Home:
    """Return the first page of `actor`."""
    recent = catalog.recent(actor)
    return Home(
        waiting=tuple(inbox.waiting(actor)),
        running=tuple(submissions.running(actor)),
        recent=tuple(recent),
        suggested=() if recent else tuple(catalog.suggested(actor)),
        may_publish=actor.grants.anywhere("app.publish"),
    )
