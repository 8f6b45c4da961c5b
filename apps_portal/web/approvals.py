"""The approvals inbox, and deciding: a GET shows what would be decided, only a POST decides."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from apps_portal import inbox
from apps_portal.inbox import Request
from orchestrator import approvals
from orchestrator.core.errors import InputInvalid
from orchestrator.core.inputs import raw_from_form
from tenants.actor import Actor
from tenants.errors import Conflict, Forbidden, Invalid
from tenants.web.doors import door
from tenants.web.me import actor_of

ANSWERS = ("APPROVE", "REJECT")


@door("member")
@require_safe
def inbox_page(request: HttpRequest, tenant: str) -> HttpResponse:
    """Show what waits for the person, for their groups, and what was decided."""
    actor = actor_of(request)
    tab = request.GET.get("tab", "")
    rows = inbox.listed(actor, tab) if tab in inbox.TABS else []
    if tab not in inbox.TABS:
        tab, rows = _first_tab(actor)
    chosen = next((row for row in rows if str(row.approval.pk) == request.GET.get("chosen")), rows[0] if rows else None)
    return render(request, "apps_portal/inbox.html", _context(actor, tenant, tab, rows, chosen))


def _first_tab(actor: Actor) -> tuple[str, list[Request]]:
    """Without a choice: the first list that has something."""
    for tab in ("mine", "groups"):
        rows = inbox.listed(actor, tab)
        if rows:
            return tab, rows
    return "mine", []


@door("member")
@require_http_methods(["GET", "HEAD", "POST"])
def approval_page(request: HttpRequest, tenant: str, approval_id: int) -> HttpResponse:
    """Show one approval with its confirm form (`?answer=`); a POST decides."""
    actor = actor_of(request)
    shown = inbox.request_for(actor, approval_id)
    answer = (request.POST if request.method == "POST" else request.GET).get("answer", "")
    answer = answer if answer in ANSWERS else ""
    if request.method == "POST" and answer:
        return _decided(request, actor, tenant, shown, answer)
    return _page(request, actor, shown, answer)


def _decided(request: HttpRequest, actor: Actor, tenant: str, shown: Request, answer: str) -> HttpResponse:
    specs = approvals.form_of(shown.approval)
    posted = {name: request.POST.getlist(name) for name in request.POST}
    raw = raw_from_form(specs, posted, [spec.id for spec in specs])
    reason = request.POST.get("reason", "")[:5000]
    if answer == "REJECT" and shown.reason_needed and not reason.strip():
        wrong = _("Say why, so that the person who asked can understand.")
        return _page(request, actor, shown, answer, raw=raw, wrong=wrong)
    try:
        approvals.decide(actor, shown.approval, answer, reason, raw)
    except (InputInvalid, Invalid) as error:
        wrong = error.sentence if isinstance(error, Invalid) else ""
        return _page(request, actor, shown, answer, raw=raw, wrong=wrong)
    except Forbidden:
        raise Forbidden("app.approve", message=inbox.request_for(actor, shown.approval.pk).why_not) from None
    except Conflict as error:
        messages.warning(request, error.sentence)
    else:
        messages.success(request, _("Approved.") if answer == "APPROVE" else _("Rejected."))
    if shown.submission is not None:
        return redirect("request", tenant=tenant, number=shown.submission.number)
    return redirect("approval", tenant=tenant, approval_id=shown.approval.pk)


def _page(
    request: HttpRequest,
    actor: Actor,
    shown: Request,
    answer: str,
    *,
    raw: dict[str, object] | None = None,
    wrong: str = "",
) -> HttpResponse:
    """Show the approval; with `raw` (what was posted) it was refused, `wrong` says why."""
    form, _specs = inbox.form_for(actor, shown, raw)
    context = {
        "request_shown": shown,
        "answer": answer,
        "reason": request.POST.get("reason", ""),
        "wrong": wrong,
        "form": form,
        "problems": form.wrong if raw is not None else (),
        "crumbs": _crumbs(actor.tenant, shown.title),
    }
    template = "apps_portal/decide_dialog.html" if _wants_dialog(request) else "apps_portal/approval.html"
    return render(request, template, context, status=200 if raw is None else 422)


def _wants_dialog(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Target") == "dialog"


def _context(actor: Actor, tenant: str, tab: str, rows: list[Request], chosen: Request | None) -> dict[str, object]:
    labels = {"mine": _("Mine"), "groups": _("My groups"), "done": _("Done")}
    url = reverse("inbox", kwargs={"tenant": tenant})
    tabs = [
        {"key": key, "label": label, "url": f"{url}?tab={key}", "active": key == tab} for key, label in labels.items()
    ]
    form = inbox.form_for(actor, chosen)[0] if chosen is not None and chosen.may_decide else None
    return {"tabs": tabs, "tab": tab, "rows": rows, "chosen": chosen, "form": form, "crumbs": _crumbs(tenant)}


def _crumbs(tenant: str, title: str = "") -> list[dict[str, str]]:
    first = {"label": _("Approvals"), "url": reverse("inbox", kwargs={"tenant": tenant})}
    return [first, {"label": title}] if title else [first]
