"""API tokens: 256 random bits behind a visible prefix; only their sha256 is kept."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from tenants import audit
from tenants.actor import Actor, read_rights, seat_of
from tenants.core.actions import unknown
from tenants.core.namespaces import is_namespace
from tenants.errors import Forbidden, Invalid, NotFound
from tenants.giving import require_all_of
from tenants.models import Token

PREFIX = "ptk_"
SHOWN = 10
TOUCH_EVERY = timedelta(minutes=1)


def mint(
    actor: Actor,
    *,
    user_id: int,
    name: str,
    expires_at: datetime | None = None,
    scope_actions: list[str] | None = None,
    scope_namespace: str = "",
) -> tuple[Token, str]:
    """Make a token of `user_id` for this tenant and return it with its secret, which is shown this once.

    One's own needs no right; another's needs `service_account.update` and all that the other one holds.
    """
    seat = seat_of(user_id, actor.tenant)
    if seat is None:
        raise NotFound
    if scope_actions is not None and unknown(scope_actions):
        raise Invalid.in_field(
            "actions", _("Unknown actions: %(names)s.") % {"names": ", ".join(unknown(scope_actions))}
        )
    if scope_namespace and not is_namespace(scope_namespace):
        raise Invalid.in_field("namespace", _("This is not a namespace."))
    if not name.strip():
        raise Invalid.in_field("name", _("Give the token a name, so that you know later what it is for."))
    if user_id != actor.user_id:
        _require_over(actor, user_id)
    elif actor.token_id is not None:
        raise Forbidden(message=_("A token cannot make tokens. Sign in to make one."))
    secret = PREFIX + secrets.token_urlsafe(32)
    token = Token.objects.create(
        user_id=user_id,
        tenant_id=actor.tenant_id,
        name=name.strip(),
        prefix=secret[:SHOWN],
        sha256=digest(secret),
        scope_actions=scope_actions,
        scope_namespace=scope_namespace,
        expires_at=expires_at,
    )
    after = {"user": user_id, "name": token.name, "prefix": token.prefix, "expires_at": expires_at}
    audit.record(actor, "service_account.update", "token", token.pk, after=after)
    return token, secret


def revoke(actor: Actor, token_id: int) -> None:
    """End a token now; one's own, or another's with `service_account.delete`."""
    token = Token.objects.filter(pk=token_id, tenant_id=actor.tenant_id, revoked_at=None).first()
    if token is None or (token.user_id != actor.user_id and not actor.grants.allowed("service_account.delete", "")):
        raise NotFound
    token.revoked_at = timezone.now()
    token.save(update_fields=["revoked_at"])
    audit.record(actor, "service_account.delete", "token", token.pk, before={"user": token.user_id, "name": token.name})


def find(secret: str) -> Token | None:
    """Return the living token with this secret, with its owner and tenant; None for any other text.

    Looked up by digest, so the time it takes says nothing about the secret.
    """
    if not secret.startswith(PREFIX):
        return None
    now = timezone.now()
    token = (
        Token.objects.select_related("user", "tenant")
        .filter(sha256=digest(secret), revoked_at=None, user__is_active=True, user__deleted_at=None)
        .filter(Q(expires_at=None) | Q(expires_at__gt=now))
        .first()
    )
    if token is not None and (token.last_used_at is None or token.last_used_at < now - TOUCH_EVERY):
        Token.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def digest(secret: str) -> str:
    """Return what is kept of a secret; 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _require_over(actor: Actor, user_id: int) -> None:
    if not actor.grants.allowed("service_account.update", ""):
        raise Forbidden("service_account.update")
    require_all_of(actor, read_rights(user_id, actor.tenant_id, timezone.now()))
