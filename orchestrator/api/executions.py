"""Executions for programs: start one with inputs and files, read, search, and what can be asked of a running one."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from orchestrator import access, executions, flow_inputs, flows
from orchestrator.api import filters
from orchestrator.api.flows import actor_of, number_of
from orchestrator.api.shapes import execution_json, flow_json, graph_json, light_execution_json
from orchestrator.core.errors import InputInvalid
from orchestrator.core.graph import graph_of
from orchestrator.flow_inputs import Upload
from orchestrator.saying import as_invalid
from tenants.actor import Actor
from tenants.errors import Invalid
from tenants.web.doors import door

if TYPE_CHECKING:
    from orchestrator.models import Execution

SORTS = {
    "id": "id",
    "namespace": "namespace",
    "flowId": "flow__flow_id",
    "state.current": "state",
    "state.startDate": "created_at",
    "state.endDate": "ended_at",
}
FILTERS = {
    "q": filters.words("id", "flow__flow_id", "namespace"),
    "namespace": filters.text("namespace"),
    "flowId": filters.text("flow__flow_id"),
    "state": filters.state,
    "labels": filters.labels,
    "startDate": filters.moment("created_at", "gte"),
    "endDate": filters.moment("created_at", "lte"),
    "timeRange": filters.within("created_at"),
    "scope": filters.anything,
    "childFilter": filters.anything,
    "kind": filters.anything,
}
BODIES = (MultiPartParser, FormParser, JSONParser)


@door("flow.execute")
class NewExecution(APIView):
    """`POST /executions/{namespace}/{id}`: start a flow; one part of the form for each input, files as files."""

    parser_classes = BODIES

    def post(self, request: Request, tenant: str, namespace: str, flow_id: str) -> Response:
        """Start the newest revision, or `revision`, with `labels=key:value`."""
        actor = actor_of(request)
        flow = access.flow_for(actor, "flow.execute", namespace, flow_id)
        if request.query_params.get("wait") == "true":
            raise Invalid.in_field("wait", _("Waiting is not offered; follow the execution instead."))
        revision = flows.revision(flow, number_of(request, "revision"))
        spec = flows.spec_of(revision.pk)
        raw, uploads = inputs_in(request)
        given = flow_inputs.take(actor, spec, raw, uploads)
        started = executions.start(
            actor,
            revision,
            given.values,
            cause=executions.Cause(kind="api"),
            labels=labels_in(request.query_params.getlist("labels")),
            sensitive=(),
            execution_id=given.execution_id,
            files=given.files,
        )
        return Response(whole_json(actor, access.execution_to_follow(actor, started.pk), tenant))


@door("flow.execute")
class InputCheck(APIView):
    """`POST /executions/{namespace}/{id}/validate`: are these inputs accepted?"""

    parser_classes = BODIES

    def post(self, request: Request, tenant: str, namespace: str, flow_id: str) -> Response:  # noqa: ARG002
        """Return the flow's inputs with what is wrong in each; nothing is started or stored."""
        actor = actor_of(request)
        flow = access.flow_for(actor, "flow.execute", namespace, flow_id)
        spec = flows.spec_of(flows.revision(flow).pk)
        raw, uploads = inputs_in(request)
        problems = flow_inputs.problems(actor, spec, raw, uploads)
        return Response(
            {
                "id": flow_id,
                "namespace": namespace,
                "inputs": [
                    {
                        "input": {"id": one.id, "type": one.type, "required": one.required},
                        "errors": [{"message": text} for text in problems.get(one.id, ())],
                    }
                    for one in spec.inputs
                ],
            }
        )


@door("execution.view")
class OneExecution(APIView):
    """`GET /executions/{id}`."""

    def get(self, request: Request, tenant: str, execution_id: str) -> Response:
        """Return the execution with its task runs, and of its values what the caller may see."""
        actor = actor_of(request)
        return Response(whole_json(actor, access.execution_for(actor, "execution.view", execution_id), tenant))


@door("execution.view")
class ExecutionFlow(APIView):
    """`GET /executions/{id}/flow`: the flow as it was when this started."""

    def get(self, request: Request, tenant: str, execution_id: str) -> Response:  # noqa: ARG002
        """Return the pinned revision."""
        execution = access.execution_for(actor_of(request), "execution.view", execution_id)
        return Response(flow_json(execution.flow, execution.revision))


@door("execution.view")
class ExecutionGraph(APIView):
    """`GET /executions/{id}/graph`."""

    def get(self, request: Request, tenant: str, execution_id: str) -> Response:  # noqa: ARG002
        """Return the graph of the pinned revision."""
        execution = access.execution_for(actor_of(request), "execution.view", execution_id)
        return Response(graph_json(graph_of(flows.spec_of(execution.revision_id))))


