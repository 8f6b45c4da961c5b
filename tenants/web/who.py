"""Who sent a request: the owner of a bearer token, or the person of the session."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from tenants import tokens
from tenants.errors import Unauthenticated


@dataclass(frozen=True, slots=True)
class Who:
    """A user, and the token they came with (a tenants.models.Token)."""

    user_id: int
    token: Any = None


def bearer_of(request: HttpRequest) -> str | None:
    """Return the bearer secret of a request, None when it carries none."""
    kind, _space, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if kind.lower() == "bearer" else None


def who_sent(request: HttpRequest) -> Who | None:
    """Return who sent `request`, None for nobody; raises Unauthenticated for a token that does not hold.

    A bearer token goes before the session: a program that sends one means it.
    """
    if not hasattr(request, "portico_who"):
        request.portico_who = _read(request)  # type: ignore[attr-defined]
    found: Who | None = request.portico_who  # type: ignore[attr-defined]
    return found


def _read(request: HttpRequest) -> Who | None:
    secret = bearer_of(request)
    if secret is not None:
        token = tokens.find(secret)
        if token is None:
            raise Unauthenticated(_("This token is wrong, expired or revoked."))
        return Who(token.user_id, token)
    user = request.user
    return Who(user.pk) if user.is_authenticated else None
