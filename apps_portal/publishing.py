"""Apps as their authors handle them: check, publish, publish a flow in two clicks, switch off and on, end.

Every published source is a revision that never changes, so its parsed form is kept per process.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import yaml
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps_portal.core import app_rules
from apps_portal.core.app_spec import AppSpec
from apps_portal.core.app_yaml import TYPE, AppRead, parse, read
from apps_portal.models import App, AppRevision
from orchestrator import flows
from orchestrator.access import flows_visible_to
from orchestrator.core.graph import humanised
from orchestrator.core.spec import FlowSpec, Problem
from orchestrator.ids import new_id
from orchestrator.models import Flow
from orchestrator.saying import spoken
from tenants import audit
from tenants.access import allowed, require
from tenants.actor import Actor
from tenants.errors import Conflict, Invalid, NotFound

KEPT = 500


def problems(actor: Actor, source: str) -> list[Problem]:
    """Return what is wrong with an app's text, warnings and missing rights too, in the order of the text."""
    found = read(source)
    if found.spec is None:
        return list(found.problems)
    listed = [*found.problems, *_beside_its_flow(actor, found)]
    for action in ("app.publish", "flow.execute"):
        if not allowed(actor, action, found.spec.namespace):
            words = {"action": action, "place": found.spec.namespace}
            message = _("Publishing this needs the right %(action)s in %(place)s.") % words
            listed.append(Problem(message, mend=_("Ask someone who may give it.")))
    return sorted(listed, key=lambda problem: (problem.line, problem.column))


def publish(actor: Actor, source: str, *, app: App | None = None, expected_revision: int | None = None) -> AppRevision:
    """Publish an app's text as its next live revision and return it; the same text again returns the live one.

    Needs `app.publish` and `flow.execute` in its namespace, with `app.create` or `app.update`. Raises Invalid with
    every problem, and Conflict when `app` (the one being edited) is another, or somebody published in between.
    """
    found = read(source)
    if found.spec is None:
        raise Invalid(spoken(problem for problem in found.problems if not problem.warning))
    spec = found.spec
    require(actor, "app.publish", spec.namespace)
    require(actor, "flow.execute", spec.namespace)
    wrong = [problem for problem in _beside_its_flow(actor, found) if not problem.warning]
    if wrong:
        raise Invalid(spoken(wrong))
    flow = _flow(actor, spec)
    assert flow is not None
    with transaction.atomic():
        row = _row(actor, spec, flow)
        if app is not None and app.pk != row.pk:
            raise Conflict(_("The text names another app: `id` and `namespace` of an app stay as they are."))
        require(actor, "app.create" if row.head == 0 else "app.update", spec.namespace)
        if expected_revision is not None and expected_revision != row.head:
            said = _("Somebody else published revision %(number)s in between. Compare, then publish again.")
            raise Conflict(said % {"number": row.head})
        return _published(actor, row, spec, flow, source)


@dataclass(frozen=True, slots=True)
class Draft:
    """What the two-click publish asks for, filled in from the flow."""

    display_name: str
    description: str = ""
    icon: str = ""
    category: str = ""
    groups: tuple[str, ...] = ()


def draft_of(flow: Flow) -> Draft:
    """Return what a new app of `flow` would be called and say."""
    first = flow.description.strip().split("\n\n")[0]
    return Draft(display_name=humanised(flow.flow_id)[:150], description=first)


def publish_flow(actor: Actor, flow: Flow, draft: Draft) -> AppRevision:
    """Publish a flow as an app: write the YAML document for it and publish that. The page is the house's."""
    return publish(actor, document_of(flow, draft, _free_id(actor, flow)))


def document_of(flow: Flow, draft: Draft, app_id: str) -> str:
    """Return the YAML document of an app of `flow`, written so that a person would go on with it."""
    document: dict[str, Any] = {
        "id": app_id,
        "type": TYPE,
        "namespace": flow.namespace,
        "flowId": flow.flow_id,
        "displayName": draft.display_name,
    }
    said = {"description": draft.description, "icon": draft.icon, "category": draft.category}
    document.update({key: value for key, value in said.items() if value.strip()})
    if draft.groups:
        document["access"] = {"type": "PRIVATE", "groups": list(draft.groups)}
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)


def apps_of(actor: Actor, flow: Flow) -> list[App]:
    """Return the living apps of a flow that whoever holds the flow may know: those in its namespace."""
    return list(App.objects.in_tenant(actor).filter(flow=flow, deleted_at=None).order_by("display_name"))


def disable(actor: Actor, app: App) -> App:
    """Switch an app off: nobody sees or submits it; runs that were started go on."""
    return _switch(actor, app, disabled=True)


def enable(actor: Actor, app: App) -> App:
    """Switch an app on again; raises Conflict when its own text says `disabled: true`."""
    live = AppRevision.objects.in_tenant(actor).get(app=app, number=app.head)
    if spec_of(live).disabled:
        raise Conflict(_("The app's text says `disabled: true`; change it there."))
    return _switch(actor, app, disabled=False)


def unpublish(actor: Actor, app: App) -> None:
    """End an app: it is gone from every page, its submissions stay. Publishing its id again begins a new one."""
    require(actor, "app.delete", app.namespace, app_id=app.pk)
    with transaction.atomic():
        row = App.objects.in_tenant(actor).select_for_update().get(pk=app.pk)
        if row.deleted_at is None:
            row.deleted_at = timezone.now()
            row.save(update_fields=["deleted_at", "updated_at"])
            before = {"revision": row.head}
            audit.record(actor, "app.delete", "app", row.uid, namespace=row.namespace, before=before, after={})


