"""May they? One rule for pages, API, streams, files and search: `allowed` for one thing, `visible_to` for rows."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Func, Q
from django.db.models.fields import BigIntegerField
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from tenants.actor import Actor, read_rights
from tenants.core.actions import ACTIONS, Scope, scope_of
from tenants.core.grants import Grants, Verdict
from tenants.core.namespaces import is_namespace, parents
from tenants.core.roles import BUILT_IN
from tenants.errors import Forbidden, Invalid, NotFound
from tenants.models import Binding, Tenant, User
from tenants.notices import tell

WHO_CAN_GRANT_SHOWN = 5


def allowed(
    actor: Actor,
    action: str,
    namespace: str,
    *,
    started_by: int | None = None,
    app_id: int | None = None,
) -> Verdict:
    """Decide whether `actor` may do `action` in `namespace` (empty: on the tenant), and say why.

    `started_by` is the user who started the run it is about; `app_id` the row id of the app it is about.
    """
    return actor.grants.allowed(action, namespace, started_by, app_id)


def require(
    actor: Actor,
    action: str,
    namespace: str,
    *,
    thing: object | None = None,
    started_by: int | None = None,
    app_id: int | None = None,
) -> None:
    """Return when `actor` may; else raise Forbidden, or NotFound for a `thing` that they may not even see.

    `thing` is whatever exists and might have to stay unknown; its `started_by_id` is read when it has one.
    """
    if started_by is None and thing is not None:
        started_by = getattr(thing, "started_by_id", None)
    if allowed(actor, action, namespace, started_by=started_by, app_id=app_id):
        return
    if thing is not None and not _may_see(actor, action, namespace, started_by, app_id):
        raise NotFound
    raise Forbidden(action, who_can_grant(actor.tenant_id, action, namespace), namespace=namespace)


def _may_see(actor: Actor, action: str, namespace: str, started_by: int | None, app_id: int | None) -> bool:
    if scope_of(action) is Scope.TENANT:
        return True
    resource = action.partition(".")[0]
    return any(
        allowed(actor, f"{resource}.{verb}", namespace, started_by=started_by, app_id=app_id)
        for verb in ("view", "list")
    )


def in_places(places: Iterable[str], field: str) -> Q:
    """Return the condition "the namespace in `field` is one of `places` or below one", as ranges an index can serve."""
    condition = Q(pk__in=[])
    for place in sorted(places):
        if place == "":
            return Q()
        condition |= Q(**{field: place}) | Q(**{f"{field}__gte": f"{place}.", f"{field}__lt": f"{place}/"})
    return condition


def visible_to(
    actor: Actor,
    action: str,
    *,
    namespace_field: str = "namespace",
    starter_field: str | None = "started_by_id",
    app_field: str | None = None,
    tenant_field: str = "tenant_id",
) -> Q:
    """Return the rows of the actor's tenant on which `allowed(actor, action, ...)` says yes.

    Name the columns of the model asked: the namespace, who started it (None: nobody starts such things), the app's
    row id (None: it belongs to no app).
    """
    mine = Q(**{tenant_field: actor.tenant_id})
    reach = actor.grants.reach(action)
    if "" in reach.places:
        return mine
    seen = in_places(reach.places, namespace_field)
    if starter_field is not None and actor.user_id is not None and reach.own_places:
        seen |= Q(**{starter_field: actor.user_id}) & in_places(reach.own_places, namespace_field)
    if app_field is not None and reach.apps:
        seen |= Q(**{f"{app_field}__in": sorted(reach.apps)})
    return mine & seen


def holders(tenant_id: int, action: str, namespace: str) -> set[int]:
    """Return the ids of the active members who hold `action` in `namespace` for everybody's runs."""
    roles = [role.name for role in BUILT_IN.values() if action in role.actions]
    bindings = (
        Binding.objects.in_tenant(tenant_id)
        .filter(
            Q(role__built_in=True, role__name__in=roles) | Q(role__built_in=False, role__actions__contains=[action])
        )
        .filter(own_only=False, namespace__in=["", namespace, *parents(namespace)])
        .filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()))
    )
    living = User.objects.filter(
        is_active=True,
        deleted_at=None,
        memberships__tenant_id=tenant_id,
        memberships__ended_at=None,
    )
    direct = living.filter(bindings__in=bindings).values_list("pk", flat=True)
    through_groups = living.filter(
        group_memberships__group__bindings__in=bindings,
        group_memberships__group__deleted_at=None,
    ).values_list("pk", flat=True)
    return set(direct.union(through_groups))


def who_can_grant(tenant_id: int, action: str, namespace: str) -> list[str]:
    """Return the names of a few people who could give `action` in `namespace`: they hold it and may make bindings."""
    able = holders(tenant_id, action, namespace) & holders(tenant_id, "binding.create", "")
    return list(User.objects.filter(pk__in=able).order_by("name").values_list("name", flat=True)[:WHO_CAN_GRANT_SHOWN])


def ask_for(actor: Actor, action: str, namespace: str) -> None:
    """Tell those who could give `actor` an action that they ask for it; raises Invalid for an unknown one."""
    if action not in ACTIONS or (namespace and not is_namespace(namespace)):
        raise Invalid(message=_("There is no such right."))
    able = holders(actor.tenant_id, action, namespace) & holders(actor.tenant_id, "binding.create", "")
    in_place = gettext_noop("%(name)s asks for the right %(action)s in %(place)s.")
    everywhere = gettext_noop("%(name)s asks for the right %(action)s in the whole tenant.")
    tell(
        actor.tenant_id,
        able,
        "access-request",
        thing=f"user:{actor.user_id}",
        text=in_place if namespace else everywhere,
        values={"name": actor.name, "action": action, "place": namespace},
        link=f"/ui/{actor.tenant}/access",
    )


class _NextVersion(Func):
    """A number that no other transaction gets, not even one that is rolled back."""

    template = "nextval('tenants_permission_version')"
    output_field = BigIntegerField()


def rights_changed(tenant_id: int) -> None:
    """Make everybody's cached rights in a tenant stale; every change of a binding, role, group or share calls it."""
    Tenant.objects.filter(pk=tenant_id).update(permission_version=_NextVersion())


def lasting_grants(actor: Actor, until: datetime | None) -> Grants:
    """Return what `actor` will still hold at `until` (None: for ever), no wider than what they act with now."""
    if actor.user_id is None:
        return actor.grants
    far = until or datetime.max.replace(tzinfo=timezone.get_default_timezone())
    return read_rights(actor.user_id, actor.tenant_id, timezone.now(), lasting_until=far).grants
