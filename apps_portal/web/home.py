"""The first page, and what Ctrl K finds."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps_portal import palette
from apps_portal.home import home_of
from apps_portal.palette import Hit
from tenants.web.doors import door
from tenants.web.me import actor_of


@door("member")
@require_safe
def home(request: HttpRequest, tenant: str) -> HttpResponse:  # noqa: ARG001 - the middleware has read it
    """Show what waits for the person, what is running for them, and what they used last."""
    return render(request, "apps_portal/home.html", {"home": home_of(actor_of(request))})


@door("member")
@require_safe
def palette_hits(request: HttpRequest, tenant: str) -> JsonResponse:
    """Answer apps, runs and flows for the search palette: [{group, label, detail, url, icon}]."""
    hits = palette.search(actor_of(request), request.GET.get("q", "")[:100])
    return JsonResponse([_shown(hit, tenant) for hit in hits], safe=False)


def _shown(hit: Hit, tenant: str) -> dict[str, str]:
    if hit.app is not None:
        url = reverse("app", kwargs={"tenant": tenant, "uid": hit.app.uid})
        return _hit(_("Apps"), hit.app.display_name, hit.app.category, url, "play")
    if hit.submission is not None:
        number = hit.submission.number
        url = reverse("request", kwargs={"tenant": tenant, "number": number})
        return _hit(_("My requests"), hit.submission.title, f"#{number}", url, "history")
    assert hit.flow is not None
    keys = {"tenant": tenant, "namespace": hit.flow.namespace, "flow_id": hit.flow.flow_id}
    return _hit(_("Flows"), hit.flow.flow_id, hit.flow.namespace, reverse("flow", kwargs=keys), "workflow")


def _hit(group: str, label: str, detail: str, url: str, icon: str) -> dict[str, str]:
    return {"group": group, "label": label, "detail": detail, "url": url, "icon": icon}
