"""Tenants and the namespaces inside them."""

from django.db import models

from tenants.models.owned import TenantOwned


class Tenant(models.Model):
    """One customer's separate world; nothing crosses it."""

    slug = models.SlugField(max_length=60, unique=True, help_text="stands in addresses; never changes")
    name = models.CharField(max_length=150)
    language = models.CharField(max_length=10, default="en")
    time_zone = models.CharField(max_length=64, default="UTC")
    permission_version = models.BigIntegerField(default=0, help_text="raised by every change of a right in it")
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.slug


class Namespace(TenantOwned):
    """A dotted place inside a tenant; it exists from the first thing saved in it."""

    path = models.CharField(max_length=150, db_collation="C")
    description = models.TextField(blank=True)
    variables = models.JSONField(default=dict, blank=True)
    private_network = models.BooleanField(default=False, help_text="its HTTP tasks may reach private addresses")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(TenantOwned.Meta):
        abstract = False
        constraints = [models.UniqueConstraint(fields=["tenant", "path"], name="namespace_path")]

    def __str__(self) -> str:
        return self.path
