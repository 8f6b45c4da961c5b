"""Flows for programs: create, read, update, check, search, revisions, graph, end."""

from typing import Any

from django.utils.translation import gettext as _
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from orchestrator import access, flows
from orchestrator.api import filters
from orchestrator.api.bodies import YAML_PARSERS, text_of
from orchestrator.api.shapes import flow_json, graph_json, head_json
from orchestrator.core.errors import DocumentInvalid
from orchestrator.core.flow_yaml import load_all, read
from orchestrator.core.graph import graph_of
from orchestrator.core.spec import Problem
from orchestrator.saying import said, spoken
from tenants.actor import Actor
from tenants.errors import Conflict, Invalid, NotFound
from tenants.web.doors import door

SORTS = {"id": "flow_id", "namespace": "namespace", "updated": "updated_at"}
FILTERS = {
    "q": filters.words("flow_id", "namespace", "description"),
    "namespace": filters.text("namespace"),
    "flowId": filters.text("flow_id"),
    "labels": filters.labels,
    "scope": filters.anything,
}


@door("flow.create")
class Flows(APIView):
    """`POST /flows`: make a flow from its YAML."""

    parser_classes = YAML_PARSERS

    def post(self, request: Request, tenant: str) -> Response:  # noqa: ARG002 - the middleware read it
        """Save the flow; one that exists already is a problem, not an update."""
        actor = actor_of(request)
        try:
            revision = flows.save(actor, text_of(request.data), expected_revision=0)
        except Conflict:
            raise Invalid.in_field("id", _("A flow with this id exists already.")) from None
        return Response(head_json(access.flow_for(actor, "flow.create", *flows.address_of(revision))))


@door("flow.view", PUT="flow.update", DELETE="flow.delete")
class OneFlow(APIView):
    """`/flows/{namespace}/{id}`: one flow."""

    parser_classes = YAML_PARSERS

    def get(self, request: Request, tenant: str, namespace: str, flow_id: str) -> Response:  # noqa: ARG002
        """Return the flow, its newest revision or `revision`, with its text where `source=true`."""
        ended = request.query_params.get("allowDeleted") == "true"
        flow = access.flow_for(actor_of(request), "flow.view", namespace, flow_id, ended=ended)
        revision = flows.revision(flow, number_of(request, "revision"))
        return Response(flow_json(flow, revision, source=request.query_params.get("source") == "true"))

    def put(self, request: Request, tenant: str, namespace: str, flow_id: str) -> Response:  # noqa: ARG002
        """Save the next revision; the text must be of this very flow."""
        actor = actor_of(request)
        access.flow_for(actor, "flow.update", namespace, flow_id)
        source = text_of(request.data)
        written = read(source).flow
        if written is not None and (written.namespace, written.id) != (namespace, flow_id):
            raise Invalid(message=_("The text is of another flow: its id or namespace differ from the address."))
        flows.save(actor, source)
        return Response(head_json(access.flow_for(actor, "flow.view", namespace, flow_id)))

    def delete(self, request: Request, tenant: str, namespace: str, flow_id: str) -> Response:  # noqa: ARG002
        """End the flow."""
        actor = actor_of(request)
        flows.delete(actor, access.flow_for(actor, "flow.delete", namespace, flow_id))
        return Response(status=204)


@door("flow.list")
class NamespaceFlows(APIView):
    """`GET /flows/{namespace}`: all flows of one namespace."""

    def get(self, request: Request, tenant: str, namespace: str) -> Response:  # noqa: ARG002
        """Return the flows, without the namespaces below."""
        rows = access.flows_visible_to(actor_of(request)).filter(namespace=namespace).order_by("flow_id")
        return Response([flow_json(*pair) for pair in access.with_heads(rows[: filters.COUNTED])])


@door("flow.list")
class FlowSearch(APIView):
    """`GET /flows/search`."""

    def get(self, request: Request, tenant: str) -> Response:  # noqa: ARG002
        """Return a page of flows that match the filters."""
        query = request.query_params
        page = filters.page_of(query)
        rows = access.flows_visible_to(actor_of(request)).filter(filters.condition_of(query, FILTERS))
        ordered = filters.sorted_by(rows, query, SORTS, ("namespace", "flow_id"))
        results = [flow_json(*pair) for pair in access.with_heads(ordered[page.rows])]
        return Response({"results": results, "total": filters.total_of(rows)})


@door("flow.list")
class FlowNamespaces(APIView):
    """`GET /flows/distinct-namespaces`."""

    def get(self, request: Request, tenant: str) -> Response:  # noqa: ARG002
        """Return the namespaces that have flows the caller may list."""
        rows = access.flows_visible_to(actor_of(request)).order_by("namespace").values_list("namespace", flat=True)
        return Response(list(rows.distinct()))


