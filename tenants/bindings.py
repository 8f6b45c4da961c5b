"""Bindings: a person or group holds a role in a place. They are made and removed, never changed."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from tenants import access, audit, giving, users
from tenants.actor import Actor, read_rights
from tenants.core.grants import Held
from tenants.core.namespaces import is_namespace
from tenants.errors import Conflict, Forbidden, Invalid, NotFound
from tenants.models import Binding, Group, Role
from tenants.roles import actions_in


def listed(actor: Actor) -> QuerySet[Binding]:
    """Return the tenant's bindings with subject and role, those of deleted groups left out."""
    return (
        Binding.objects.in_tenant(actor)
        .filter(group__deleted_at=None)
        .select_related("user", "group", "role")
        .order_by("namespace", "pk")
    )


@transaction.atomic
def give(
    actor: Actor,
    *,
    role_id: int,
    user_id: int | None = None,
    group_id: int | None = None,
    namespace: str = "",
    own_only: bool = False,
    expires_at: datetime | None = None,
) -> Binding:
    """Give a role to a member or a group, in `namespace` and below (empty: the whole tenant), and return the binding.

    Needs `binding.create` and every action of the role there, for as long as the binding lasts. `own_only` limits it to
    runs that the subject started; giving that needs the full right too, since their runs are not the giver's own.
    """
    access.require(actor, "binding.create", "")
    if (user_id is None) == (group_id is None):
        raise Invalid.in_field("subject", _("Choose one person or one group."))
    if namespace and not is_namespace(namespace):
        raise Invalid.in_field(
            "namespace", _("A namespace has lower-case words joined by dots, such as finance.reports.")
        )
    if expires_at is not None and expires_at <= timezone.now():
        raise Invalid.in_field("expires_at", _("This moment has passed already."))
    role = Role.objects.in_tenant(actor).select_for_update().filter(pk=role_id).first()
    if role is None:
        raise NotFound
    if user_id is not None:
        users.member(actor, user_id)
    elif not Group.objects.in_tenant(actor).filter(pk=group_id or 0, deleted_at=None).exists():
        raise NotFound
    giving.require_holds(actor, [Held(actions_in(role), namespace)], until=expires_at)
    terms: dict[str, Any] = {
        "role": role,
        "user_id": user_id,
        "group_id": group_id,
        "namespace": namespace,
        "own_only": own_only,
        "expires_at": expires_at,
    }
    if Binding.objects.in_tenant(actor).filter(**terms).exists():
        raise Conflict(_("This is given already."))
    binding = Binding.across_tenants.create(tenant_id=actor.tenant_id, **terms)
    access.rights_changed(actor.tenant_id)
    audit.record(actor, "binding.create", "binding", binding.pk, namespace=namespace, after=_said(binding))
    return binding


@transaction.atomic
def remove(actor: Actor, binding_id: int) -> None:
    """Take a binding away; needs `binding.delete`. One's own right to make bindings cannot be taken by oneself."""
    access.require(actor, "binding.delete", "")
    binding = Binding.objects.in_tenant(actor).select_for_update().filter(pk=binding_id).first()
    if binding is None:
        raise NotFound
    before, namespace = _said(binding), binding.namespace
    binding.delete()
    if actor.user_id is not None:
        left = read_rights(actor.user_id, actor.tenant_id, timezone.now()).grants
        if not left.allowed("binding.create", ""):
            raise Forbidden(message=_("You cannot take away your own right to give rights. Ask another admin."))
    access.rights_changed(actor.tenant_id)
    audit.record(actor, "binding.delete", "binding", binding_id, namespace=namespace, before=before)


def _said(binding: Binding) -> dict[str, object]:
    return {
        "user": binding.user_id,
        "group": binding.group_id,
        "role": binding.role_id,
        "namespace": binding.namespace,
        "own_only": binding.own_only,
        "expires_at": binding.expires_at,
    }
