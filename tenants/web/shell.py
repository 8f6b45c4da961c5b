"""What surrounds every page: tenant, person, navigation, counts. A context processor; each part is read when shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from tenants import notices, users
from tenants.actor import Actor


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the navigation; shown when its address exists and the actor holds `action` somewhere."""

    label: Any
    url_name: str
    icon: str
    action: str = ""  # "" = every member
    also: tuple[str, ...] = ()  # names of the pages below it


# Sections and entries in their order. Other rooms' pages stand here by the name of their address alone.
NAVIGATION: Sequence[tuple[Any, Sequence[Entry]]] = (
    (
        _("Work"),
        (
            Entry(_("Home"), "home", "home"),
            Entry(_("Apps"), "catalog", "apps", also=("app", "app-preview")),
            Entry(_("My requests"), "my-requests", "requests", also=("request",)),
            Entry(_("Approvals"), "inbox", "approvals"),
        ),
    ),
    (
        _("Build"),
        (
            Entry(_("Flows"), "flows", "flows", "flow.list", also=("flow", "flow-new")),
            Entry(_("Executions"), "executions", "executions", "execution.list", also=("execution",)),
        ),
    ),
    (
        _("Admin"),
        (
            Entry(_("Members"), "members", "members", "user.list"),
            Entry(_("Groups"), "groups", "groups", "group.list", also=("group",)),
            Entry(_("Access"), "access", "access", "binding.list"),
            Entry(_("Audit log"), "audit", "audit", "auditlog.list"),
        ),
    ),
)


class Counts:
    """Numbers beside navigation entries, by URL name; rooms add a function of the actor when they are loaded."""

    by_url_name: dict[str, Any] = {}


def address(name: str, tenant: str) -> str:
    """Return the path of a page of a tenant, empty when there is no such page."""
    try:
        return reverse(name, kwargs={"tenant": tenant})
    except NoReverseMatch:
        return ""


class Shell:
    """What base.html asks for."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._actor: Actor | None = getattr(request, "actor", None)

    @cached_property
    def tenant(self) -> dict[str, str] | None:
        """The tenant the page is in."""
        if self._actor is None:
            return None
        return {
            "name": self._actor.tenant_name,
            "slug": self._actor.tenant,
            "url": address("home", self._actor.tenant) or f"/ui/{self._actor.tenant}/",
        }

    @cached_property
    def tenants(self) -> list[dict[str, Any]]:
        """The tenants to switch to, the present one included."""
        if self._actor is None or self._actor.user_id is None:
            return []
        return [
            {
                "name": tenant.name,
                "slug": tenant.slug,
                "url": address("home", tenant.slug) or f"/ui/{tenant.slug}/",
                "active": tenant.pk == self._actor.tenant_id,
            }
            for tenant in users.tenants_of(self._actor.user_id)
        ]

    @cached_property
    def person(self) -> dict[str, str] | None:
        """Who is signed in."""
        if self._actor is None:
            return None
        words = self._actor.name.split() or [self._actor.email]
        initials = (words[0][:1] + (words[-1][:1] if len(words) > 1 else "")).upper()
        return {
            "name": self._actor.name,
            "initials": initials,
            "email": self._actor.email,
            "url": address("me", self._actor.tenant),
            "sign_out_url": reverse("sign-out"),
        }

    @cached_property
    def navigation(self) -> list[dict[str, Any]]:
        """Sections with the entries that exist and that the actor may open."""
        if self._actor is None:
            return []
        sections = [
            {"label": label, "entries": [shown for entry in entries if (shown := self._entry(entry, self._actor))]}
            for label, entries in NAVIGATION
        ]
        return [section for section in sections if section["entries"]]

    def _entry(self, entry: Entry, actor: Actor) -> dict[str, Any] | None:
        if entry.action and not actor.grants.anywhere(entry.action):
            return None
        url = address(entry.url_name, actor.tenant)
        if not url:
            return None
        match = self._request.resolver_match
        name = match.url_name if match else ""
        count = Counts.by_url_name.get(entry.url_name)
        return {
            "label": entry.label,
            "name": entry.url_name,
            "url": url,
            "icon": entry.icon,
            "count": count(actor) if count else None,
            "active": name == entry.url_name or name in entry.also,
        }

    @cached_property
    def zone(self) -> str:
        """The time zone in which dates are shown."""
        return self._actor.zone if self._actor else ""

    @cached_property
    def palette_url(self) -> str:
        """Where the search palette asks."""
        return address("palette", self._actor.tenant) if self._actor else ""

    @cached_property
    def live_url(self) -> str:
        """The socket that announces changes in the tenant."""
        return f"/ws/{self._actor.tenant}/" if self._actor else ""

    @cached_property
    def notices_url(self) -> str:
        """Where the bell leads."""
        return address("notices", self._actor.tenant) if self._actor else ""

    @cached_property
    def notices_count(self) -> int:
        """How many notices are unread."""
        return notices.unread_count(self._actor) if self._actor else 0


def shell(request: HttpRequest) -> dict[str, Any]:
    """Give every template `shell` and `actor`."""
    return {"shell": Shell(request), "actor": getattr(request, "actor", None)}
