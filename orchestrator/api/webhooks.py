"""Calls from outside: the key in the address is all the right that is needed."""

from datetime import UTC, datetime

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.http.request import RawPostDataException
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from orchestrator.core.states import State
from orchestrator.revisions import revision_of
from orchestrator.triggers.webhook import BODY_LIMIT, Call, receive
from tenants.errors import TooLarge
from tenants.web.doors import door


@method_decorator(csrf_exempt, name="dispatch")
@door("public")
class Webhook(View):
    """`/executions/webhook/{namespace}/{flow}/{key}`."""

    http_method_names = ["get", "post", "put"]

    def get(self, request: HttpRequest, tenant: str, namespace: str, flow_id: str, key: str) -> JsonResponse:
        """Start an execution; the same delivery again answers with the first one."""
        tenant_id: int = request.tenant_id  # type: ignore[attr-defined]  # set by our middleware
        fired = receive(tenant_id, namespace, flow_id, key, _call(request))
        revision = revision_of(fired.revision_pk)
        body = {
            "tenantId": tenant,
            "id": fired.execution_id,
            "executionId": fired.execution_id,
            "namespace": namespace,
            "flowId": flow_id,
            "flowRevision": revision.number,
            "first": fired.first,
            "url": f"{settings.PUBLIC_URL}/ui/{tenant}/executions/{fired.execution_id}",
        }
        if fired.first:
            at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
            body["state"] = {
                "current": State.CREATED,
                "histories": [{"state": State.CREATED, "date": at}],
                "startDate": at,
            }
        return JsonResponse(body)

    post = get
    put = get


def _call(request: HttpRequest) -> Call:
    announced = request.headers.get("Content-Length", "")
    if announced.isdecimal() and int(announced) > BODY_LIMIT:
        raise TooLarge(_("A webhook's body may have at most %(limit)s bytes.") % {"limit": BODY_LIMIT})
    try:
        body = request.body
    except RawPostDataException:
        body = b""
    return Call(
        method=request.method or "GET",
        body=body,
        headers=tuple(request.headers.items()),
        parameters=dict(request.GET.lists()),
    )
