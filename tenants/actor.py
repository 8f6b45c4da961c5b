"""Who acts: a person, a program with a token, or the engine itself, with all that they may do in one tenant."""

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Value
from django.db.models.fields import BigIntegerField, CharField
from django.utils import timezone

from tenants.core.grants import Grants, Held, grants_of
from tenants.core.roles import BUILT_IN
from tenants.models import Binding, GroupMember, Membership, Tenant, Token, User
from tenants.shares import shares_of_user


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who acts in one tenant. Loaded once per request or message; never kept longer."""

    user_id: int | None
    tenant_id: int
    tenant: str
    name: str = ""
    email: str = ""
    language: str = "en"
    zone: str = "UTC"
    grants: Grants = field(default_factory=Grants)
    token_id: int | None = None
    address: str | None = None
    is_instance_owner: bool = False
    on_behalf_of: int | None = None
    group_ids: frozenset[int] = frozenset()
    group_names: frozenset[str] = frozenset()
    tenant_name: str = ""

    @property
    def is_system(self) -> bool:
        """Say whether this is the engine itself."""
        return self.grants.system

    @property
    def person_id(self) -> int:
        """The user's id for look-ups; 0, which nobody has, for the engine."""
        return self.user_id or 0

    @classmethod
    def system(cls, tenant_id: int) -> "Actor":
        """Return the engine's own actor in a tenant; it may everything there and is nobody."""
        return cls(user_id=None, tenant_id=tenant_id, tenant="", grants=Grants(system=True))


@dataclass(frozen=True, slots=True)
class Rights:
    """What bindings, groups and shares add up to for one user in one tenant, until the first of them runs out."""

    grants: Grants
    group_ids: frozenset[int]
    group_names: frozenset[str]
    until: datetime | None


class RightsCache:
    """Rights by (user, tenant, the tenant's permission version): any change of a right raises the version."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[int, int, int], Rights] = OrderedDict()

    def get(self, user_id: int, tenant_id: int, version: int, at: datetime) -> Rights:
        """Return the rights that hold at `at`, from memory or from two queries."""
        key = (user_id, tenant_id, version)
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and (kept.until is None or at < kept.until):
                self._kept.move_to_end(key)
                return kept
        rights = read_rights(user_id, tenant_id, at)
        with self._lock:
            self._kept[key] = rights
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return rights

    def clear(self) -> None:
        """Forget everything; tests roll versions back, the product never does."""
        with self._lock:
            self._kept.clear()


rights_cache = RightsCache(size=10_000)


def actions_of_role(name: str, actions: Iterable[str], *, built_in: bool) -> frozenset[str]:
    """Return what a role allows; a built-in one's actions come from the code."""
    return BUILT_IN[name].actions if built_in else frozenset(actions)


def read_rights(user_id: int, tenant_id: int, at: datetime, *, lasting_until: datetime | None = None) -> Rights:
    """Read bindings (own and through groups) and shares from the database.

    With `lasting_until`, only what will still hold then counts.
    """
    groups: dict[int, str] = {}
    held: list[Held] = []
    ends: list[datetime] = []
    for group_id, group, role_id, built_in, role, actions, place, own_only, expires_at in _bindings(user_id, tenant_id):
        if group_id is not None:
            groups[group_id] = group
        if role_id is None:
            continue
        if expires_at is not None:
            if expires_at <= at or (lasting_until is not None and expires_at < lasting_until):
                continue
            ends.append(expires_at)
        held.append(Held(actions_of_role(role, actions, built_in=built_in), place, own_only))
    return Rights(
        grants=grants_of(user_id, held, shares_of_user(tenant_id, user_id)),
        group_ids=frozenset(groups),
        group_names=frozenset(groups.values()),
        until=min(ends, default=None),
    )


def _bindings(user_id: int, tenant_id: int) -> Iterable[tuple[Any, ...]]:
    columns = ("role__id", "role__built_in", "role__name", "role__actions", "namespace", "own_only", "expires_at")
    direct = (
        Binding.objects.in_tenant(tenant_id)
        .filter(user_id=user_id)
        .annotate(in_group=Value(None, BigIntegerField()), group_name_=Value(None, CharField()))
        .values_list("in_group", "group_name_", *columns)
    )
    through_groups = (
        GroupMember.objects.in_tenant(tenant_id)
        .filter(user_id=user_id, group__deleted_at=None)
        .values_list("group_id", "group__name", *(f"group__bindings__{column}" for column in columns))
    )
    return direct.union(through_groups, all=True)


@dataclass(frozen=True, slots=True)
class Seat:
    """A living membership: the tenant, the user in it, and the version that their cached rights must have."""

    tenant: Tenant
    user: User


def seat_of(user_id: int, slug: str) -> Seat | None:
    """Return the seat of an active user in the living tenant `slug`, with one query; None hides which is missing."""
    membership = (
        Membership.objects.select_related("tenant", "user")
        .filter(
            user_id=user_id,
            ended_at=None,
            user__is_active=True,
            user__deleted_at=None,
            tenant__slug=slug,
            tenant__deleted_at=None,
        )
        .first()
    )
    return None if membership is None else Seat(membership.tenant, membership.user)


def actor_in(seat: Seat, *, token: Token | None = None, address: str | None = None) -> Actor:
    """Return the actor of a seat; call it inside `in_tenant`, or as a role that crosses tenants.

    A token narrows what its owner may do; it never widens it.
    """
    user, tenant = seat.user, seat.tenant
    rights = rights_cache.get(user.pk, tenant.pk, tenant.permission_version, timezone.now())
    grants = rights.grants
    if token is not None:
        grants = grants.narrowed(token.scope_actions, token.scope_namespace)
    return Actor(
        user_id=user.pk,
        tenant_id=tenant.pk,
        tenant=tenant.slug,
        name=user.name,
        email=user.email,
        language=user.language or tenant.language,
        zone=user.time_zone or tenant.time_zone or "UTC",
        grants=grants,
        token_id=None if token is None else token.pk,
        address=address,
        is_instance_owner=user.is_instance_owner,
        group_ids=rights.group_ids,
        group_names=rights.group_names,
        tenant_name=tenant.name,
    )


def actor_for(user_id: int, tenant_id: int) -> Actor | None:
    """Return the actor for a user whose rights are checked later than their request; None when they have left.

    For instance a schedule that fires, or a draft submitted for them. Same transaction rules as `actor_in`.
    """
    slug = Tenant.objects.filter(pk=tenant_id).values_list("slug", flat=True).first()
    seat = None if slug is None else seat_of(user_id, slug)
    return None if seat is None else actor_in(seat)
