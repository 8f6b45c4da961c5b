"""My requests, and the page of one: how far it is, who holds it, what came out, what went wrong."""

from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps_portal import files, pages, submissions
from apps_portal.access import number_of_run, submission_for
from apps_portal.pages import RunPage
from orchestrator import executions
from orchestrator.core.errors import InputInvalid
from orchestrator.core.inputs import raw_from_form
from orchestrator.saying import said
from tenants.errors import Conflict, Forbidden, NotFound
from tenants.web.doors import door
from tenants.web.me import actor_of

PARTS = ("run-head", "run-body", "run-side")


@door("member")
@require_safe
def my_requests(request: HttpRequest, tenant: str) -> HttpResponse:  # noqa: ARG001 - the middleware has read it
    """List everything the person started, newest first, by number, title and state."""
    actor = actor_of(request)
    asked = {"q": request.GET.get("q", "")[:150], "state": request.GET.get("state", "")[:20]}
    before = request.GET.get("before", "")
    number = int(before) if before.isdecimal() and len(before) < 18 else None
    rows = list(submissions.mine(actor, asked["q"], asked["state"], number)[: submissions.PAGE + 1])
    more = len(rows) > submissions.PAGE
    rows = rows[: submissions.PAGE]
    context = {
        "rows": rows,
        "asked": asked,
        "states": _state_choices(),
        "next_url": f"?{urlencode({**asked, 'before': rows[-1].number})}" if more else "",
        "first_url": f"?{urlencode(asked)}" if number is not None else "",
        "filtered": any(asked.values()),
        "crumbs": [{"label": _("My requests")}],
    }
    return render(request, "apps_portal/my_requests.html", context)


def _state_choices() -> list[tuple[str, str]]:
    return [
        ("", _("Any state")),
        ("running", _("Running")),
        ("waiting", _("Waiting for someone")),
        ("succeeded", _("Succeeded")),
        ("failed", _("Did not work")),
    ]


@door("member")
@require_safe
def request_page(request: HttpRequest, tenant: str, number: int) -> HttpResponse:
    """Show one request in plain words."""
    actor = actor_of(request)
    submission = submission_for(actor, number)
    run = pages.run_page(actor, submission, url=_url(submission.app.uid, tenant))
    if run is None:
        context = {
            "submission": submission,
            "crumbs": _crumbs(tenant, number, mine=submission.user_id == actor.user_id),
        }
        return render(request, "apps_portal/request_gone.html", context)
    return render(request, "apps_portal/request.html", _context(run, tenant))


@door("member")
@require_safe
def run(request: HttpRequest, tenant: str, execution_id: str) -> HttpResponse:
    """Lead to the page of a run that fits who asks: the request it belongs to, else the technical view."""
    number = number_of_run(actor_of(request), execution_id)
    if number is not None:
        return redirect("request", tenant=tenant, number=number)
    return redirect("execution", tenant=tenant, execution_id=execution_id)


@door("member")
@require_safe
def request_changes(request: HttpRequest, tenant: str, number: int) -> JsonResponse:
    """Answer what is new on a request's page since `?since=`: parts of it by id, the state, whether it is over."""
    actor = actor_of(request)
    submission = submission_for(actor, number)
    run = pages.run_page(actor, submission, url=_url(submission.app.uid, tenant))
    if run is None:
        raise NotFound
    answer: dict[str, object] = {
        "version": run.execution.version,
        "final": run.final,
        "now": timezone.now().isoformat(),
        "state": str(run.state),
    }
    if request.GET.get("since", "") != str(run.execution.version):
        context = _context(run, tenant)
        answer["html"] = {
            part: render_to_string(f"apps_portal/{part.replace('-', '_')}.html", context, request) for part in PARTS
        }
    response = JsonResponse(answer)
    response.headers["Cache-Control"] = "no-store"
    return response


@door("member")
@require_POST
def request_cancel(request: HttpRequest, tenant: str, number: int) -> HttpResponse:
    """Stop a run; its requester may, and who may kill executions there."""
    actor = actor_of(request)
    submission = submission_for(actor, number)
    if submission.execution is None:
        raise NotFound
    if not pages.may_cancel(actor, submission):
        raise Forbidden("execution.kill")
    try:
        executions.kill(actor, submission.execution)
    except Conflict as error:
        messages.warning(request, error.sentence)
    else:
        messages.success(request, _("The run is being stopped."))
    return redirect("request", tenant=tenant, number=number)


@door("member")
@require_POST
def request_resume(request: HttpRequest, tenant: str, number: int) -> HttpResponse:
    """Let a paused run go on with what was filled in."""
    actor = actor_of(request)
    submission = submission_for(actor, number)
    pause = pages.pause_for(actor, submission)
    if pause is None or submission.execution is None:
        raise Conflict(_("It does not wait for you any more."))
    specs = executions.resume_inputs(pause.task_run, submission.execution)
    shown = [one.name for one in pause.form.fields if not one.hidden]
    raw = raw_from_form(specs, {name: request.POST.getlist(name) for name in request.POST}, shown)
    try:
        executions.resume(actor, submission.execution, raw)
    except InputInvalid as error:
        for problem in error.problems:
            messages.error(request, said(problem.message))
        return redirect("request", tenant=tenant, number=number)
    messages.success(request, _("The run goes on."))
    return redirect("request", tenant=tenant, number=number)


@door("member")
@require_safe
def file_download(request: HttpRequest, tenant: str, number: int, file_id: int) -> HttpResponseBase:  # noqa: ARG001
    """Hand out a file of a run: always as a download, never to be run by the browser."""
    actor = actor_of(request)
    submission = submission_for(actor, number)
    if submission.execution is None:
        raise NotFound
    found = files.open_file(actor, submission.execution, file_id)
    response = FileResponse(found.stream, as_attachment=True, filename=found.name, content_type=found.content_type)
    response.headers["Content-Length"] = str(found.size)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'; style-src 'unsafe-inline'"
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _url(uid: str, tenant: str) -> str:
    return f"{settings.PUBLIC_URL}{reverse('app', kwargs={'tenant': tenant, 'uid': uid})}"


def _context(run: RunPage, tenant: str) -> dict[str, object]:
    number = run.submission.number
    return {
        "run": run,
        "submission": run.submission,
        "app": run.app,
        "live_url": f"/ws/{tenant}/executions/{run.execution.pk}",
        "changes_url": reverse("request-changes", kwargs={"tenant": tenant, "number": number}),
        "crumbs": _crumbs(tenant, number, mine=run.is_mine),
    }


def _crumbs(tenant: str, number: int, *, mine: bool) -> list[dict[str, str]]:
    first = {"label": _("My requests"), "url": reverse("my-requests", kwargs={"tenant": tenant})}
    inbox = {"label": _("Approvals"), "url": reverse("inbox", kwargs={"tenant": tenant})}
    return [first if mine else inbox, {"label": f"#{number}"}]
