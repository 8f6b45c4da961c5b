"""Publishing: a flow in two clicks, an app as YAML, switching off and on, ending."""

from collections.abc import Mapping
from dataclasses import asdict

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_http_methods, require_POST

from apps_portal import publishing
from apps_portal.access import app_for, head_of
from apps_portal.publishing import Draft
from orchestrator.access import flow_for
from orchestrator.core.spec import Problem
from orchestrator.saying import said
from tenants import groups
from tenants.access import allowed, require
from tenants.actor import Actor
from tenants.errors import Conflict, Invalid
from tenants.web.doors import door
from tenants.web.forms import Typed, control, summary, typed
from tenants.web.me import actor_of

ICONS: Mapping[str, str] = {
    "layout-grid": gettext_noop("Grid"),
    "banknote": gettext_noop("Banknote"),
    "book-open": gettext_noop("Book"),
    "briefcase": gettext_noop("Briefcase"),
    "building": gettext_noop("Building"),
    "calendar": gettext_noop("Calendar"),
    "chart-bar": gettext_noop("Bar chart"),
    "clipboard-list": gettext_noop("Checklist"),
    "credit-card": gettext_noop("Credit card"),
    "database": gettext_noop("Database"),
    "file-spreadsheet": gettext_noop("Spreadsheet"),
    "file-text": gettext_noop("Document"),
    "globe": gettext_noop("Globe"),
    "heart": gettext_noop("Heart"),
    "key-round": gettext_noop("Key"),
    "landmark": gettext_noop("Bank"),
    "mail": gettext_noop("Letter"),
    "package": gettext_noop("Parcel"),
    "percent": gettext_noop("Percent"),
    "plane": gettext_noop("Plane"),
    "receipt": gettext_noop("Receipt"),
    "scale": gettext_noop("Scales"),
    "server": gettext_noop("Server"),
    "shield": gettext_noop("Shield"),
    "shopping-cart": gettext_noop("Shopping cart"),
    "tag": gettext_noop("Price tag"),
    "terminal": gettext_noop("Command line"),
    "truck": gettext_noop("Lorry"),
    "users": gettext_noop("People"),
    "wallet": gettext_noop("Wallet"),
    "wrench": gettext_noop("Wrench"),
    "zap": gettext_noop("Lightning"),
}
EMPTY = """id: my_app
type: apps.Execution
namespace: company.team
flowId: my_flow
displayName: My app
description: What it is for, in a sentence.
"""


@door("app.publish")
@require_http_methods(["GET", "HEAD", "POST"])
def publish_flow(request: HttpRequest, tenant: str, namespace: str, flow_id: str) -> HttpResponse:
    """Ask for name, description, icon and groups, all filled in already; a POST publishes the flow as an app."""
    actor = actor_of(request)
    flow = flow_for(actor, "flow.execute", namespace, flow_id)
    require(actor, "app.publish", flow.namespace)
    draft = publishing.draft_of(flow)
    form = Typed({**asdict(draft), "groups": list(draft.groups)})
    if request.method == "POST":
        chosen = Draft(
            display_name=request.POST.get("display_name", "").strip() or draft.display_name,
            description=request.POST.get("description", ""),
            icon=request.POST.get("icon", ""),
            category=request.POST.get("category", ""),
            groups=tuple(request.POST.getlist("groups")),
        )
        try:
            revision = publishing.publish_flow(actor, flow, chosen)
        except (Invalid, Conflict) as error:
            form = typed(request, error)
        else:
            messages.success(request, _("“%(name)s” is published.") % {"name": revision.app.display_name})
            return redirect("app", tenant=tenant, uid=revision.app.uid)
    controls = _controls(actor, form)
    context = {
        "flow": flow,
        "controls": controls,
        "problems": summary(form, controls),
        "existing": publishing.apps_of(actor, flow),
        "crumbs": _flow_crumbs(tenant, flow.namespace, flow.flow_id),
    }
    return render(request, "apps_portal/publish.html", context, status=form.status)


def _controls(actor: Actor, form: Typed) -> list[dict[str, object]]:
    names = [group.name for group in groups.listed(actor)]
    chosen = form.values.get("groups") or []
    several = control(
        form,
        "groups",
        _("Who may use it"),
        "MULTISELECT",
        required=False,
        help_text=_("Nobody chosen: everyone who may run apps in this namespace."),
    )
    several["options"] = [{"value": name, "label": name, "selected": name in chosen} for name in names]
    icons = [("", _("The grid")), *((name, _(label)) for name, label in ICONS.items())]
    found = [
        control(form, "display_name", _("Name"), help_text=_("What people look for.")),
        control(form, "description", _("Description"), widget="textarea", required=False),
        control(form, "category", _("Category"), required=False),
        control(form, "icon", _("Icon"), "SELECT", required=False, options=icons),
    ]
    return [*found, several] if names else found