@door("execution.list")
class ExecutionSearch(APIView):
    """`GET /executions/search`."""

    def get(self, request: Request, tenant: str) -> Response:
        """Return a page of executions that match the filters, newest first; the total stops at 10,000."""
        query = request.query_params
        page = filters.page_of(query)
        rows = access.executions_visible_to(actor_of(request)).filter(filters.condition_of(query, FILTERS))
        ordered = filters.sorted_by(rows, query, SORTS, ("-created_at",)).select_related("flow", "revision")
        results = [light_execution_json(one, tenant) for one in ordered.defer("revision__source")[page.rows]]
        return Response({"results": results, "total": filters.total_of(rows)})


@door("execution.list")
class FlowExecutions(APIView):
    """`GET /executions?namespace=&flowId=`."""

    def get(self, request: Request, tenant: str) -> Response:
        """Return a page of one flow's executions, newest first."""
        query = request.query_params
        page = filters.page_of(query)
        wanted = {"namespace": query.get("namespace", ""), "flow__flow_id": query.get("flowId", "")}
        rows = access.executions_visible_to(actor_of(request)).filter(**wanted)
        ordered = rows.order_by("-created_at", "pk").select_related("flow", "revision").defer("revision__source")
        results = [light_execution_json(one, tenant) for one in ordered[page.rows]]
        return Response({"results": results, "total": filters.total_of(rows)})


@door("execution.kill")
class Kill(APIView):
    """`DELETE /executions/{id}/actions/kill` (and the older `/kill`)."""

    def delete(self, request: Request, tenant: str, execution_id: str) -> Response:
        """Stop the execution for good; 409 when it has ended."""
        actor = actor_of(request)
        executions.kill(actor, access.execution_for(actor, "execution.kill", execution_id))
        return Response(whole_json(actor, access.execution_to_follow(actor, execution_id), tenant))


@door("execution.resume")
class Resume(APIView):
    """`POST /executions/{id}/actions/resume` (and the older `/resume`)."""

    parser_classes = BODIES

    def post(self, request: Request, tenant: str, execution_id: str) -> Response:
        """Let a paused execution go on with the inputs of its pause; 409 when it is not paused."""
        actor = actor_of(request)
        execution = access.execution_for(actor, "execution.resume", execution_id)
        raw, _uploads = inputs_in(request)
        try:
            executions.resume(actor, execution, raw)
        except InputInvalid as refused:
            raise as_invalid(refused) from None
        return Response(whole_json(actor, access.execution_to_follow(actor, execution_id), tenant))


def whole_json(actor: Actor, execution: "Execution", tenant: str) -> dict[str, Any]:
    """Return an execution as `actor` may see it."""
    seen = access.seen_parts(actor, execution)
    spec = flows.spec_of(execution.revision_id)
    inputs = access.inputs_shown(actor, execution, spec.inputs)
    return execution_json(execution, tenant, seen, inputs, list(access.task_runs_of(execution)))


def inputs_in(request: Request) -> tuple[dict[str, object], dict[str, Upload]]:
    """Return the values and files of a request: form parts by input id, or a JSON object.

    A file may also come in a part called `files` with the input's id as its file name, as some clients send it.
    """
    data: Any = request.data
    if isinstance(data, Mapping) and not hasattr(data, "getlist"):
        return {str(key): value for key, value in data.items()}, {}
    if not hasattr(data, "getlist"):
        raise Invalid(message=_("Send the inputs as a form or as one JSON object."))
    raw: dict[str, object] = {}
    for name in data:
        values: Sequence[object] = [value for value in data.getlist(name) if not isinstance(value, UploadedFile)]
        if values:
            raw[name] = values if len(values) > 1 else values[0]
    uploads: dict[str, Upload] = {}
    for name in request.FILES:
        for part in request.FILES.getlist(name):
            uploads[(part.name or name) if name == "files" else name] = Upload(part.name or name, part.size or 0, part)
    return raw, uploads


def labels_in(written: Sequence[str]) -> dict[str, str]:
    """Read `key:value` labels; raises Invalid."""
    found: dict[str, str] = {}
    for text in written:
        key, colon, value = text.partition(":")
        if not (colon and key.strip() and value.strip()) or key.startswith("system."):
            raise Invalid.in_field("labels", _("%(text)s is not a label such as team:finance.") % {"text": text[:80]})
        found[key.strip()] = value.strip()
    return found
