"""The only way apps, submissions and staged files reach a door: holding the row is the proof of the right.

May run an app = it is shared with them, or a binding gives `app.execute` in its namespace and the app names no groups,
or one of theirs.
"""

import uuid

from django.db.models import Q, QuerySet
from django.utils import timezone

from apps_portal.models import App, AppRevision, StagedUpload, Submission
from orchestrator.access import may_follow
from tenants.access import allowed, in_places, require, visible_to, who_can_grant
from tenants.actor import Actor
from tenants.errors import Forbidden, NotFound


def may_run(actor: Actor, app: App) -> bool:
    """Say whether `actor` may run `app`; whether it is open just now is another question (`is_open`)."""
    if app.tenant_id != actor.tenant_id:
        return False
    if actor.is_system:
        return True
    reach = actor.grants.reach("app.execute")
    if app.pk in reach.apps:
        return True
    # a right to own runs only is a right to start them
    verdict = allowed(actor, "app.execute", app.namespace, started_by=actor.user_id)
    return bool(verdict) and (not app.groups or not actor.group_names.isdisjoint(app.groups))


def runnable(actor: Actor) -> Q:
    """Return the condition "the actor may run this app": `may_run` as a question to the database."""
    if actor.is_system:
        return Q(tenant_id=actor.tenant_id)
    reach = actor.grants.reach("app.execute")
    by_place = in_places(reach.places | reach.own_places, "namespace") if reach else Q(pk__in=[])
    in_group = Q(groups=[]) | Q(groups__overlap=sorted(actor.group_names))
    return Q(tenant_id=actor.tenant_id) & (Q(pk__in=sorted(reach.apps)) | (by_place & in_group))


def apps_visible_to(actor: Actor) -> QuerySet[App]:
    """Return the living apps whose existence `actor` may know.

    Those they may run, or view; an app for certain groups is known to its builders and those groups only.
    """
    if actor.is_system:
        return App.objects.in_tenant(actor).filter(deleted_at=None)
    shared = sorted(actor.grants.reach("app.view").apps | actor.grants.reach("app.approve").apps)
    viewed = visible_to(actor, "app.view", starter_field=None) & Q(groups=[])
    built = visible_to(actor, "app.update", starter_field=None)
    seen = runnable(actor) | viewed | built | Q(pk__in=shared)
    return App.objects.in_tenant(actor).filter(seen, deleted_at=None)


def app_for(actor: Actor, action: str, uid: str) -> App:
    """Return the living app on which `actor` may do `action`; NotFound, or Forbidden where they may know it."""
    app = App.objects.in_tenant(actor).filter(uid=uid[:40], deleted_at=None).select_related("flow").first()
    if app is None:
        raise NotFound
    if action == "app.execute":
        if may_run(actor, app):
            return app
    elif allowed(actor, action, app.namespace, app_id=app.pk):
        return app
    if not apps_visible_to(actor).filter(pk=app.pk).exists():
        raise NotFound
    if action == "app.execute":
        raise Forbidden(action, who_can_grant(actor.tenant_id, action, app.namespace))
    require(actor, action, app.namespace, app_id=app.pk)
    return app


def is_open(app: App) -> bool:
    """Say whether an app can be used now: not switched off, within its dates, its flow alive."""
    now = timezone.now()
    if app.disabled or app.flow.disabled or app.flow.deleted_at is not None:
        return False
    return (app.starts_at is None or app.starts_at <= now) and (app.ends_at is None or now < app.ends_at)


def open_now() -> Q:
    """Return `is_open` as a question to the database."""
    now = timezone.now()
    return (
        Q(disabled=False, flow__disabled=False, flow__deleted_at=None)
        & (Q(starts_at=None) | Q(starts_at__lte=now))
        & (Q(ends_at=None) | Q(ends_at__gt=now))
    )


def head_of(app: App) -> AppRevision:
    """Return the live revision of an app."""
    return AppRevision.objects.in_tenant(app.tenant_id).get(app=app, number=app.head)


def submission_for(actor: Actor, number: int) -> Submission:
    """Return the submission that `actor` may follow: their own, one they decide on, or one they may view."""
    found = (
        Submission.objects.in_tenant(actor)
        .filter(number=number)
        .select_related("app", "app__flow", "revision", "user", "execution__revision", "execution__flow")
        .first()
    )
    if found is None:
        raise NotFound
    mine = actor.user_id is not None and found.user_id == actor.user_id
    if mine or (found.execution is not None and may_follow(actor, found.execution)):
        return found
    raise NotFound


def number_of_run(actor: Actor, execution_id: str) -> int | None:
    """Return the number of the request that a run belongs to, where the actor may follow it."""
    if not (execution_id.isascii() and execution_id.isalnum()):
        return None
    rows = Submission.objects.in_tenant(actor).filter(execution_id=execution_id[:22])
    found = rows.select_related("execution").first()
    if found is None or found.execution is None:
        return None
    mine = actor.user_id is not None and found.user_id == actor.user_id
    return found.number if mine or may_follow(actor, found.execution) else None


def submissions_of(actor: Actor) -> QuerySet[Submission]:
    """Return the actor's own submissions, newest first."""
    rows = Submission.objects.in_tenant(actor).filter(user_id=actor.user_id or 0)
    return rows.select_related("app", "execution").order_by("-number")


def staged_for(actor: Actor, app: App, upload_id: str) -> StagedUpload:
    """Return a staged file of this person for this app that has not run out."""
    try:
        key = uuid.UUID(upload_id)
    except ValueError:
        raise NotFound from None
    found = (
        StagedUpload.objects.in_tenant(actor)
        .filter(pk=key, app=app, user_id=actor.user_id or 0, expires_at__gt=timezone.now())
        .first()
    )
    if found is None:
        raise NotFound
    return found
