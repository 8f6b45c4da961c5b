"""Log lines for programs."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from orchestrator import access, changes
from orchestrator.access import Part
from orchestrator.api.flows import actor_of
from orchestrator.api.shapes import line_json
from orchestrator.changes import Line
from orchestrator.downloads import text_download
from tenants.actor import Actor
from tenants.errors import Invalid, NotFound
from tenants.web.doors import door

LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR")
MOST_LINES = 20_000


@door("execution.access_logs")
class Logs(APIView):
    """`GET /logs/{executionId}`."""

    def get(self, request: Request, tenant: str, execution_id: str) -> Response:  # noqa: ARG002
        """Return the log lines, at most 20,000; narrowed by minLevel, taskId, taskRunId and attempt."""
        actor = actor_of(request)
        execution = access.execution_for(actor, "execution.view", execution_id)
        if not access.may_see(actor, execution, Part.LOGS):
            access.execution_for(actor, "execution.access_logs", execution_id)
            raise NotFound
        wanted = _wanted(request)
        found = []
        for line in changes.all_lines(execution.tenant_id, execution.id):
            if wanted(line):
                found.append(line_json(execution, line))
                if len(found) >= MOST_LINES:
                    break
        return Response(found)


@require_safe
@door("execution.access_logs")
def download(request: HttpRequest, tenant: str, execution_id: str) -> HttpResponse:  # noqa: ARG001
    """Send all log lines as one text file."""
    actor: Actor | None = request.actor  # type: ignore[attr-defined]  # set by our middleware
    if actor is None:
        raise NotFound
    execution = access.execution_to_follow(actor, execution_id)
    if not access.may_see(actor, execution, Part.LOGS):
        raise NotFound
    return text_download(execution.id, changes.all_lines(execution.tenant_id, execution.id))


def _wanted(request: Request) -> "_Filter":
    query = request.query_params
    least = query.get("minLevel") or query.get("filters[level][EQUALS]") or "TRACE"
    if least not in LEVELS:
        raise Invalid.in_field("minLevel", _("There is no level %(name)s.") % {"name": least[:20]})
    return _Filter(LEVELS.index(least), query.get("taskId"), query.get("taskRunId"), query.get("attempt"))


class _Filter:
    def __init__(self, least: int, task: str | None, task_run: str | None, attempt: str | None) -> None:
        self._least, self._task, self._task_run, self._attempt = least, task, task_run, attempt

    def __call__(self, line: Line) -> bool:
        return (
            (line.level not in LEVELS or LEVELS.index(line.level) >= self._least)
            and self._task in {None, line.task_id}
            and self._task_run in {None, line.task_run_id}
            and self._attempt in {None, str(line.attempt)}
        )
