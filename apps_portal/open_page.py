"""An app that nobody has started yet: its OPEN stage, and what will happen in plain words."""

from django.utils import timezone

from apps_portal.core.app_spec import Stage
from apps_portal.core.audiences import Viewer
from apps_portal.core.outside import Source
from apps_portal.core.page import Facts, Page, page_at
from apps_portal.core.steps import Step, progress_of
from apps_portal.forms import Opened, Sheet, context_of
from tenants.actor import Actor


def page_of(actor: Actor, sheet: Sheet, url: str = "") -> Page:
    """Return the blocks of the OPEN stage with what is filled in so far; whoever fills in is the requester."""
    context = context_of(actor, sheet.opened, timezone.now(), url=url)
    facts = Facts(scope={**context.scope, "inputs": sheet.filled.inputs}, source=Source())
    viewer = Viewer(user_id=actor.user_id, is_requester=True, groups=frozenset(actor.group_names))
    return page_at(sheet.opened.spec, Stage.OPEN, facts, viewer)


def what_happens(opened: Opened) -> tuple[Step, ...]:
    """Return the steps that a run takes, for the page that starts it."""
    return progress_of(opened.flow, (), over=False).steps
