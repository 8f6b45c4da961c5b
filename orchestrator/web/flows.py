"""Flows: the list, and the pages of one."""

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from orchestrator import access, flows
from orchestrator.core.graph import graph_of, steps_of
from orchestrator.web import lists
from orchestrator.web.diffs import side_by_side
from orchestrator.web.examples import EXAMPLES
from tenants.access import allowed
from tenants.actor import Actor
from tenants.errors import Conflict, Forbidden
from tenants.web.doors import door
from tenants.web.me import actor_of

if TYPE_CHECKING:
    from orchestrator.models import Flow

RECENT = 10
SHOWN_REVISIONS = 50


@door("flow.list")
@require_safe
def flow_list(request: HttpRequest, tenant: str) -> HttpResponse:  # noqa: ARG001 - the middleware has read it
    """List the flows one may see, with their last runs and their next one."""
    actor = actor_of(request)
    if not actor.grants.anywhere("flow.list"):
        raise Forbidden("flow.list")
    asked = lists.asked_in(request.GET, ("q", "namespace"))
    page = lists.by_name(access.flows_found(actor, asked["q"], asked["namespace"]), asked, request.GET.get("after", ""))
    context = {
        "rows": access.flow_rows(actor, page.rows),
        "page": page,
        "asked": asked,
        "namespaces": access.namespaces_of_flows(actor),
        "chips": lists.chips(asked, {"q": _("Text"), "namespace": _("Namespace")}),
        "examples": EXAMPLES,
        "may_create": actor.grants.anywhere("flow.create"),
        "crumbs": [{"label": _("Flows")}],
    }
    return render(request, "orchestrator/flows.html", context)


@door("flow.view")
@require_safe
def overview(request: HttpRequest, tenant: str, namespace: str, flow_id: str) -> HttpResponse:
    """Show a flow's graph, its last runs and where it can be started from."""
    actor = actor_of(request)
    flow = access.flow_for(actor, "flow.view", namespace, flow_id)
    spec = flows.spec_of(flows.head_of(flow).pk)
    runs = access.executions_visible_to(actor).filter(flow=flow).select_related("flow", "started_by")
    context = {
        **frame(actor, flow, tenant, "overview"),
        "graph": {"graph": graph_of(spec)},
        "steps": steps_of(spec),
        "spec": spec,
        "rows": lists.newest_first(runs, {}, "").rows[:RECENT],
        "triggers": access.triggers_of(flow),
        "publish_url": _address("publish-flow", tenant, flow) if allowed(actor, "app.publish", namespace) else "",
    }
    return render(request, "orchestrator/flow_overview.html", context)


@door("flow.view")
@require_safe
def runs(request: HttpRequest, tenant: str, namespace: str, flow_id: str) -> HttpResponse:
    """List a flow's executions, newest first."""
    actor = actor_of(request)
    flow = access.flow_for(actor, "flow.view", namespace, flow_id)
    asked = lists.asked_in(request.GET, ("state",))
    rows = access.executions_found(actor, asked)
    context = {
        **frame(actor, flow, tenant, "runs"),
        "page": lists.newest_first(rows.filter(flow=flow), asked, request.GET.get("after", "")),
        "asked": asked,
        "crumbs": crumbs(flow, tenant, _("Runs")),
    }
    return render(request, "orchestrator/flow_runs.html", context)


@door("flow.view")
@require_safe
def revisions(request: HttpRequest, tenant: str, namespace: str, flow_id: str) -> HttpResponse:
    """List a flow's revisions, and show what changed from one to another."""
    actor = actor_of(request)
    flow = access.flow_for(actor, "flow.view", namespace, flow_id)
    after = flows.revision(flow, _number(request, "to", flow.head))
    before_number = _number(request, "from", max(1, after.number - 1))
    before = after if before_number == after.number else flows.revision(flow, before_number)
    rows = access.revisions_of(flow).select_related("created_by").defer("source")
    context = {
        **frame(actor, flow, tenant, "revisions"),
        "revisions": rows[:SHOWN_REVISIONS],
        "before": before,
        "after": after,
        "diff": side_by_side(before.source, after.source),
        "crumbs": crumbs(flow, tenant, _("Revisions")),
    }
    return render(request, "orchestrator/flow_revisions.html", context)


@door("flow.disable")
@require_POST
def switch(request: HttpRequest, tenant: str, namespace: str, flow_id: str) -> HttpResponse:
    """Disable a flow, or enable it again."""
    actor = actor_of(request)
    enable = request.POST.get("to") == "enabled"
    flow = access.flow_for(actor, "flow.enable" if enable else "flow.disable", namespace, flow_id)
    try:
        if enable:
            flows.enable(actor, flow)
            messages.success(request, _("The flow can be started again."))
        else:
            flows.disable(actor, flow)
            messages.success(request, _("The flow is disabled: nobody and nothing can start it."))
    except Conflict as error:
        messages.error(request, error.sentence)
    return redirect("flow", tenant=tenant, namespace=namespace, flow_id=flow_id)


@door("flow.delete")
@require_POST
def delete(request: HttpRequest, tenant: str, namespace: str, flow_id: str) -> HttpResponse:
    """End a flow; its runs and revisions stay."""
    actor = actor_of(request)
    flows.delete(actor, access.flow_for(actor, "flow.delete", namespace, flow_id))
    messages.success(request, _("The flow %(name)s was deleted.") % {"name": f"{namespace}.{flow_id}"})
    return redirect("flows", tenant=tenant)


def frame(actor: Actor, flow: "Flow", tenant: str, tab: str) -> dict[str, Any]:
    """Return what the head of every page of a flow shows: its tabs and what may be done."""
    tabs = (
        ("overview", _("Overview"), "flow", "workflow"),
        ("edit", _("Edit"), "flow-edit", "code"),
        ("revisions", _("Revisions"), "flow-revisions", "history"),
        ("runs", _("Runs"), "flow-runs", "list"),
    )
    return {
        "flow": flow,
        "tabs": [
            {"key": key, "label": label, "icon": icon, "active": key == tab, "url": _address(name, tenant, flow)}
            for key, label, name, icon in tabs
        ],
        "may_execute": bool(allowed(actor, "flow.execute", flow.namespace)) and not flow.disabled,
        "may_switch": bool(allowed(actor, "flow.enable" if flow.disabled else "flow.disable", flow.namespace)),
        "may_delete": bool(allowed(actor, "flow.delete", flow.namespace)),
        "crumbs": crumbs(flow, tenant, ""),
    }


def crumbs(flow: "Flow", tenant: str, here: str) -> list[dict[str, str]]:
    """Return where a page of a flow is."""
    every = reverse("flows", args=[tenant])
    above = [
        {"label": _("Flows"), "url": every},
        {"label": flow.namespace, "url": f"{every}{lists.address({'namespace': flow.namespace})}"},
    ]
    if not here:
        return [*above, {"label": flow.flow_id}]
    return [*above, {"label": flow.flow_id, "url": _address("flow", tenant, flow)}, {"label": here}]


def _address(name: str, tenant: str, flow: "Flow") -> str:
    """Return a page of a flow, empty when there is no such page."""
    try:
        return reverse(name, kwargs={"tenant": tenant, "namespace": flow.namespace, "flow_id": flow.flow_id})
    except NoReverseMatch:
        return ""


def _number(request: HttpRequest, name: str, usual: int) -> int:
    written = request.GET.get(name, "")
    return int(written) if written.isascii() and written.isdecimal() and len(written) < 9 else usual
