"""Who calls the API, and whether the endpoint has said what right it is about."""

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from tenants.errors import Forbidden, Unauthenticated
from tenants.web.doors import PUBLIC, declared
from tenants.web.who import Who, bearer_of, who_sent

if TYPE_CHECKING:  # the framework's views read the settings that name this module
    from rest_framework.views import APIView


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`; the caller is the token's owner, narrowed to its scope."""

    def authenticate(self, request: Request) -> tuple[Who, Any] | None:
        """Return who sent the request when it carries a bearer token; raises Unauthenticated for a wrong one."""
        if bearer_of(request._request) is None:  # noqa: SLF001 - the request underneath
            return None
        who = who_sent(request._request)  # noqa: SLF001
        return None if who is None else (who, who.token)

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - REST framework's shape
        """Make an anonymous call a 401 instead of a 403."""
        return "Bearer"


class _CsrfCheck(CsrfViewMiddleware):
    def _reject(self, request: HttpRequest, reason: str) -> str:  # noqa: ARG002 - Django's shape
        return reason


def _no_view(request: HttpRequest) -> HttpResponse:  # pragma: no cover - Django asks for a callable only
    return HttpResponse(request.path)


class CookieAuthentication(BaseAuthentication):
    """The session of a signed-in person; every write needs the CSRF token, since browsers send cookies unasked."""

    def authenticate(self, request: Request) -> tuple[Who, None] | None:
        """Return who is signed in; raises PermissionDenied (403) for a write without CSRF token."""
        who = who_sent(request._request)  # noqa: SLF001 - the request underneath
        if who is None:
            return None
        check = _CsrfCheck(_no_view)
        check.process_request(request._request)  # noqa: SLF001
        reason = check.process_view(request._request, _no_view, (), {})  # noqa: SLF001
        if reason:
            raise exceptions.PermissionDenied(f"CSRF: {reason}")
        return (who, None)


class DeclaredAction(BasePermission):
    """Refuse an endpoint that has not declared its action with `@door`, and strangers where it is not public."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Say whether the call may go on to the view, which asks tenants.access about the thing itself."""
        action = declared(type(view), request.method or "GET")
        if action is None:
            raise Forbidden(message=_("This endpoint declares no action."))
        if action == PUBLIC:
            return True
        if request.user is None:
            raise Unauthenticated
        return True
