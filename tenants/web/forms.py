"""What was typed and what is wrong with it, for a page that shows its form again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tenants.errors import Invalid, PorticoError
from tenants.web.errors import status_of


@dataclass(frozen=True, slots=True)
class Typed:
    """Values as typed and problems by field; `general` are those of no single field."""

    values: Mapping[str, str] = field(default_factory=dict)
    problems: Mapping[str, list[str]] = field(default_factory=dict)
    general: tuple[str, ...] = ()


def typed(request: HttpRequest, error: PorticoError | None = None, *, secret: tuple[str, ...] = ("password",)) -> Typed:
    """Return what `request` posted, secrets left out, with the problems of `error`."""
    values = {name: value for name, value in request.POST.items() if isinstance(value, str) and name not in secret}
    problems: dict[str, list[str]] = {}
    general: list[str] = []
    for problem in getattr(error, "problems", ()):
        path = getattr(problem, "path", ())
        if path:
            problems.setdefault(str(path[0]), []).append(problem.message)
        else:
            general.append(problem.message)
    if error is not None and not problems and not general:
        general.append(error.sentence)
    return Typed(values, problems, tuple(general))


def again(
    request: HttpRequest,
    template: str,
    context: dict[str, Any],
    error: PorticoError,
    *,
    secret: tuple[str, ...] = ("password",),
) -> HttpResponse:
    """Show a form once more with what was typed and what is wrong: 422, or the error's own status."""
    status = 422 if isinstance(error, Invalid) else status_of(error)
    return render(request, template, {**context, "typed": typed(request, error, secret=secret)}, status=status)
