"""One's own page: name, language, time zone, password; and the bell."""

from zoneinfo import available_timezones

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from tenants import access, notices, users
from tenants.actor import Actor
from tenants.errors import Invalid
from tenants.web.doors import door
from tenants.web.forms import Typed, control, summary, typed

SECRET = ("old", "new")


def actor_of(request: HttpRequest) -> Actor:
    """Return who acts; inside a tenant the middleware has seen to it that there is somebody."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor


@door("member")
@sensitive_post_parameters("old", "new")
@require_http_methods(["GET", "HEAD", "POST"])
def me(request: HttpRequest, tenant: str) -> HttpResponse:
    """Show and change one's own settings."""
    actor = actor_of(request)
    person = users.member(actor, actor.person_id)
    saved = Typed({"name": person.name, "language": person.language, "time_zone": person.time_zone})
    if request.method != "POST":
        return _me_page(request, saved, Typed())
    try:
        if request.POST.get("form") == "password":
            users.change_password(actor, person, old=request.POST.get("old", ""), new=request.POST.get("new", ""))
            update_session_auth_hash(request, person)
            messages.success(request, _("Your password is changed. Other browsers are signed out."))
        else:
            chosen = {field: request.POST.get(field, "") for field in ("name", "language", "time_zone")}
            users.change_profile(actor, **chosen)
            messages.success(request, _("Saved."))
    except Invalid as error:
        form = typed(request, error, secret=SECRET)
        return _me_page(request, *((saved, form) if request.POST.get("form") == "password" else (form, Typed())))
    return redirect("me", tenant=tenant)


def _me_page(request: HttpRequest, profile: Typed, password: Typed) -> HttpResponse:
    zones = [("", _("The tenant's")), *((zone, zone) for zone in sorted(available_timezones()))]
    languages = [("", _("The tenant's")), *settings.LANGUAGES]
    about = [
        control(profile, "name", _("Name"), attrs={"autocomplete": "name"}),
        control(profile, "language", _("Language"), "SELECT", required=False, options=languages),
        control(profile, "time_zone", _("Time zone"), "SELECT", required=False, options=zones, widget="select"),
    ]
    secret = [
        control(password, "old", _("Present password"), "SECRET", attrs={"autocomplete": "current-password"}),
        control(password, "new", _("New password"), "SECRET", help_text=_("At least 10 characters.")),
    ]
    context = {
        "about": about,
        "secret": secret,
        "problems": [*summary(profile, about), *summary(password, secret)],
        "crumbs": [{"label": _("My profile")}],
    }
    return render(request, "tenants/me.html", context, status=max(profile.status, password.status))


@door("member")
@require_http_methods(["GET", "HEAD", "POST"])
def notices_page(request: HttpRequest, tenant: str) -> HttpResponse:
    """Show one's notices; a POST marks those up to `up_to` as read."""
    actor = actor_of(request)
    if request.method == "POST":
        text = request.POST.get("up_to", "")
        if text.isdecimal():
            notices.mark_read(actor, int(text))
        return redirect("notices", tenant=tenant)
    return render(
        request, "tenants/notices.html", {"notices": notices.newest(actor), "crumbs": [{"label": _("Notices")}]}
    )


@door("member")
@require_http_methods(["POST"])
def request_access(request: HttpRequest, tenant: str) -> HttpResponse:
    """Ask those who can give a right for it; they are told by the bell."""
    access.ask_for(actor_of(request), request.POST.get("action", ""), request.POST.get("namespace", ""))
    messages.success(request, _("Asked. You will be told."))
    return redirect("notices", tenant=tenant)
