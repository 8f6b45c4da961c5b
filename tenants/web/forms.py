"""What was typed and what is wrong with it, for a page that shows its form again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest

from tenants.errors import Invalid, PorticoError
from tenants.web.errors import status_of


@dataclass(frozen=True, slots=True)
class Typed:
    """Values as typed and problems by field; `general` are those of no single field. `status` is the answer's."""

    values: Mapping[str, Any] = field(default_factory=dict)
    problems: Mapping[str, list[str]] = field(default_factory=dict)
    general: tuple[str, ...] = ()
    status: int = 200


def typed(request: HttpRequest, error: PorticoError, *, secret: Sequence[str] = ("password",)) -> Typed:
    """Return what `request` posted, secrets left out, with the problems of `error`."""
    values = {name: value for name, value in request.POST.items() if name not in secret}
    problems: dict[str, list[str]] = {}
    general: list[str] = []
    for problem in getattr(error, "problems", ()):
        path = getattr(problem, "path", ())
        if path:
            problems.setdefault(str(path[0]), []).append(problem.message)
        else:
            general.append(problem.message)
    if not problems and not general:
        general.append(error.sentence)
    status = 422 if isinstance(error, Invalid) else status_of(error)
    return Typed(values, problems, tuple(general), status)


def control(
    form: Typed,
    name: str,
    label: str,
    kind: str = "STRING",
    *,
    required: bool = True,
    help_text: str = "",
    options: Iterable[tuple[str, str]] = (),
    **more: Any,  # noqa: ANN401 - whatever the partial takes
) -> dict[str, Any]:
    """Return one field for components/field.html, with what was typed and what is wrong with it."""
    value = form.values.get(name, "")
    return {
        "id": f"f-{name}",
        "name": name,
        "type": kind,
        "label": label,
        "value": value in {"true", "on", True} if kind == "BOOL" else value,
        "required": required,
        "help": help_text,
        "error": " ".join(form.problems.get(name, ())),
        "options": [{"value": key, "label": text, "selected": str(value) == key} for key, text in options],
        **more,
    }


def summary(form: Typed, controls: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return all problems of a form for components/error_summary.html."""
    listed = [{"id": "", "label": "", "message": message} for message in form.general]
    known = {one["name"]: one for one in controls}
    for name, messages in form.problems.items():
        one = known.get(name, {})
        listed.extend({"id": one.get("id", ""), "label": one.get("label", ""), "message": said} for said in messages)
    return listed
