"""What every row of a tenant has in common."""

from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.db import models

if TYPE_CHECKING:
    from tenants.actor import Actor

Row_co = TypeVar("Row_co", bound=models.Model, covariant=True)


class OwnedQuerySet(models.QuerySet[Row_co]):
    """Rows of one tenant; `visible_to` comes from each room's access.py."""

    def in_tenant(self, tenant: "int | Actor") -> Self:
        """Return the rows of `tenant` (its id, or an actor in it)."""
        tenant_id = tenant if isinstance(tenant, int) else tenant.tenant_id
        return self.filter(tenant_id=tenant_id)


class OwnedManager(models.Manager[Row_co]):
    """Offers `in_tenant` only, so that a query without a tenant cannot be written by accident."""

    def in_tenant(self, tenant: "int | Actor") -> OwnedQuerySet[Row_co]:
        """Return the rows of `tenant` (its id, or an actor in it)."""
        return OwnedQuerySet(self.model, using=self._db).in_tenant(tenant)

    def get_queryset(self) -> models.QuerySet[Any]:
        """Refuse: say `in_tenant`, or `across_tenants` where that is really meant."""
        raise TypeError(f"{self.model.__name__}.objects needs .in_tenant(...)")


class TenantOwned(models.Model):
    """A row that belongs to one tenant; row-level security guards the same column."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT, db_index=False, related_name="+")

    across_tenants = models.Manager()
    objects = OwnedManager()

    class Meta:
        abstract = True
        base_manager_name = "across_tenants"
        default_manager_name = "across_tenants"
