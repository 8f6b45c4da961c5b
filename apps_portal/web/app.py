"""An app's page: its form, what the form asks while a person types, the files they choose, and the submit."""

import uuid
from typing import Any, BinaryIO, cast

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from apps_portal import forms, open_page, submissions, uploads
from apps_portal.access import app_for, is_open, submission_for
from apps_portal.forms import KEY, SEEN, Opened, Sheet
from apps_portal.submissions import FormInvalid
from orchestrator.core.spec import InputProblem
from tenants.actor import Actor
from tenants.errors import Conflict, Invalid, NotFound, PorticoError, TooLarge
from tenants.web.doors import door
from tenants.web.errors import body_of, status_of
from tenants.web.me import actor_of


@door("app.execute")
@require_http_methods(["GET", "HEAD", "POST"])
def app_page(request: HttpRequest, tenant: str, uid: str) -> HttpResponse:
    """Show an app's form, begun with an earlier run's values by `?from=number`; a POST submits it."""
    actor = actor_of(request)
    app = app_for(actor, "app.execute", uid)
    if not is_open(app):
        return render(request, "apps_portal/app_closed.html", {"app": app, "crumbs": _crumbs(app, tenant)}, status=409)
    opened = forms.open_app(app)
    if request.method == "POST":
        return _submitted(request, actor, opened, tenant)
    sheet = forms.begin(actor, opened, _earlier(request, actor))
    return _shown(request, actor, sheet, tenant)


@door("app.execute")
@require_POST
def app_state(request: HttpRequest, tenant: str, uid: str) -> HttpResponse:
    """Answer what changes on the page with what is typed: fields that come, go or offer other choices, and blocks."""
    actor = actor_of(request)
    opened = forms.open_app(app_for(actor, "app.execute", uid))
    seen = _seen(request)
    sheet = forms.fill(actor, opened, _raw(request, opened, seen), show_problems=False)
    page = open_page.page_of(actor, sheet, _url(request, opened, tenant))
    fields = [one for one in sheet.form.fields if forms.may_change(sheet, one, seen)]
    context = {"fields": fields, "page": page, "seen": " ".join(sheet.shown), "sheet": sheet}
    return render(request, "apps_portal/app_state.html", context)


@door("app.execute")
@require_POST
def upload(request: HttpRequest, tenant: str, uid: str) -> JsonResponse:  # noqa: ARG001 - the middleware has read it
    """Keep a chosen file until the submit and answer {id, name, size}, or {message}."""
    actor = actor_of(request)
    try:
        opened = forms.open_app(app_for(actor, "app.execute", uid))
        spec = opened.input(request.POST.get("field", ""))
        file = request.FILES.get("file")
        if spec.type != "FILE" or not isinstance(file, UploadedFile):
            raise Invalid(message=_("Choose a file."))
        row = _stage(actor, opened, spec.id, file)
    except PorticoError as error:
        return JsonResponse(body_of(error), status=status_of(error))
    return JsonResponse({"id": str(row.pk), "name": row.name, "size": row.size}, status=201)


def _stage(actor: Actor, opened: Opened, input_id: str, file: "UploadedFile[Any]") -> Any:  # noqa: ANN401 - a row
    spec = opened.input(input_id)
    return uploads.stage(
        actor, opened.app, spec, file.name or "", file.size or 0, cast("BinaryIO", file), timezone.now()
    )


def _submitted(request: HttpRequest, actor: Actor, opened: Opened, tenant: str) -> HttpResponse:
    """Submit what was posted. What is wrong, or fields that only now are there, show the form again with all values."""
    seen = _seen(request)
    raw = _raw(request, opened, seen)
    refused, status = _stage_posted(request, actor, opened, raw)
    url = _url(request, opened, tenant)
    sheet = forms.fill(actor, opened, raw, url=url)
    if refused:
        return _shown(request, actor, forms.with_problems(sheet, refused), tenant, status=status)
    if not sheet.filled.problems and forms.appeared(sheet, seen):
        note = _("There is more to fill in, because of what you chose. Please look at it before you send.")
        return _shown(request, actor, sheet, tenant, status=422, note=note)
    try:
        key = request.POST.get(KEY, "")
        submission = submissions.submit(actor, opened.app, raw, key=key, url=url, opened=opened)
    except FormInvalid as error:
        return _shown(request, actor, error.sheet, tenant, status=422)
    except Conflict as error:
        return _shown(request, actor, sheet, tenant, status=409, note=error.sentence)
    return redirect("request", tenant=tenant, number=submission.number)


def _stage_posted(
    request: HttpRequest,
    actor: Actor,
    opened: Opened,
    raw: dict[str, object],
) -> tuple[list[InputProblem], int]:
    """Keep the files that came with the form itself; return what is wrong with them and the answer's status."""
    wrong: list[InputProblem] = []
    status = 422
    for spec in opened.inputs:
        file = request.FILES.get(spec.id) if spec.type == "FILE" else None
        if not isinstance(file, UploadedFile) or (not file.size and not file.name):
            continue
        try:
            raw[spec.id] = str(_stage(actor, opened, spec.id, file).pk)
        except TooLarge as error:
            wrong.append(InputProblem(spec.id, error.sentence))
            status = 413
        except PorticoError as error:
            wrong.append(InputProblem(spec.id, error.sentence))
    return wrong, status


def _raw(request: HttpRequest, opened: Opened, seen: frozenset[str]) -> dict[str, object]:
    return forms.read_post(opened, {name: request.POST.getlist(name) for name in request.POST}, seen)


def _seen(request: HttpRequest) -> frozenset[str]:
    return frozenset(request.POST.get(SEEN, "").split())


def _earlier(request: HttpRequest, actor: Actor) -> Any:  # noqa: ANN401 - a row, or nothing
    number = request.GET.get("from", "")
    if not number.isdecimal() or len(number) > 17:
        return None
    try:
        return submission_for(actor, int(number))
    except NotFound:
        return None


def _url(request: HttpRequest, opened: Opened, tenant: str) -> str:  # noqa: ARG001 - same shape for public apps later
    return f"{settings.PUBLIC_URL}{reverse('app', kwargs={'tenant': tenant, 'uid': opened.app.uid})}"


def _shown(
    request: HttpRequest,
    actor: Actor,
    sheet: Sheet,
    tenant: str,
    *,
    status: int = 200,
    note: str = "",
) -> HttpResponse:
    app = sheet.opened.app
    context = {
        "app": app,
        "spec": sheet.opened.spec,
        "page": open_page.page_of(actor, sheet, _url(request, sheet.opened, tenant)),
        "sheet": sheet,
        "form": sheet.form,
        "problems": sheet.form.wrong,
        "note": note,
        "seen": " ".join(sheet.shown),
        "key": request.POST.get(KEY) or uuid.uuid4().hex,
        "steps": open_page.what_happens(sheet.opened),
        "earlier": submissions.of_app(actor, app),
        "from": request.GET.get("from", ""),
        "crumbs": _crumbs(app, tenant),
        "upload_limit": settings.UPLOAD_LIMIT,
    }
    if request.headers.get("HX-Request") and status == 422:
        return HttpResponse(render_to_string("apps_portal/app_form.html", context, request), status=422)
    return render(request, "apps_portal/app.html", context, status=status)


def _crumbs(app: Any, tenant: str) -> list[dict[str, str]]:  # noqa: ANN401 - a row
    return [{"label": _("Apps"), "url": reverse("catalog", kwargs={"tenant": tenant})}, {"label": app.display_name}]
