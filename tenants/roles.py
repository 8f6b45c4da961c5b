"""Roles: a tenant's named sets of actions."""

from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext as _

from tenants import access, audit, giving
from tenants.actor import Actor, actions_of_role
from tenants.core.actions import unknown
from tenants.core.grants import Held
from tenants.errors import Conflict, Forbidden, Invalid, NotFound
from tenants.models import Binding, Role


def listed(actor: Actor) -> list[Role]:
    """Return the tenant's roles, built-in ones first."""
    return list(Role.objects.in_tenant(actor).order_by("-built_in", "pk"))


def actions_in(role: Role) -> frozenset[str]:
    """Return what a role allows."""
    return actions_of_role(role.name, role.actions, built_in=role.built_in)


@transaction.atomic
def create(actor: Actor, *, name: str, actions: Iterable[str], description: str = "") -> Role:
    """Make a role; it gives nothing until somebody who holds all of it binds it."""
    access.require(actor, "role.create", "")
    name, chosen = name.strip(), _known(actions)
    if not name:
        raise Invalid.in_field("name", _("Give the role a name."))
    if Role.objects.in_tenant(actor).filter(name=name).exists():
        raise Conflict(_("There is a role with this name already."))
    role = Role.across_tenants.create(tenant_id=actor.tenant_id, name=name, description=description, actions=chosen)
    audit.record(actor, "role.create", "role", role.pk, after={"name": name, "actions": chosen})
    return role


@transaction.atomic
def change(actor: Actor, role_id: int, *, actions: Iterable[str]) -> Role:
    """Change what a role allows. Whoever adds an action must hold it wherever the role is bound, as long as it is."""
    access.require(actor, "role.update", "")
    role = _changeable(actor, role_id)
    chosen = _known(actions)
    added = frozenset(chosen) - frozenset(role.actions)
    if added:
        for binding in Binding.objects.in_tenant(actor).filter(role=role):
            giving.require_holds(actor, [Held(added, binding.namespace)], until=binding.expires_at)
    before = {"actions": list(role.actions)}
    role.actions = chosen
    role.save(update_fields=["actions"])
    access.rights_changed(actor.tenant_id)
    audit.record(actor, "role.update", "role", role.pk, before=before, after={"actions": chosen})
    return role


@transaction.atomic
def delete(actor: Actor, role_id: int) -> None:
    """Remove a role that nothing binds any more."""
    access.require(actor, "role.delete", "")
    role = _changeable(actor, role_id)
    if Binding.objects.in_tenant(actor).filter(role=role).exists():
        raise Conflict(_("This role is still given to somebody. Take it away there first."))
    audit.record(actor, "role.delete", "role", role.pk, before={"name": role.name, "actions": list(role.actions)})
    role.delete()


def _changeable(actor: Actor, role_id: int) -> Role:
    role = Role.objects.in_tenant(actor).select_for_update().filter(pk=role_id).first()
    if role is None:
        raise NotFound
    if role.built_in:
        raise Forbidden(message=_("Built-in roles stay as they are. Make a role of your own."))
    return role


def _known(actions: Iterable[str]) -> list[str]:
    chosen = sorted(set(actions))
    if unknown(chosen):
        raise Invalid.in_field("actions", _("Unknown actions: %(names)s.") % {"names": ", ".join(unknown(chosen))})
    return chosen
