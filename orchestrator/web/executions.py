"""Executions: the list, and the page of one with what it loads and what can be asked of it."""

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from orchestrator import access, changes, downloads, executions
from orchestrator.access import Part
from orchestrator.changes import Lines
from orchestrator.core.errors import InputInvalid
from orchestrator.core.inputs import raw_from_form
from orchestrator.core.states import LOOKS, State
from orchestrator.saying import as_invalid
from orchestrator.web import lists
from orchestrator.web.run_page import (
    NO_SCRIPT_LINES,
    RunView,
    details_of,
    first_json,
    line_json,
    rows_json,
    tree,
    view_of,
)
from orchestrator.web.start_form import plain_fields
from tenants.access import allowed
from tenants.actor import Actor
from tenants.errors import Conflict, Forbidden, Invalid, NotFound
from tenants.tenancy import in_tenant
from tenants.web.doors import door
from tenants.web.me import actor_of

if TYPE_CHECKING:
    from orchestrator.models import Execution

PARTS = {
    "run-head": "orchestrator/run_head.html",
    "run-values": "orchestrator/run_values.html",
    "run-dialogs": "orchestrator/run_dialogs.html",
}
FILTERS = ("q", "state", "namespace", "flow", "since", "by")


@door("execution.list")
@require_safe
def execution_list(request: HttpRequest, tenant: str) -> HttpResponse:  # noqa: ARG001 - the middleware has read it
    """List the executions one may see, newest first, narrowed by filters that live in the address."""
    actor = actor_of(request)
    if not actor.grants.anywhere("execution.list"):
        raise Forbidden("execution.list")
    asked = lists.asked_in(request.GET, FILTERS)
    names = (_("Text"), _("State"), _("Namespace"), _("Flow"), _("Last hours"), _("Started by"))
    context = {
        "page": lists.newest_first(access.executions_found(actor, asked), asked, request.GET.get("after", "")),
        "asked": asked,
        "states": [(state.value, _(LOOKS[state].label)) for state in State],
        "spans": [("1", _("Last hour")), ("24", _("Last day")), ("168", _("Last week")), ("720", _("Last month"))],
        "namespaces": access.namespaces_of_flows(actor),
        "chips": lists.chips(asked, dict(zip(FILTERS, names, strict=True))),
        "crumbs": [{"label": _("Executions")}],
    }
    return render(request, "orchestrator/executions.html", context)


@door("execution.view")
@require_safe
def execution_page(request: HttpRequest, tenant: str, execution_id: str) -> HttpResponse:
    """Show one execution: timeline, graph, logs, values, and what went wrong."""
    actor = actor_of(request)
    execution = access.execution_for(actor, "execution.view", execution_id)
    view = view_of(actor, execution)
    data = first_json(actor, view)
    context = {
        **_context(actor, view),
        "data": data,
        "lines": data["logs"][-NO_SCRIPT_LINES:],
        "selected": details_of(view, request.GET.get("run", "")),
        "live_url": f"/ws/{tenant}/executions/{execution.id}",
        "changes_url": reverse("execution-changes", args=[tenant, execution.id]),
        "crumbs": _crumbs(actor, execution, tenant),
    }
    return render(request, "orchestrator/execution.html", context)


@door("execution.view")
@require_safe
def changes_page(request: HttpRequest, tenant: str, execution_id: str) -> JsonResponse:  # noqa: ARG001
    """Answer what is new since `?since=` (a version) and `?logs=` (the lines read so far)."""
    actor = actor_of(request)
    execution = access.execution_for(actor, "execution.view", execution_id)
    since = request.GET.get("since", "")
    version = int(since) if since.isascii() and since.isdecimal() and len(since) < 18 else -1
    found = changes.changes_since(actor, execution, version, Lines.from_text(request.GET.get("logs", "")))
    answer: dict[str, Any] = {
        "version": found.version,
        "final": found.final and not found.more,
        "now": timezone.now().isoformat(),
        "state": execution.state,
        "logs": [line_json(line) for line in found.lines],
        "cursor": found.cursor.to_text(),
        "more": found.more,
    }
    if found.runs is not None:
        view = view_of(actor, execution, found.runs)
        context = _context(actor, view)
        answer["runs"] = rows_json(view.spec, view.runs)
        answer["html"] = {part: render_to_string(template, context, request) for part, template in PARTS.items()}
    response = JsonResponse(answer)
    response.headers["Cache-Control"] = "no-store"
    return response


@door("execution.view")
@require_safe
def details(request: HttpRequest, tenant: str, execution_id: str, task_run_id: str) -> HttpResponse:  # noqa: ARG001
    """Answer what the rail shows of one task run: attempts, times, outputs, the error with its cause."""
    actor = actor_of(request)
    view = view_of(actor, access.execution_for(actor, "execution.view", execution_id))
    selected = details_of(view, task_run_id)
    if selected is None:
        raise NotFound
    return render(request, "orchestrator/run_details.html", {**_context(actor, view), "selected": selected})