def spec_of(revision: AppRevision) -> AppSpec:
    """Return the parsed text of a revision, from this process's memory when it was read before."""
    spec = _specs.get(revision.pk)
    if spec is None:
        spec = parse(revision.source)
        _specs.put(revision.pk, spec)
    return spec


def forget_all() -> None:
    """Forget every parsed revision; tests use the same ids again."""
    _specs.clear()


class _Specs:
    """Parsed revisions by id, the ones used last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, AppSpec] = OrderedDict()

    def get(self, revision_id: int) -> AppSpec | None:
        with self._lock:
            if revision_id in self._kept:
                self._kept.move_to_end(revision_id)
            return self._kept.get(revision_id)

    def put(self, revision_id: int, spec: AppSpec) -> None:
        with self._lock:
            self._kept[revision_id] = spec
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()


_specs = _Specs()


def _flow(actor: Actor, spec: AppSpec) -> Flow | None:
    rows = Flow.objects.in_tenant(actor)
    return rows.filter(namespace=spec.namespace, flow_id=spec.flow_id, deleted_at=None).exclude(head=0).first()


def _beside_its_flow(actor: Actor, found: AppRead) -> Iterable[Problem]:
    """Return the problems that show beside the flow. Who may not know a flow learns nothing about it."""
    spec, places = found.spec, found.places
    assert spec is not None
    assert places is not None
    flow = _flow(actor, spec) if allowed(actor, "flow.execute", spec.namespace) else None
    if flow is None:
        others = flows_visible_to(actor).filter(namespace=spec.namespace).values_list("flow_id", flat=True)
        return [app_rules.no_flow(spec, others[:500], places)]
    flow_spec = _flow_spec(flow, spec.flow_revision)
    if flow_spec is None:
        message = _("The flow has no revision %(number)s; its newest is %(newest)s.")
        words = {"number": spec.flow_revision, "newest": flow.head}
        return [Problem(message % words, *places.position(("flowRevision",)), path=("flowRevision",))]
    return app_rules.problems(spec, flow_spec, places)


def _flow_spec(flow: Flow, number: int | None) -> FlowSpec | None:
    try:
        return flows.spec_of(flows.revision(flow, number).pk)
    except NotFound:
        return None


def _free_id(actor: Actor, flow: Flow) -> str:
    wanted = flow.flow_id.replace(".", "_")
    rows = App.objects.in_tenant(actor).filter(namespace=flow.namespace, app_id__startswith=wanted, deleted_at=None)
    taken = set(rows.values_list("app_id", flat=True))
    number = 1
    app_id = wanted
    while app_id in taken:
        number += 1
        app_id = f"{wanted}_{number}"
    return app_id


def _row(actor: Actor, spec: AppSpec, flow: Flow) -> App:
    """Return the row of an app, locked; of two who publish it first at the same moment, one waits for the other."""
    living = App.objects.in_tenant(actor).filter(namespace=spec.namespace, app_id=spec.id, deleted_at=None)
    row = living.select_for_update().first()
    if row is None:
        made = App(
            tenant_id=actor.tenant_id, uid=new_id(), namespace=spec.namespace, app_id=spec.id, flow=flow,
            display_name=spec.display_name,
        )  # fmt: skip
        App.across_tenants.bulk_create([made], ignore_conflicts=True)
        row = living.select_for_update().get()
    return row


def _published(actor: Actor, row: App, spec: AppSpec, flow: Flow, source: str) -> AppRevision:
    digest = hashlib.sha256(source.encode()).hexdigest()
    live = AppRevision.objects.in_tenant(actor).filter(app=row, number=row.head).first()
    if live is not None and live.digest == digest:
        return live
    by_hand = live is not None and row.disabled and not spec_of(live).disabled
    row.head += 1
    row.flow = flow
    row.display_name, row.description, row.icon = spec.display_name, spec.description, spec.icon
    row.category, row.owner, row.tags = spec.category, spec.owner, list(spec.tags)
    row.public, row.listed, row.groups = spec.access.public, spec.access.listed, list(spec.access.groups)
    row.disabled = spec.disabled or by_hand
    row.starts_at, row.ends_at = spec.starts_at, spec.ends_at
    row.save()
    revision = AppRevision.across_tenants.create(
        tenant_id=row.tenant_id, app=row, number=row.head, source=source, digest=digest, created_by_id=actor.user_id,
    )  # fmt: skip
    _specs.put(revision.pk, spec)
    audit.record(
        actor,
        "app.publish",
        "app",
        row.uid,
        namespace=row.namespace,
        before={"revision": live.number, "digest": live.digest} if live is not None else None,
        after={"revision": row.head, "digest": digest, "flow": str(flow)},
    )
    return revision


def _switch(actor: Actor, app: App, *, disabled: bool) -> App:
    require(actor, "app.update", app.namespace, app_id=app.pk)
    with transaction.atomic():
        row = App.objects.in_tenant(actor).select_for_update().get(pk=app.pk)
        if row.disabled != disabled:
            before, after = {"disabled": row.disabled}, {"disabled": disabled}
            audit.record(actor, "app.update", "app", row.uid, namespace=row.namespace, before=before, after=after)
            row.disabled = disabled
            row.save(update_fields=["disabled", "updated_at"])
    return row