@door("app.create")
@require_http_methods(["GET", "HEAD", "POST"])
def app_new(request: HttpRequest, tenant: str) -> HttpResponse:
    """Write a new app as YAML."""
    actor = actor_of(request)
    source = request.POST.get("source", EMPTY)
    context = {"source": source, "saved": "", "app": None, "crumbs": _app_crumbs(tenant, _("New app"))}
    if request.method != "POST":
        return render(request, "apps_portal/app_edit.html", context)
    try:
        revision = publishing.publish(actor, source)
    except Invalid as error:
        return render(request, "apps_portal/app_edit.html", {**context, "problems": _listed(error)}, status=422)
    messages.success(request, _("“%(name)s” is published.") % {"name": revision.app.display_name})
    return redirect("app-edit", tenant=tenant, uid=revision.app.uid)


@door("app.update")
@require_http_methods(["GET", "HEAD", "POST"])
def app_edit(request: HttpRequest, tenant: str, uid: str) -> HttpResponse:
    """Show an app's YAML with its problems; a POST publishes it as the next revision."""
    actor = actor_of(request)
    app = app_for(actor, "app.update", uid)
    live = head_of(app)
    source = request.POST.get("source", live.source)
    context = {
        "source": source,
        "saved": live.source,
        "app": app,
        "revision": live,
        "may_end": bool(allowed(actor, "app.delete", app.namespace, app_id=app.pk)),
        "crumbs": _app_crumbs(tenant, app.display_name),
    }
    if request.method != "POST":
        return render(request, "apps_portal/app_edit.html", context)
    base = request.POST.get("revision", "")
    try:
        expected = int(base) if base.isdecimal() and len(base) < 9 else None
        revision = publishing.publish(actor, source, app=app, expected_revision=expected)
    except (Invalid, Conflict) as error:
        status = 422 if isinstance(error, Invalid) else 409
        return render(request, "apps_portal/app_edit.html", {**context, "problems": _listed(error)}, status=status)
    messages.success(request, _("Published as revision %(number)s.") % {"number": revision.number})
    return redirect("app-edit", tenant=tenant, uid=uid)


@door("app.create")
@require_POST
def app_check(request: HttpRequest, tenant: str) -> JsonResponse:  # noqa: ARG001 - the middleware has read it
    """Answer the problems of a text while it is written: {problems: [{line, column, message, mend, warning}]}."""
    found = publishing.problems(actor_of(request), request.POST.get("source", ""))
    return JsonResponse({"problems": [_problem(one) for one in found[:200]]})


@door("app.update")
@require_POST
def app_switch(request: HttpRequest, tenant: str, uid: str) -> HttpResponse:
    """Switch an app off or on."""
    actor = actor_of(request)
    app = app_for(actor, "app.update", uid)
    try:
        app = publishing.enable(actor, app) if app.disabled else publishing.disable(actor, app)
    except Conflict as error:
        messages.error(request, error.sentence)
    else:
        messages.success(request, _("The app is switched off.") if app.disabled else _("The app is switched on."))
    return redirect("app-edit", tenant=tenant, uid=uid)


@door("app.delete")
@require_POST
def app_unpublish(request: HttpRequest, tenant: str, uid: str) -> HttpResponse:
    """End an app; its requests stay."""
    actor = actor_of(request)
    publishing.unpublish(actor, app_for(actor, "app.delete", uid))
    messages.success(request, _("The app is gone; what was requested with it stays."))
    return redirect("catalog", tenant=tenant)


def _listed(error: Invalid | Conflict) -> list[dict[str, object]]:
    problems = getattr(error, "problems", ())
    return [_problem(one) for one in problems] or [{"line": 0, "message": error.sentence}]


def _problem(one: Problem) -> dict[str, object]:
    return {
        "line": one.line,
        "column": one.column,
        "message": said(one.message),
        "mend": said(one.mend),
        "warning": one.warning,
        "path": [str(part) for part in one.path],
    }


def _flow_crumbs(tenant: str, namespace: str, flow_id: str) -> list[dict[str, str]]:
    keys = {"tenant": tenant, "namespace": namespace, "flow_id": flow_id}
    flow_url = reverse("flow", kwargs=keys)
    flows_url = reverse("flows", kwargs={"tenant": tenant})
    return [{"label": _("Flows"), "url": flows_url}, {"label": flow_id, "url": flow_url}, {"label": _("Publish")}]


def _app_crumbs(tenant: str, name: str) -> list[dict[str, str]]:
    return [{"label": _("Apps"), "url": reverse("catalog", kwargs={"tenant": tenant})}, {"label": name}]
