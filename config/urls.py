"""All addresses: each room's own, and the few that belong to none."""

import importlib.util

from django.urls import URLPattern, URLResolver, include, path

from config.health import health
from config.styleguide import styleguide

ROOMS = (
    ("", "tenants.web.urls"),
    ("", "orchestrator.web.urls"),
    ("", "apps_portal.web.urls"),
    ("api/v1/", "tenants.api.urls"),
    ("api/v1/", "orchestrator.api.urls"),
    ("api/v1/", "apps_portal.api.urls"),
)


def _rooms() -> list[URLPattern | URLResolver]:
    return [path(prefix, include(name)) for prefix, name in ROOMS if importlib.util.find_spec(name) is not None]


urlpatterns: list[URLPattern | URLResolver] = [
    path("health", health, name="health"),
    path("styleguide", styleguide, name="styleguide"),
    *_rooms(),
]

handler400 = "tenants.web.errors.bad_request"
handler403 = "tenants.web.errors.forbidden"
handler404 = "tenants.web.errors.not_found"
handler500 = "tenants.web.errors.broken"
