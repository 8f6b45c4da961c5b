"""Apps for programs: create from YAML, read, update, end, search, switch off and on, and the catalog."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps_portal import catalog, publishing
from apps_portal.access import app_for, apps_visible_to, head_of
from apps_portal.api.shapes import app_json, card_json
from orchestrator.api import filters
from orchestrator.api.bodies import YAML_PARSERS, text_of
from orchestrator.api.flows import actor_of, problem_json
from tenants.access import visible_to
from tenants.web.doors import door

SORTS = {"id": "app_id", "namespace": "namespace", "name": "display_name", "updated": "updated_at"}
FILTERS = {
    "q": filters.words("display_name", "description", "app_id"),
    "namespace": filters.text("namespace"),
    "flowId": filters.text("flow__flow_id"),
}


@door("app.create")
class Apps(APIView):
    """`POST /apps`: publish an app from its YAML."""

    parser_classes = YAML_PARSERS

    def post(self, request: Request, tenant: str) -> Response:  # noqa: ARG002 - the middleware read it
        """Publish the text as the app's next revision and return it."""
        revision = publishing.publish(actor_of(request), text_of(request.data))
        return Response(app_json(revision.app, revision.source))


@door("app.view", PUT="app.update", DELETE="app.delete")
class OneApp(APIView):
    """`/apps/{uid}`: one app."""

    parser_classes = YAML_PARSERS

    def get(self, request: Request, tenant: str, uid: str) -> Response:  # noqa: ARG002
        """Return the app with its live text."""
        app = app_for(actor_of(request), "app.view", uid)
        return Response(app_json(app, head_of(app).source))

    def put(self, request: Request, tenant: str, uid: str) -> Response:  # noqa: ARG002
        """Publish the next revision of this very app."""
        actor = actor_of(request)
        revision = publishing.publish(actor, text_of(request.data), app=app_for(actor, "app.update", uid))
        return Response(app_json(revision.app, revision.source))

    def delete(self, request: Request, tenant: str, uid: str) -> Response:  # noqa: ARG002
        """End the app; what was requested with it stays."""
        actor = actor_of(request)
        publishing.unpublish(actor, app_for(actor, "app.delete", uid))
        return Response(status=204)


@door("app.update")
class Enable(APIView):
    """`POST /apps/{uid}/enable`."""

    def post(self, request: Request, tenant: str, uid: str) -> Response:  # noqa: ARG002
        """Switch the app on."""
        actor = actor_of(request)
        return Response(app_json(publishing.enable(actor, app_for(actor, "app.update", uid))))


@door("app.update")
class Disable(APIView):
    """`POST /apps/{uid}/disable`."""

    def post(self, request: Request, tenant: str, uid: str) -> Response:  # noqa: ARG002
        """Switch the app off."""
        actor = actor_of(request)
        return Response(app_json(publishing.disable(actor, app_for(actor, "app.update", uid))))


@door("app.list")
class AppSearch(APIView):
    """`GET /apps/search`: the apps that the caller may list, switched off ones too."""

    def get(self, request: Request, tenant: str) -> Response:  # noqa: ARG002
        """Return a page of apps that match the filters."""
        actor, query = actor_of(request), request.query_params
        page = filters.page_of(query)
        listed = visible_to(actor, "app.list", starter_field=None)
        rows = apps_visible_to(actor).filter(listed).filter(filters.condition_of(query, FILTERS))
        ordered = filters.sorted_by(rows.select_related("flow"), query, SORTS, ("namespace", "app_id"))
        return Response({"results": [app_json(one) for one in ordered[page.rows]], "total": filters.total_of(rows)})


@door("member")
class Catalog(APIView):
    """`GET /apps/catalog`: the apps as people see them."""

    def get(self, request: Request, tenant: str) -> Response:  # noqa: ARG002
        """Return the cards of the caller's catalog."""
        query = request.query_params
        shelf = catalog.search(actor_of(request), query.get("q", "")[:150], tag=query.get("tags", "")[:60])
        return Response({"results": [card_json(card) for card in shelf.cards], "total": shelf.total})


@door("member")
class Tags(APIView):
    """`GET /apps/tags`."""

    def get(self, request: Request, tenant: str) -> Response:  # noqa: ARG002
        """Return the tags of the caller's catalog."""
        return Response(list(catalog.search(actor_of(request)).tags))


@door("app.create")
class AppValidation(APIView):
    """`POST /apps/validate`: what is wrong with a text."""

    parser_classes = YAML_PARSERS

    def post(self, request: Request, tenant: str) -> Response:  # noqa: ARG002
        """Return the problems with their places."""
        found: list[dict[str, Any]] = [
            problem_json(one) for one in publishing.problems(actor_of(request), text_of(request.data))
        ]
        return Response({"problems": found})
