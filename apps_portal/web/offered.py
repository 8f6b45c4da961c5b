"""Files that an app's page offers, for instance a sample to fill in."""

from django.http import FileResponse, HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from apps_portal import files
from apps_portal.access import app_for
from tenants.web.doors import door
from tenants.web.me import actor_of


@door("app.execute")
@require_safe
def offered_file(request: HttpRequest, tenant: str, uid: str, path: str) -> HttpResponseBase:  # noqa: ARG001
    """Hand out a file that the app's text links to."""
    actor = actor_of(request)
    found = files.open_offered(actor, app_for(actor, "app.execute", uid), path)
    response = FileResponse(found.stream, as_attachment=True, filename=found.name, content_type=found.content_type)
    response.headers["Content-Length"] = str(found.size)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