@door("flow.validate")
class FlowValidation(APIView):
    """`POST /flows/validate`: what is wrong with one or several texts."""

    parser_classes = (*YAML_PARSERS, MultiPartParser, FormParser)

    def post(self, request: Request, tenant: str) -> Response:  # noqa: ARG002
        """Return one entry for each document, with its problems and their lines."""
        actor = actor_of(request)
        data: object = request.data
        if isinstance(data, str):
            texts: list[tuple[str, str]] = [("", text) for text in _documents(data)]
        else:
            texts = [
                (part.name or "", part.read().decode("utf-8", errors="replace"))
                for name in request.FILES
                for part in request.FILES.getlist(name)
            ]
        if not texts:
            raise Invalid(message=_("Send at least one flow's YAML."))
        return Response([_checked(actor, index, *named) for index, named in enumerate(texts)])


@door("flow.view")
class Revisions(APIView):
    """`GET /flows/{namespace}/{id}/revisions`."""

    def get(self, request: Request, tenant: str, namespace: str, flow_id: str) -> Response:  # noqa: ARG002
        """Return every revision with its text, oldest first, as the field has it."""
        ended = request.query_params.get("allowDelete") == "true"
        flow = access.flow_for(actor_of(request), "flow.view", namespace, flow_id, ended=ended)
        found = access.revisions_of(flow).order_by("number")
        return Response([flow_json(flow, revision, source=True) for revision in found])


@door("flow.view")
class SavedGraph(APIView):
    """`GET /flows/{namespace}/{id}/graph`."""

    def get(self, request: Request, tenant: str, namespace: str, flow_id: str) -> Response:  # noqa: ARG002
        """Return the graph of the newest revision, or of `revision`."""
        flow = access.flow_for(actor_of(request), "flow.view", namespace, flow_id)
        revision = flows.revision(flow, number_of(request, "revision"))
        return Response(graph_json(graph_of(flows.spec_of(revision.pk))))


@door("flow.validate")
class TextGraph(APIView):
    """`POST /flows/graph`: the graph of a text that is not saved."""

    parser_classes = YAML_PARSERS

    def post(self, request: Request, tenant: str) -> Response:  # noqa: ARG002
        """Return the graph; raises Invalid where the text cannot be read."""
        parsed = read(text_of(request.data))
        errors = [problem for problem in parsed.problems if not problem.warning]
        if parsed.flow is None or errors:
            raise Invalid(spoken(errors))
        return Response(graph_json(graph_of(parsed.flow)))


def actor_of(request: Request) -> Actor:
    """Return who calls; the middleware has seen to it that there is somebody."""
    actor: Actor | None = request._request.actor  # type: ignore[attr-defined]  # noqa: SLF001 - set by our middleware
    if actor is None:
        raise NotFound
    return actor


def number_of(request: Request, name: str) -> int | None:
    """Read a whole number from the query; None when it is not there."""
    written = request.query_params.get(name)
    if not written:
        return None
    if not (written.isascii() and written.isdecimal() and len(written) < 9):
        raise Invalid.in_field(name, _("This must be a whole number."))
    return int(written)


def _documents(text: str) -> list[str]:
    """Split a body into its YAML documents; one that cannot be read stays whole, its problems say where."""
    parts = [part for part in f"\n{text}".split("\n---") if part.strip()]
    try:
        return parts if len(parts) > 1 and len(load_all(text)) == len(parts) else [text]
    except DocumentInvalid:
        return [text]


def _checked(actor: Actor, index: int, filename: str, text: str) -> dict[str, Any]:
    found = flows.problems(actor, text)
    spec = read(text).flow
    wrong = [problem for problem in found if not problem.warning]
    entry: dict[str, Any] = {
        "index": index,
        "outdated": False,
        "deprecationPaths": [],
        "warnings": [said(problem.message) for problem in found if problem.warning],
        "infos": [],
        "problems": [problem_json(problem) for problem in found],
    }
    if filename:
        entry["filename"] = filename
    if spec is not None:
        entry |= {"flow": spec.id, "namespace": spec.namespace}
    if wrong:
        entry["constraints"] = "\n".join(
            f"{problem.line}:{problem.column} {said(problem.message)}" for problem in wrong
        )
    return entry


def problem_json(problem: Problem) -> dict[str, Any]:
    """Return one problem with its place."""
    return {
        "message": said(problem.message),
        "line": problem.line,
        "column": problem.column,
        "path": ".".join(str(step) for step in problem.path),
        "mend": said(problem.mend),
        "level": "warning" if problem.warning else "error",
    }
