"""Groups: people of a tenant who share rights. Owners of a group may change its members without any other right."""

from django.db import transaction
from django.db.models import Count, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from tenants import access, audit, giving, users
from tenants.actor import Actor
from tenants.core.grants import Held
from tenants.errors import Conflict, Invalid, NotFound
from tenants.models import Binding, Group, GroupMember
from tenants.roles import actions_in
from tenants.shares import shares_of_group


def listed(actor: Actor) -> QuerySet[Group]:
    """Return the tenant's living groups by name, each with `size`, the number of its members."""
    return Group.objects.in_tenant(actor).filter(deleted_at=None).annotate(size=Count("memberships")).order_by("name")


def group_for(actor: Actor, group_id: int) -> Group:
    """Return a living group that the actor may see: with `group.view`, or as one of its owners."""
    group = Group.objects.in_tenant(actor).filter(pk=group_id, deleted_at=None).first()
    if group is None or not (actor.grants.allowed("group.view", "") or is_owner(actor, group)):
        raise NotFound
    return group


def is_owner(actor: Actor, group: Group) -> bool:
    """Say whether the actor owns the group."""
    mine = GroupMember.objects.in_tenant(actor).filter(group=group, user_id=actor.person_id, owner=True)
    return mine.exists()


def members_of(actor: Actor, group: Group) -> QuerySet[GroupMember]:
    """Return the group's members with their users, by name."""
    return GroupMember.objects.in_tenant(actor).filter(group=group).select_related("user").order_by("user__name", "pk")


@transaction.atomic
def create(actor: Actor, *, name: str, description: str = "") -> Group:
    """Make a group without members; needs `group.create`."""
    access.require(actor, "group.create", "")
    name = name.strip()
    if not name or len(name) > 150:
        raise Invalid.in_field("name", _("A group has a name of at most 150 characters."))
    if Group.objects.in_tenant(actor).filter(name=name, deleted_at=None).exists():
        raise Conflict(_("There is a group with this name already."))
    group = Group.across_tenants.create(tenant_id=actor.tenant_id, name=name, description=description)
    audit.record(actor, "group.create", "group", group.pk, after={"name": name})
    return group


@transaction.atomic
def delete(actor: Actor, group_id: int) -> None:
    """End a group: the rights that came through it are gone, its members stay members of the tenant."""
    access.require(actor, "group.delete", "")
    group = Group.objects.in_tenant(actor).select_for_update().filter(pk=group_id, deleted_at=None).first()
    if group is None:
        raise NotFound
    group.deleted_at = timezone.now()
    group.save(update_fields=["deleted_at"])
    ended, _by_model = Binding.objects.in_tenant(actor).filter(group=group).delete()
    access.rights_changed(actor.tenant_id)
    audit.record(actor, "group.delete", "group", group.pk, before={"name": group.name, "bindings": ended})


@transaction.atomic
def add_member(actor: Actor, group: Group, user_id: int, *, owner: bool = False) -> GroupMember:
    """Put a member of the tenant into a group; needs `group.manage_members` or owning it, and all that it carries."""
    _require_manage(actor, group)
    users.member(actor, user_id)
    for binding in Binding.objects.in_tenant(actor).filter(group=group).select_related("role"):
        giving.require_holds(actor, [Held(actions_in(binding.role), binding.namespace)], until=binding.expires_at)
    giving.require_shares(actor, shares_of_group(actor.tenant_id, group.pk))
    joined, new = GroupMember.across_tenants.get_or_create(
        tenant_id=actor.tenant_id,
        group=group,
        user_id=user_id,
        defaults={"owner": owner},
    )
    if not new and joined.owner == owner:
        raise Conflict(_("This person is in the group already."))
    joined.owner = owner
    joined.save(update_fields=["owner"])
    access.rights_changed(actor.tenant_id)
    audit.record(actor, "group.manage_members", "group", group.pk, after={"user": user_id, "owner": owner})
    return joined


@transaction.atomic
def remove_member(actor: Actor, group: Group, user_id: int) -> None:
    """Take somebody out of a group; needs `group.manage_members` or owning it."""
    _require_manage(actor, group)
    gone, _by_model = GroupMember.objects.in_tenant(actor).filter(group=group, user_id=user_id).delete()
    if not gone:
        raise NotFound
    access.rights_changed(actor.tenant_id)
    audit.record(actor, "group.manage_members", "group", group.pk, before={"user": user_id})


def _require_manage(actor: Actor, group: Group) -> None:
    if group.tenant_id != actor.tenant_id or group.deleted_at is not None:
        raise NotFound
    if not is_owner(actor, group):
        access.require(actor, "group.manage_members", "")
