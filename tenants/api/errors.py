"""Errors of the API: `{message, code, _embedded: {errors: [...]}}`, never a stack trace."""

from typing import Any

from django.db import transaction
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response

from tenants import errors
from tenants.errors import FieldProblem, PorticoError
from tenants.web.errors import body_of, status_of


def answer(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn an exception into the answer, and the transaction back (REST framework's EXCEPTION_HANDLER).

    None lets an unknown exception go on, to the 500 answer.
    """
    if getattr(context.get("request"), "in_one_transaction", False):
        transaction.set_rollback(True)
    if isinstance(error, Http404):
        error = errors.NotFound()
    if isinstance(error, RecursionError):  # of the JSON parser, which goes down level by level
        error = exceptions.ParseError(_("What was sent is nested too deeply."))
    if isinstance(error, PorticoError):
        headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, errors.Unauthenticated) else {}
        if isinstance(error, errors.TooMany):
            headers["Retry-After"] = str(max(1, round(error.wait)))
        return Response(body_of(error), status=status_of(error), headers=headers)
    if isinstance(error, exceptions.ValidationError):
        invalid = errors.Invalid(_problems(error.detail, ()))
        return Response(body_of(invalid), status=422)
    if isinstance(error, exceptions.APIException):
        body = {
            "message": str(error.detail),
            "code": error.default_code,
            "_embedded": {"errors": [{"message": str(error.detail)}]},
        }
        return Response(body, status=error.status_code, headers=_headers(error))
    return None


def _headers(error: exceptions.APIException) -> dict[str, str]:
    headers: dict[str, str] = {}
    auth_header = getattr(error, "auth_header", None)
    if auth_header:
        headers["WWW-Authenticate"] = auth_header
    wait = getattr(error, "wait", None)
    if wait:
        headers["Retry-After"] = f"{wait:.0f}"
    return headers


def _problems(detail: object, path: tuple[str | int, ...]) -> list[FieldProblem]:
    """Flatten REST framework's nested lists and mappings of texts."""
    if isinstance(detail, dict):
        return [problem for key, inner in detail.items() for problem in _problems(inner, (*path, key))]
    if isinstance(detail, list):
        if all(isinstance(inner, str) for inner in detail):
            return [FieldProblem(str(inner), path) for inner in detail]
        return [problem for index, inner in enumerate(detail) for problem in _problems(inner, (*path, index))]
    return [FieldProblem(str(detail), path)]
