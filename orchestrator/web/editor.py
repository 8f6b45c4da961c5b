"""A flow's text: the page on which it is written, and what the page asks while it is."""

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orchestrator import access, flow_schema, flows
from orchestrator.core.flow_yaml import read
from orchestrator.core.graph import graph_of
from orchestrator.core.spec import Problem
from orchestrator.saying import said
from orchestrator.web.diffs import side_by_side
from orchestrator.web.examples import EXAMPLES, example
from orchestrator.web.flows import crumbs, frame
from tenants.access import allowed
from tenants.errors import Conflict, Forbidden, Invalid
from tenants.web.doors import door
from tenants.web.me import actor_of

if TYPE_CHECKING:
    from orchestrator.models import Flow

LARGEST = 2 * 1024 * 1024  # characters; the guard behind it knows the real limit


@door("flow.create")
@require_http_methods(["GET", "HEAD", "POST"])
def new_flow(request: HttpRequest, tenant: str) -> HttpResponse:
    """Write a new flow, beginning with an example."""
    actor = actor_of(request)
    if not actor.grants.anywhere("flow.create"):
        raise Forbidden("flow.create")
    chosen = example(request.GET.get("example", ""))
    namespace = request.GET.get("namespace", "")[:150] or _home(request)
    source = chosen.in_namespace(namespace)
    context: dict[str, Any] = {
        "examples": EXAMPLES,
        "chosen": chosen.key,
        "saved": "",
        "source": source,
        "base": 0,
        "may_edit": True,
        "may_execute": actor.grants.anywhere("flow.execute"),
        "crumbs": [{"label": _("Flows"), "url": reverse("flows", args=[tenant])}, {"label": _("New flow")}],
    }
    if request.method == "POST":
        return _save(request, tenant, context)
    return render(request, "orchestrator/flow_edit.html", context)


@door("flow.view", POST="flow.update")
@require_http_methods(["GET", "HEAD", "POST"])
def edit_flow(request: HttpRequest, tenant: str, namespace: str, flow_id: str) -> HttpResponse:
    """Show a flow's text, and save what was changed in it; without the right to change it is there to read."""
    actor = actor_of(request)
    flow = access.flow_for(actor, "flow.update" if request.method == "POST" else "flow.view", namespace, flow_id)
    head = flows.head_of(flow)
    context = {
        **frame(actor, flow, tenant, "edit"),
        "saved": head.source,
        "source": head.source,
        "base": head.number,
        "may_edit": bool(allowed(actor, "flow.update", namespace)),
        "crumbs": crumbs(flow, tenant, _("Edit")),
    }
    if request.method == "POST":
        return _save(request, tenant, context, flow)
    return render(request, "orchestrator/flow_edit.html", context)


def _save(request: HttpRequest, tenant: str, context: dict[str, Any], flow: "Flow | None" = None) -> HttpResponse:
    """Save what was posted; what is refused comes back as it was typed, with the reason."""
    actor = actor_of(request)
    source = request.POST.get("source", "").replace("\r\n", "\n")[:LARGEST]
    base = request.POST.get("base", "")
    expected = int(base) if base.isdecimal() and len(base) < 9 else None
    context |= {"source": source, "base": base}
    written = read(source).flow
    if flow is not None and written is not None and (written.namespace, written.id) != (flow.namespace, flow.flow_id):
        moved = _("The text names another flow. To copy this one, save the text as a new flow.")
        return _refused(request, {**context, "refused": moved}, 422)
    try:
        revision = flows.save(actor, source, expected_revision=expected)
    except Invalid as error:
        return _refused(request, {**context, "problems": [problem_json(one) for one in error.problems]}, 422)
    except Forbidden as error:
        return _refused(request, {**context, "refused": error.sentence, "who": error.who_can_grant}, 403)
    except Conflict as error:
        return _conflict(request, context, error.sentence, flow)
    messages.success(request, _("Saved as revision %(number)s.") % {"number": revision.number})
    namespace, flow_id = flows.address_of(revision)
    return redirect("flow-edit", tenant=tenant, namespace=namespace, flow_id=flow_id)


def _conflict(request: HttpRequest, context: dict[str, Any], sentence: str, flow: "Flow | None") -> HttpResponse:
    """Show both texts; saving again from here is saving over the other one, knowingly."""
    context |= {"refused": sentence}
    if flow is not None:
        flow.refresh_from_db()
        head = flows.head_of(flow)
        context |= {
            "base": head.number,
            "saved": head.source,
            "theirs": head,
            "diff": side_by_side(head.source, context["source"]),
        }
    return _refused(request, context, 409)


def _refused(request: HttpRequest, context: dict[str, Any], status: int) -> HttpResponse:
    return render(request, "orchestrator/flow_edit.html", context, status=status)


@door("flow.validate")
@require_POST
def check(request: HttpRequest, tenant: str) -> JsonResponse:  # noqa: ARG001 - the middleware has read it
    """Answer the problems and the graph of a text that somebody is writing."""
    source = request.POST.get("source", "").replace("\r\n", "\n")[:LARGEST]
    found = flows.problems(actor_of(request), source)
    parsed = read(source).flow
    readable = parsed is not None and bool(parsed.tasks)
    answer = {
        "problems": [problem_json(problem) for problem in found],
        "graph": graph_of(parsed) if parsed is not None and readable else None,
    }
    return JsonResponse(answer)


@door("member")
@require_safe
def schema(request: HttpRequest, tenant: str) -> JsonResponse:  # noqa: ARG001
    """Answer the JSON Schema of flows: the same for everybody, until the next release."""
    answer = JsonResponse(flow_schema.flow_schema())
    answer.headers["Cache-Control"] = "private, max-age=300"
    return answer


def problem_json(problem: Any) -> dict[str, Any]:  # noqa: ANN401 - a Problem of the core, or a field's
    """Return a problem as the editor takes it."""
    known = isinstance(problem, Problem)
    return {
        "message": said(problem.message),
        "mend": said(problem.mend) if known else "",
        "line": problem.line if known else 1,
        "column": problem.column if known else 1,
        "warning": known and problem.warning,
    }


def _home(request: HttpRequest) -> str:
    """Return a namespace in which this person may make flows, if one is plain from their rights."""
    places = sorted(place for place in actor_of(request).grants.reach("flow.create").places if place)
    return places[0] if places else ""
