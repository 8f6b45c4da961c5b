"""The catalog of apps."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps_portal import catalog
from tenants.web.doors import door
from tenants.web.me import actor_of


@door("member")
@require_safe
def catalog_page(request: HttpRequest, tenant: str) -> HttpResponse:  # noqa: ARG001 - the middleware has read it
    """Show the apps the person may see, found by words, category and tag; the state is in the address."""
    actor = actor_of(request)
    asked = {name: request.GET.get(name, "")[:150] for name in ("q", "category", "tag")}
    after = request.GET.get("after", "")[:300]
    shelf = catalog.search(actor, asked["q"], category=asked["category"], tag=asked["tag"], after=after)
    chips = [
        {"label": asked[name], "remove_url": f"?{urlencode({k: v for k, v in asked.items() if v and k != name})}"}
        for name in ("category", "tag")
        if asked[name]
    ]
    context = {
        "shelf": shelf,
        "asked": asked,
        "chips": chips,
        "next_url": f"?{urlencode({**asked, 'after': shelf.next_after})}" if shelf.next_after else "",
        "first_url": f"?{urlencode(asked)}" if after else "",
        "may_create": actor.grants.anywhere("app.create") and actor.grants.anywhere("app.publish"),
        "crumbs": [{"label": _("Apps")}],
    }
    return render(request, "apps_portal/catalog.html", context)