@door("execution.access_logs")
@require_safe
def log_lines(request: HttpRequest, tenant: str, execution_id: str) -> JsonResponse:  # noqa: ARG001
    """Answer the lines behind a cursor, for who reads a long log piece by piece."""
    actor = actor_of(request)
    execution = _with_logs(actor, execution_id)
    found = changes.changes_since(actor, execution, execution.version, Lines.from_text(request.GET.get("logs", "")))
    lines = [line_json(line) for line in found.lines]
    return JsonResponse({"logs": lines, "cursor": found.cursor.to_text(), "more": found.more})


@door("execution.access_logs")
@require_safe
def log_file(request: HttpRequest, tenant: str, execution_id: str) -> HttpResponse:  # noqa: ARG001
    """Send all lines as a text file."""
    execution = _with_logs(actor_of(request), execution_id)
    return downloads.text_download(execution.id, changes.all_lines(execution.tenant_id, execution.id))


@door("execution.access_files", stream=True)
@require_safe
def file(request: HttpRequest, tenant: str, execution_id: str) -> StreamingHttpResponse:  # noqa: ARG001
    """Send a file of the execution, named by its address in `?path=`."""
    actor = actor_of(request)
    with in_tenant(actor.tenant_id):
        execution = access.execution_to_follow(actor, execution_id)
        artifact = access.artifact_for(actor, execution, request.GET.get("path", ""))
    return downloads.download(actor.tenant_id, artifact)


@door("execution.kill")
@require_POST
def kill(request: HttpRequest, tenant: str, execution_id: str) -> HttpResponse:
    """Stop an execution for good."""
    actor = actor_of(request)
    execution = access.execution_for(actor, "execution.kill", execution_id)
    try:
        executions.kill(actor, execution)
    except Conflict as error:
        messages.warning(request, error.sentence)
    else:
        messages.success(request, _("The execution is being stopped."))
    return redirect("execution", tenant=tenant, execution_id=execution_id)


@door("execution.resume")
@require_POST
def resume(request: HttpRequest, tenant: str, execution_id: str) -> HttpResponse:
    """Let a paused execution go on, with what its pause asks for."""
    actor = actor_of(request)
    execution = access.execution_for(actor, "execution.resume", execution_id)
    pause = executions.paused_at(execution)
    specs = [] if pause is None else executions.resume_inputs(pause, execution)
    posted = {name: request.POST.getlist(name) for name in request.POST}
    raw = raw_from_form(specs, posted, [one.id for one in specs])
    try:
        executions.resume(actor, execution, raw)
    except InputInvalid as refused:
        wrong: Invalid = as_invalid(refused)
        messages.error(request, wrong.sentence)
    except Conflict as error:
        messages.warning(request, error.sentence)
    else:
        messages.success(request, _("The execution goes on."))
    return redirect("execution", tenant=tenant, execution_id=execution_id)


def _context(actor: Actor, view: RunView) -> dict[str, Any]:
    execution = view.execution
    pause_specs = executions.resume_inputs(view.pause, execution) if view.pause is not None else []
    return {
        "view": view,
        "execution": execution,
        "inputs": tree(view.inputs),
        "outputs": tree(execution.outputs or {}) if Part.OUTPUTS in view.seen else None,
        "sees": {part.value: part in view.seen for part in Part},
        "resume_fields": plain_fields(pause_specs, actor) if view.may_resume else [],
        "labels": [(name, value) for name, value in execution.labels.items() if not name.startswith("system.")],
        "may_see_flow": execution.flow.deleted_at is None and bool(allowed(actor, "flow.view", execution.namespace)),
    }


def _crumbs(actor: Actor, execution: "Execution", tenant: str) -> list[dict[str, str]]:
    flow = execution.flow
    runs = f"{reverse('executions', args=[tenant])}{lists.address({'flow': str(flow)})}"
    shown = flow.deleted_at is None and allowed(actor, "flow.view", flow.namespace)
    return [
        {"label": _("Executions"), "url": reverse("executions", args=[tenant])},
        {"label": str(flow), "url": reverse("flow", args=[tenant, flow.namespace, flow.flow_id]) if shown else runs},
        {"label": execution.id},
    ]


def _with_logs(actor: Actor, execution_id: str) -> "Execution":
    execution = access.execution_for(actor, "execution.view", execution_id)
    if not access.may_see(actor, execution, Part.LOGS):
        access.execution_for(actor, "execution.access_logs", execution_id)
        raise NotFound
    return execution
