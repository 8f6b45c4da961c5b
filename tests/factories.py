"""Rows for tests: one keyword-only function per noun, made by the product's own verbs where there are any."""

import itertools

from tenants import bindings, groups, roles, tenancy, tokens, users
from tenants.actor import Actor, actor_in, seat_of
from tenants.models import Binding, Group, Membership, Role, Tenant, Token, User

PASSWORD = "quiet-harbour-77"

_numbers = itertools.count(1)


def user(*, name: str = "", email: str = "", password: str | None = None, instance_owner: bool = False) -> User:
    """A person in no tenant yet."""
    number = next(_numbers)
    made = users.create(
        email=email or f"person{number}@example.com", name=name or f"Person {number}", password=password
    )
    if instance_owner:
        made.is_instance_owner = True
        made.save(update_fields=["is_instance_owner"])
    return made


def tenant(*, slug: str = "", name: str = "", admin: User | None = None) -> Tenant:
    """A tenant with its built-in roles and an Admin."""
    number = next(_numbers)
    admin = admin or user(name=f"Admin {number}")
    return tenancy.create_tenant(slug=slug or f"tenant-{number}", name=name, first_admin=admin, acting=None)


def member(*, tenant: Tenant, user: User) -> Membership:
    """Somebody is in a tenant, without any right."""
    return Membership.objects.create(tenant=tenant, user=user)


def actor(*, tenant: Tenant, user: User, token: Token | None = None) -> Actor:
    """The actor of a member, as a request would load it now."""
    seat = seat_of(user.pk, tenant.slug)
    assert seat is not None, f"{user} is not in {tenant}"
    with tenancy.in_tenant(tenant.pk):
        return actor_in(seat, token=token, address="192.0.2.1")


def role(*, tenant: Tenant, actions: list[str], name: str = "") -> Role:
    """A role of the tenant's own."""
    return roles.create(Actor.system(tenant.pk), name=name or f"Role {next(_numbers)}", actions=actions)


def built_in_role(*, tenant: Tenant, name: str) -> Role:
    """A role that every tenant has."""
    return Role.objects.in_tenant(tenant.pk).get(name=name, built_in=True)


def group(*, tenant: Tenant, name: str = "", members: tuple[User, ...] = (), owners: tuple[User, ...] = ()) -> Group:
    """A group with members."""
    made = groups.create(Actor.system(tenant.pk), name=name or f"Group {next(_numbers)}")
    for person in members:
        groups.add_member(Actor.system(tenant.pk), made, person.pk)
    for person in owners:
        groups.add_member(Actor.system(tenant.pk), made, person.pk, owner=True)
    return made


def binding(
    *,
    tenant: Tenant,
    role: Role,
    user: User | None = None,
    group: Group | None = None,
    namespace: str = "",
    own_only: bool = False,
    expires_at: object = None,
) -> Binding:
    """A role held in a place."""
    return bindings.give(
        Actor.system(tenant.pk),
        role_id=role.pk,
        user_id=user.pk if user else None,
        group_id=group.pk if group else None,
        namespace=namespace,
        own_only=own_only,
        expires_at=expires_at,
    )


def token(*, tenant: Tenant, user: User, **scope: object) -> tuple[Token, str]:
    """A token of a member and its secret."""
    return tokens.mint(actor(tenant=tenant, user=user), user_id=user.pk, name="Test", **scope)
