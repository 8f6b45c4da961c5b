"""The form that runs a flow directly, for engineers: its inputs, as every form of the product draws them."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from orchestrator import access, executions, flow_inputs, flows
from orchestrator.access import Part
from orchestrator.core.expressions import AT, ZONE
from orchestrator.core.inputs import Unfit, bind, options_of, raw_from_form, start_value
from orchestrator.core.spec import FlowSpec, InputSpec
from orchestrator.flow_inputs import Renderer, Upload
from orchestrator.saying import said
from orchestrator.web.flows import crumbs, frame
from tenants.actor import Actor
from tenants.errors import Conflict, Invalid, NotFound, TooLarge
from tenants.web.doors import door
from tenants.web.me import actor_of


@door("flow.execute")
@require_http_methods(["GET", "HEAD", "POST"])
def run_flow(request: HttpRequest, tenant: str, namespace: str, flow_id: str) -> HttpResponse:
    """Show the form of a flow's inputs, and start the flow with what was filled in."""
    actor = actor_of(request)
    flow = access.flow_for(actor, "flow.execute", namespace, flow_id)
    revision = flows.head_of(flow)
    spec = flows.spec_of(revision.pk)
    problems: dict[str, list[str]] = {}
    raw: dict[str, object] = _earlier(actor, request.GET.get("from", ""))
    if request.method == "POST":
        raw = _raw(request, spec)
        try:
            given = flow_inputs.take(actor, spec, raw, _uploads(request))
            started = executions.start(
                actor,
                revision,
                given.values,
                cause=executions.Cause(kind="flow"),
                execution_id=given.execution_id,
                files=given.files,
            )
        except Invalid as refused:
            for problem in refused.problems:
                path = getattr(problem, "path", ())
                problems.setdefault(str(path[0]) if path else "", []).append(problem.message)
        except (Conflict, TooLarge) as refused:
            problems[""] = [refused.sentence]
        else:
            return redirect("execution", tenant=tenant, execution_id=started.pk)
    context = {
        **frame(actor, flow, tenant, ""),
        "fields": fields_of(actor, spec, raw, problems),
        "problems": [
            {"id": f"input-{name}" if name else "", "label": _label(spec, name), "message": text}
            for name, texts in problems.items()
            for text in texts
        ],
        "spec": spec,
        "revision": revision,
        "crumbs": crumbs(flow, tenant, _("Run")),
    }
    return render(request, "orchestrator/flow_run.html", context, status=422 if problems else 200)


@door("flow.execute")
@require_POST
def form_state(request: HttpRequest, tenant: str, namespace: str, flow_id: str) -> HttpResponse:  # noqa: ARG001
    """Answer the fields anew for what is filled in so far: which apply, and what they offer."""
    actor = actor_of(request)
    flow = access.flow_for(actor, "flow.execute", namespace, flow_id)
    spec = flows.spec_of(flows.head_of(flow).pk)
    fields = fields_of(actor, spec, _raw(request, spec), {})
    return render(request, "orchestrator/flow_run_fields.html", {"fields": fields})


def fields_of(
    actor: Actor,
    spec: FlowSpec,
    raw: Mapping[str, object],
    problems: Mapping[str, list[str]],
) -> list[dict[str, Any]]:
    """Return the fields of a flow's inputs as components/field.html takes them, with what was given so far."""
    at = timezone.now()
    render_text = Renderer(spec, at)
    bound = bind(spec.inputs, raw, at=at, zone=actor.zone, render=render_text)
    scope = {"inputs": bound.values, AT: at, ZONE: actor.zone}
    return [
        {
            **_field(one, raw, render_text, scope),
            "hidden": one.id in bound.absent,
            "error": " ".join(problems.get(one.id, ())),
            "zone": actor.zone,
        }
        for one in spec.inputs
    ]


def plain_fields(specs: Sequence[InputSpec], actor: Actor) -> list[dict[str, Any]]:
    """Return the fields of a small form that stands on its own: the one of a pause."""
    spec = FlowSpec(id="", namespace="", tasks=(), inputs=tuple(specs))
    return fields_of(actor, spec, {}, {})


def _field(
    one: InputSpec, raw: Mapping[str, object], render_text: Renderer, scope: Mapping[str, object]
) -> dict[str, Any]:
    given = _given(raw, one.id)
    value = given if given is not None else start_value(one, render_text, scope)
    field: dict[str, Any] = {
        "id": f"input-{one.id}",
        "name": one.id,
        "type": one.type,
        "label": one.display_name or one.id,
        "help": one.description,
        "required": one.required and one.defaults is None,
        "value": None if one.type in {"SECRET", "FILE"} else value,
        "accept": ",".join(one.extensions),
        "max_size": one.max_size,
        "custom": one.allow_custom_value,
    }
    if one.type in {"SELECT", "MULTISELECT"}:
        try:
            offered = options_of(one, render_text, scope)
        except Unfit as unfit:
            return {**field, "help": said(unfit.sentence)}
        chosen = {str(item) for item in value} if isinstance(value, list | tuple) else {str(value)}
        field["options"] = [
            {"value": item.value, "label": item.label, "help": item.help, "selected": item.value in chosen}
            for item in offered
        ]
        field["widget"] = "radio" if one.radio else ""
    return field


def _given(raw: Mapping[str, object], name: str) -> object:
    """Return what was given for an input, by its dotted id or nested."""
    if name in raw:
        return raw[name]
    head, dot, rest = name.partition(".")
    inside = raw.get(head)
    return _given(inside, rest) if dot and isinstance(inside, Mapping) else None


def _raw(request: HttpRequest, spec: FlowSpec) -> dict[str, object]:
    posted = {name: request.POST.getlist(name) for name in request.POST}
    shown = [one.id for one in spec.inputs if one.id in posted or one.type in {"BOOL", "MULTISELECT"}]
    return raw_from_form(spec.inputs, posted, shown)


def _uploads(request: HttpRequest) -> dict[str, Upload]:
    return {
        name: Upload(part.name or name, part.size or 0, part)  # type: ignore[arg-type]  # read as a file is
        for name, part in request.FILES.items()
        if not isinstance(part, list)
    }


def _earlier(actor: Actor, execution_id: str) -> dict[str, object]:
    """Return the inputs of an earlier run, as far as this person may see them, to begin with."""
    if not execution_id:
        return {}
    try:
        earlier = access.execution_for(actor, "execution.view", execution_id)
    except NotFound:
        return {}
    if not access.may_see(actor, earlier, Part.INPUTS):
        return {}
    specs = flows.spec_of(earlier.revision_id).inputs
    shown = access.inputs_shown(actor, earlier, specs)
    return {name: value for name, value in shown.items() if value != access.MASK}


def _label(spec: FlowSpec, name: str) -> str:
    return next((one.display_name or one.id for one in spec.inputs if one.id == name), "")
