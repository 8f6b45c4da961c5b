"""Signing in and out, the first page, and the set-up of a fresh server."""

from django.conf import settings
from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tenants import first_run, sign_in, users
from tenants.errors import Conflict, Forbidden, Invalid, TooMany
from tenants.web.doors import door
from tenants.web.errors import answer
from tenants.web.forms import Typed, control, summary, typed
from tenants.web.shell import address

DEVICE_COOKIE = "portico_device"
BACKEND = settings.AUTHENTICATION_BACKENDS[0]


@door("public")
@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """Lead to where this person's work is."""
    if first_run.needed():
        return redirect("setup")
    if not request.user.is_authenticated:
        return redirect("sign-in")
    mine = users.tenants_of(request.user.pk)
    if not mine:
        return render(request, "tenants/no_tenant.html")
    slug = mine[0].slug
    return redirect(address("home", slug) or reverse("me", kwargs={"tenant": slug}))


@door("public")
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_page(request: HttpRequest) -> HttpResponse:
    """Ask for e-mail and password; after success go to a safe `next`, else to the first page."""
    if first_run.needed():
        return redirect("setup")
    target = _safe(request, request.POST.get("next") or request.GET.get("next") or "")
    if request.method != "POST":
        if request.user.is_authenticated:
            return redirect(target or "start")
        return render(request, "tenants/sign_in.html", {"next": target, "typed": Typed()})
    device = request.COOKIES.get(DEVICE_COOKIE, "")
    try:
        user = sign_in.check(
            request.POST.get("email", ""),
            request.POST.get("password", ""),
            address=request.META.get("REMOTE_ADDR", ""),
            device=device,
        )
    except (Invalid, TooMany) as error:
        form = typed(request, error)
        context = {"next": target, "typed": form, "problems": summary(form, ())}
        response = render(request, "tenants/sign_in.html", context, status=form.status)
        if isinstance(error, TooMany):
            response.headers["Retry-After"] = str(round(error.wait))
        return response
    login(request, user, backend=BACKEND)
    response = redirect(target or "start")
    response.set_cookie(
        DEVICE_COOKIE,
        sign_in.device_cookie(user),
        max_age=sign_in.DEVICE_AGE,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
        path=reverse("sign-in"),
    )
    return response


@door("public")
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    return redirect("sign-in")


@door("public")
@never_cache
@sensitive_post_parameters("password", "token")
@require_http_methods(["GET", "HEAD", "POST"])
def setup(request: HttpRequest) -> HttpResponse:
    """Make the first owner and tenant of a fresh server; gone for ever once somebody exists."""
    if not first_run.needed():
        return answer(request, Conflict()) if request.method == "POST" else redirect("start")
    if request.method != "POST":
        return _setup_form(request, Typed({"token": request.GET.get("token", "")}))
    try:
        owner, tenant = first_run.create_first_owner(
            given_token=request.POST.get("token", ""),
            email=request.POST.get("email", ""),
            name=request.POST.get("name", ""),
            password=request.POST.get("password", ""),
            tenant_slug=request.POST.get("slug", ""),
            tenant_name=request.POST.get("tenant_name", ""),
        )
    except (Invalid, Forbidden) as error:
        return _setup_form(request, typed(request, error))
    login(request, owner, backend=BACKEND)
    return redirect(address("home", tenant.slug) or reverse("members", kwargs={"tenant": tenant.slug}))


def _setup_form(request: HttpRequest, form: Typed) -> HttpResponse:
    controls = [
        control(form, "name", _("Your name"), attrs={"autocomplete": "name"}),
        control(form, "email", _("Your e-mail address"), "EMAIL"),
        control(form, "password", _("Password"), "SECRET", help_text=_("At least 10 characters.")),
        control(form, "tenant_name", _("Name of your organisation"), attrs={"autocomplete": "organization"}),
        control(form, "slug", _("Short name for addresses"), help_text=_("a-z, 0-9 and -; it never changes.")),
    ]
    if first_run.token():
        help_text = _("The server printed it when it started.")
        controls.insert(
            0, control(form, "token", _("Set-up token"), help_text=help_text, attrs={"autocomplete": "off"})
        )
    context = {"controls": controls, "problems": summary(form, controls)}
    return render(request, "tenants/setup.html", context, status=form.status)


def _safe(request: HttpRequest, target: str) -> str:
    """Return `target` when it leads to this very server, else the empty text."""
    fine = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if fine else ""
