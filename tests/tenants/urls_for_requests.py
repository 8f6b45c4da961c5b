"""The room's addresses and a few that misbehave in every way a view can."""

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import include, path
from django.utils import timezone, translation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants import errors
from tenants.models import Namespace
from tenants.tenancy import in_tenant
from tenants.web.doors import door

handler404 = "tenants.web.errors.not_found"
handler500 = "tenants.web.errors.broken"


def _write(request: HttpRequest) -> None:
    Namespace.across_tenants.create(tenant_id=request.actor.tenant_id, path="half.done")


RAISED = {
    "conflict": errors.Conflict("changed"),
    "invalid": errors.Invalid.in_field("name", "too short"),
    "too-large": errors.TooLarge("too large"),
    "unavailable": errors.Unavailable(),
    "not-found": errors.NotFound(),
    "forbidden": errors.Forbidden("flow.update", ["Admin"]),
    "fault": ZeroDivisionError("secret detail"),
}


@door("member")
def raising(request: HttpRequest, tenant: str, kind: str) -> HttpResponse:
    _write(request)
    raise RAISED[kind]


@door("member")
def says(request: HttpRequest, tenant: str) -> HttpResponse:
    zone = timezone.get_current_timezone_name()
    return HttpResponse(f"{request.actor.name} {translation.get_language()} {zone} {Namespace.across_tenants.count()}")


def undeclared(request: HttpRequest, tenant: str) -> HttpResponse:
    return HttpResponse("open to all")


@door("public")
def public(request: HttpRequest, tenant: str) -> HttpResponse:
    return HttpResponse(f"{Namespace.across_tenants.count()} {request.actor.name if request.actor else 'stranger'}")


@door("member", stream=True)
def streaming(request: HttpRequest, tenant: str) -> StreamingHttpResponse:
    def lines():
        with in_tenant(request.actor.tenant_id):
            yield f"{Namespace.across_tenants.count()}"

    assert not _in_transaction_of(request)
    return StreamingHttpResponse(lines())


def _in_transaction_of(request: HttpRequest) -> bool:
    return Namespace.across_tenants.exists()  # nothing is seen by web without a tenant


@door("member", POST="flow.create")
class Api(APIView):
    def get(self, request: Request, tenant: str) -> Response:
        return Response({"name": request._request.actor.name})

    def post(self, request: Request, tenant: str) -> Response:
        _write(request._request)
        if request.data.get("kind"):
            raise RAISED[request.data["kind"]]
        return Response({})


class UndeclaredApi(APIView):
    def get(self, request: Request) -> Response:
        return Response({})


urlpatterns = [
    path("ui/<str:tenant>/raising/<str:kind>", raising),
    path("ui/<str:tenant>/says", says),
    path("ui/<str:tenant>/undeclared", undeclared),
    path("p/<str:tenant>/public", public),
    path("ui/<str:tenant>/streaming", streaming),
    path("api/v1/<str:tenant>/thing", Api.as_view()),
    path("api/v1/undeclared", UndeclaredApi.as_view()),
    path("", include("tenants.web.urls")),
    path("api/v1/", include("tenants.api.urls")),
]
