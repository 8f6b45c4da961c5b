"""The audit log: who did what to what, written in the transaction of the change itself."""

import json
import re
from collections.abc import Mapping
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from tenants.actor import Actor
from tenants.models import AuditEntry

MASK = "••••••"
_SECRET = re.compile(r"passw|secret|token|credential|api_?key|private_?key|sha256", re.IGNORECASE)


def record(
    actor: Actor,
    action: str,
    thing_kind: str,
    thing_id: object,
    *,
    namespace: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Write one entry; `before` and `after` are the thing's fields (None: it did not exist), secrets are masked.

    Entries hold ids; names are joined when they are shown, so that a person can be erased.
    """
    at = timezone.now()
    difference = differences(before or {}, after or {})
    stated = {
        "at": at.isoformat(),
        "tenant": actor.tenant_id,
        "user": actor.user_id,
        "on_behalf_of": actor.on_behalf_of,
        "token": actor.token_id,
        "address": actor.address,
        "action": action,
        "thing": [thing_kind, str(thing_id)],
        "namespace": namespace,
        "difference": difference,
    }
    return AuditEntry.across_tenants.create(
        tenant_id=actor.tenant_id,
        at=at,
        user_id=actor.user_id,
        on_behalf_of_id=actor.on_behalf_of,
        token_id=actor.token_id,
        address=actor.address,
        action=action,
        thing_kind=thing_kind,
        thing_id=str(thing_id),
        namespace=namespace,
        difference=difference,
        canonical=json.dumps(stated, sort_keys=True, separators=(",", ":"), ensure_ascii=False),
    )


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return {field: [before, after]} of the fields that differ, as plain JSON, secrets masked on both sides."""
    changed: dict[str, list[Any]] = {}
    for name in sorted(before.keys() | after.keys()):
        old, new = _masked(before.get(name), name), _masked(after.get(name), name)
        if before.get(name) != after.get(name):
            changed[name] = [old, new]
    plain: dict[str, list[Any]] = json.loads(json.dumps(changed, cls=DjangoJSONEncoder))
    return plain


def _masked(value: object, name: str) -> object:
    if value is None:
        return None
    if _SECRET.search(name):
        return MASK
    if isinstance(value, Mapping):
        return {str(key): _masked(inner, str(key)) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value, key=str) if isinstance(value, (set, frozenset)) else value
        return [_masked(inner, "") for inner in items]
    return value


PAGE = 50


def newest(
    actor: Actor,
    *,
    before_id: int | None = None,
    kind: str = "",
    thing_id: str = "",
    action: str = "",
    person: int | None = None,
) -> list[AuditEntry]:
    """Return up to PAGE entries of the actor's tenant, newest first, older than `before_id`.

    "" and None filter nothing. The door has checked `auditlog.list`.
    """
    entries = AuditEntry.objects.in_tenant(actor).select_related("user", "on_behalf_of", "token")
    if before_id is not None:
        entries = entries.filter(pk__lt=before_id)
    wanted = {"thing_kind": kind, "thing_id": thing_id, "action": action, "user_id": person}
    return list(entries.filter(**{name: value for name, value in wanted.items() if value}).order_by("-pk")[:PAGE])
