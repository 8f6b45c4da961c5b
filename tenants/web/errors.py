"""Errors as answers: pages for people, JSON for programs. Only doors know HTTP status codes."""

import logging
import uuid

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _

from tenants import errors
from tenants.errors import PorticoError

logger = logging.getLogger(__name__)

STATUS: dict[type[PorticoError], int] = {
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.TooLarge: 413,
    errors.Invalid: 422,
    errors.TooMany: 429,
    errors.Unavailable: 503,
    PorticoError: 400,
}


def status_of(error: PorticoError) -> int:
    """Return the HTTP status of an error: that of its nearest class in the table."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def is_api(request: HttpRequest) -> bool:
    """Say whether the caller is a program that reads JSON."""
    return request.path_info.startswith(("/api/", "/health"))


def request_id_of(request: HttpRequest) -> str:
    """Return the id that stands in the log, in the answer's header and on the error page."""
    if not hasattr(request, "request_id"):
        request.request_id = uuid.uuid4().hex[:16]  # type: ignore[attr-defined]
    request_id: str = request.request_id  # type: ignore[attr-defined]
    return request_id


def body_of(error: PorticoError) -> dict[str, object]:
    """Return the JSON that programs get: {message, code, _embedded: {errors: [{message, path, line, column, ...}]}}."""
    if isinstance(error, errors.Invalid):
        listed = [_problem(problem) for problem in error.problems] or [{"message": error.sentence}]
    elif isinstance(error, errors.Forbidden):
        listed = [{"message": error.sentence, "action": error.action, "whoCanGrant": list(error.who_can_grant)}]
    else:
        listed = [{"message": error.sentence}]
    return {"message": error.sentence, "code": error.code, "_embedded": {"errors": listed}}


def _problem(problem: errors.ProblemLike) -> dict[str, object]:
    said: dict[str, object] = {"message": problem.message}
    path = getattr(problem, "path", ())
    if path:
        said["path"] = ".".join(str(step) for step in path)
    for name in ("line", "column", "mend"):
        value = getattr(problem, name, None)
        if value:
            said[name] = value
    return said


def answer(request: HttpRequest, error: PorticoError) -> HttpResponse:
    """Return the answer for an error: JSON below /api/, else a page."""
    status = status_of(error)
    response: HttpResponse
    if is_api(request):
        response = JsonResponse(body_of(error), status=status)
    else:
        response = _page(request, error, status)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, errors.TooMany):
        response.headers["Retry-After"] = str(max(1, round(error.wait)))
    add_never_cache_headers(response)
    return response


def _title(status: int) -> str:
    titles = {
        400: _("This request cannot be understood"),
        401: _("Please sign in"),
        403: _("You lack a right for this"),
        404: _("Nothing here"),
        409: _("Things have changed"),
        413: _("That is too large"),
        422: _("Something is not right yet"),
        429: _("Too many tries"),
        503: _("Not available just now"),
    }
    return titles.get(status, _("Something went wrong"))


def _page(request: HttpRequest, error: PorticoError, status: int) -> HttpResponse:
    actor = getattr(request, "actor", None)
    context = {
        "layout": "base.html" if actor else "bare.html",
        "title": _title(status),
        "status": status,
        "error": error,
        "action": getattr(error, "action", ""),
        "namespace": getattr(error, "namespace", ""),
        "who_can_grant": getattr(error, "who_can_grant", ()),
        "problems": getattr(error, "problems", ()),
        "request_id": request_id_of(request),
    }
    return render(request, "tenants/error.html", context, status=status)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 - Django's handler404
    """Answer an address that leads nowhere."""
    return answer(request, errors.NotFound())


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 - Django's handler403
    """Answer what Django itself refuses."""
    return answer(request, errors.Forbidden())


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 - Django's handler400
    """Answer a request that Django cannot read."""
    return answer(request, PorticoError(_("This request cannot be understood.")))


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form without its token: mostly a page that stood open for too long."""
    logger.info("CSRF check failed: %s", reason, extra={"request_id": request_id_of(request)})
    return answer(request, errors.Forbidden(message=_("This page stood open for too long. Load it again and repeat.")))


def broken(request: HttpRequest) -> HttpResponse:
    """Answer a fault of ours, with the id under which the log has it and without any detail (Django's handler500)."""
    request_id = request_id_of(request)
    if is_api(request):
        message = _("This is a fault on our side.")
        body = {
            "message": message,
            "code": "fault",
            "requestId": request_id,
            "_embedded": {"errors": [{"message": message}]},
        }
        return JsonResponse(body, status=500)
    context = {
        "layout": "bare.html",
        "title": _("This is a fault on our side"),
        "status": 500,
        "request_id": request_id,
    }
    return render(request, "tenants/error.html", context, status=500)
