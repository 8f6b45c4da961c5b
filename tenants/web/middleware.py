"""Every request inside a tenant: who sent it, one transaction behind the wall, their language and their time zone."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.utils import timezone, translation

from tenants import access
from tenants.actor import Actor, Seat, actor_in, seat_of
from tenants.core.actions import ACTIONS, Scope, scope_of
from tenants.errors import Forbidden, NotFound, PorticoError, Unauthenticated
from tenants.tenancy import in_tenant, tenant_id_of
from tenants.web import errors
from tenants.web.doors import INSTANCE, PUBLIC, SIGNED_IN, declared, is_stream
from tenants.web.who import Who, who_sent

View = Callable[..., HttpResponseBase]
ZONES = available_timezones()


class TenantMiddleware:
    """Resolve the tenant of the address, refuse who is not in it, and run the view in one walled transaction."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Give the request an id and no actor yet."""
        request.actor = None  # type: ignore[attr-defined]
        request_id = errors.request_id_of(request)
        response = self.get_response(request)
        response.headers["X-Request-ID"] = request_id
        return response

    def process_view(
        self,
        request: HttpRequest,
        view: View,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> HttpResponseBase | None:
        """Run the view here when the address names a tenant; else only see to it that somebody is signed in."""
        try:
            if "tenant" in kwargs:
                return self._inside(request, view, args, kwargs)
            _require_signed_in(request, view)
            return None
        except Unauthenticated as error:
            if errors.is_api(request) or request.headers.get("Authorization"):
                return errors.answer(request, error)
            return _to_sign_in(request)
        except PorticoError as error:
            return self._refused(request, error)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer the errors of views that Django itself has called: streams, and pages outside tenants."""
        return self._refused(request, exception) if isinstance(exception, PorticoError) else None

    def _inside(
        self,
        request: HttpRequest,
        view: View,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> HttpResponseBase | None:
        action = declared(view, request.method or "GET")
        if action is None:
            raise ImproperlyConfigured(f"{request.path_info}: its view declares no action")
        seat, who = _seat(request, kwargs["tenant"], action)
        tenant_id = seat.tenant.pk if seat is not None else tenant_id_of(kwargs["tenant"])
        request.tenant_id = tenant_id  # type: ignore[attr-defined]
        with ExitStack() as stack:
            stack.enter_context(in_tenant(tenant_id))
            if seat is not None and who is not None:
                actor = actor_in(seat, token=who.token, address=request.META.get("REMOTE_ADDR") or None)
                request.actor = actor  # type: ignore[attr-defined]
                _require_on_tenant(actor, action)
            if is_stream(view):
                return None
            request.in_one_transaction = True  # type: ignore[attr-defined]
            with _manners(request):
                response = view(request, *args, **kwargs)
                rendered = response.render() if hasattr(response, "render") else response
                rendered.headers.setdefault("Content-Language", translation.get_language())
                return rendered

    def _refused(self, request: HttpRequest, error: PorticoError) -> HttpResponse:
        actor: Actor | None = getattr(request, "actor", None)
        if actor is None:
            return errors.answer(request, error)
        with in_tenant(actor.tenant_id), _manners(request):
            return errors.answer(request, error)


def _require_signed_in(request: HttpRequest, view: View) -> None:
    action = declared(view, request.method or "GET")
    if action not in {SIGNED_IN, INSTANCE}:
        return
    if who_sent(request) is None:
        raise Unauthenticated
    if action == INSTANCE and not getattr(request.user, "is_instance_owner", False):
        raise NotFound


def _seat(request: HttpRequest, slug: str, action: str) -> tuple[Seat | None, Who | None]:
    """Return the seat of who sent the request; (None, None) for a stranger at a public door."""
    try:
        who = who_sent(request)
    except Unauthenticated:
        if action == PUBLIC:  # a webhook's caller may have an Authorization of its own
            return None, None
        raise
    seat = None if who is None else seat_of(who.user_id, slug)
    if who is not None and seat is not None and who.token is not None and who.token.tenant_id != seat.tenant.pk:
        seat = None
    if seat is not None or action == PUBLIC:
        return seat, who
    if who is None:
        raise Unauthenticated
    raise NotFound


def _require_on_tenant(actor: Actor, action: str) -> None:
    if action == INSTANCE and not actor.is_instance_owner:
        raise Forbidden(message="")
    if action in ACTIONS and scope_of(action) is Scope.TENANT:
        access.require(actor, action, "")


def _manners(request: HttpRequest) -> ExitStack:
    """Return a context with the actor's language and time zone; strangers keep what their browser asked for."""
    stack = ExitStack()
    actor: Actor | None = getattr(request, "actor", None)
    if actor is not None:
        known = {code for code, _name in settings.LANGUAGES}
        if actor.language in known:
            stack.enter_context(translation.override(actor.language))
        stack.enter_context(timezone.override(ZoneInfo(actor.zone if actor.zone in ZONES else "UTC")))
    return stack


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    """Send a person to the sign-in page, and back here afterwards when that makes sense."""
    target = request.get_full_path() if request.method == "GET" else ""
    if request.headers.get("HX-Request"):
        response = HttpResponse(status=401)
        response.headers["HX-Redirect"] = settings.LOGIN_URL
        return response
    return HttpResponseRedirect(f"{settings.LOGIN_URL}?next={quote(target)}" if target else settings.LOGIN_URL)
