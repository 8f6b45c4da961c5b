"""Tenants: being in one, finding one, making one."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from django.utils.translation import gettext as _

from tenants import audit
from tenants.actor import Actor
from tenants.core.namespaces import is_tenant_id
from tenants.core.roles import BUILT_IN
from tenants.errors import Conflict, Forbidden, Invalid, NotFound
from tenants.models import Binding, Membership, Role, Tenant, User


@contextmanager
def in_tenant(tenant_id: int) -> Iterator[None]:
    """Run one transaction whose row-level security shows the rows of `tenant_id` alone.

    Inside another transaction it is a savepoint, and the tenant of before holds again afterwards.
    """
    nested = connection.in_atomic_block
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_setting('app.tenant_id', true), set_config('app.tenant_id', %s, true)",
                [str(tenant_id)],
            )
            before = cursor.fetchone()[0]
        yield
        if nested and not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('app.tenant_id', %s, true)", [before or ""])


def tenant_from_slug(slug: str) -> Tenant:
    """Return the living tenant with the id that stands in addresses; raises NotFound."""
    tenant = Tenant.objects.filter(slug=slug, deleted_at=None).first()
    if tenant is None:
        raise NotFound
    return tenant


REMEMBERED = 1.0  # seconds
_ids: dict[str, tuple[float, int]] = {}  # by slug: until when, and the id; only of tenants that exist


def tenant_id_of(slug: str) -> int:
    """Return the id of the living tenant `slug`, remembered for a second: webhooks ask for little else.

    A tenant that is closed stops being found within that second. Raises NotFound.
    """
    until, tenant_id = _ids.get(slug, (0.0, 0))
    if until < time.monotonic():
        tenant_id = tenant_from_slug(slug).pk
        _ids[slug] = (time.monotonic() + REMEMBERED, tenant_id)
    return tenant_id


def create_tenant(
    *,
    slug: str,
    name: str,
    first_admin: User,
    acting: User | None,
    language: str = "en",
    time_zone: str = "UTC",
) -> Tenant:
    """Make a tenant with its built-in roles and name its first Admin; the one right that is given without being held.

    `acting` must be an instance owner; None is the set-up of a fresh server and the command line. Raises Invalid for a
    bad or reserved id and Conflict for a taken one.
    """
    if acting is not None and not acting.is_instance_owner:
        raise Forbidden(message=_("Only an instance owner can make a tenant."))
    if not is_tenant_id(slug):
        message = _("A tenant's id has 2 to 60 of a-z, 0-9 and -, and is none of the words that addresses need.")
        raise Invalid.in_field("slug", message)
    if Tenant.objects.filter(slug=slug).exists():
        raise Conflict(_("There is a tenant with this id already."))
    _ids.pop(slug, None)  # a test's rolled-back one may have had the same
    with transaction.atomic():
        tenant = Tenant.objects.create(slug=slug, name=name.strip() or slug, language=language, time_zone=time_zone)
        with in_tenant(tenant.pk):
            Membership.objects.create(tenant=tenant, user=first_admin)
            roles = Role.across_tenants.bulk_create(
                Role(tenant=tenant, name=role.name, description=role.description, built_in=True)
                for role in BUILT_IN.values()
            )
            admin = next(role for role in roles if role.name == "Admin")
            Binding.across_tenants.create(tenant=tenant, user=first_admin, role=admin)
            by = Actor(user_id=(acting or first_admin).pk, tenant_id=tenant.pk, tenant=slug)
            audit.record(by, "tenant.create", "tenant", tenant.pk, after={"slug": slug, "name": tenant.name})
    return tenant
