"""Places: dotted namespaces inside a tenant, and the words that a tenant's id may not be."""

import re

NAMESPACE_LENGTH = 150
_SEGMENT = r"[a-z0-9_-]+"
_NAMESPACE = re.compile(rf"[a-z0-9][a-z0-9_-]*(?:\.{_SEGMENT})*", re.ASCII)
_TENANT = re.compile(r"[a-z0-9][a-z0-9-]{0,58}[a-z0-9]", re.ASCII)

# First words of our own addresses below /api/v1/, /ui/, /ws/ and /p/, and words that people take for the product's.
RESERVED_TENANTS = frozenset(
    {
        "admin",
        "api",
        "apps",
        "auditlogs",
        "auth",
        "auths",
        "banners",
        "basic-auth",
        "configs",
        "docs",
        "forgotten-password",
        "health",
        "instance",
        "invitation",
        "invitations",
        "kill-switches",
        "license",
        "license-info",
        "login",
        "logout",
        "main-tenant-flows",
        "me",
        "metrics",
        "new",
        "notifications",
        "openapi",
        "p",
        "pebble",
        "plugins",
        "portico",
        "public",
        "request-code",
        "reset-password",
        "schema",
        "scim",
        "service-accounts",
        "settings",
        "setup",
        "sign-in",
        "sign-out",
        "static",
        "styleguide",
        "system",
        "tenants",
        "ui",
        "users",
        "validate-password",
        "ws",
    }
)


def covers(place: str, namespace: str) -> bool:
    """Say whether a right in `place` reaches `namespace`; the empty place is the whole tenant."""
    return place in {"", namespace} or namespace.startswith(f"{place}.")


def parents(namespace: str) -> list[str]:
    """Return the places above `namespace`, nearest first, without the tenant itself: a.b.c -> [a.b, a]."""
    words = namespace.split(".")
    return [".".join(words[:count]) for count in range(len(words) - 1, 0, -1)]


def is_namespace(text: str) -> bool:
    """Say whether `text` can name a namespace: lower-case words of a-z 0-9 _ - joined by single dots, at most 150."""
    return len(text) <= NAMESPACE_LENGTH and _NAMESPACE.fullmatch(text) is not None


def is_tenant_id(text: str) -> bool:
    """Say whether `text` can be a tenant's id: 2 to 60 of a-z 0-9 -, and none of the reserved words."""
    return _TENANT.fullmatch(text) is not None and text not in RESERVED_TENANTS


def outermost(places: frozenset[str]) -> frozenset[str]:
    """Return `places` without those that another one covers already."""
    if "" in places:
        return frozenset({""})
    return frozenset(place for place in places if not any(parent in places for parent in parents(place)))
