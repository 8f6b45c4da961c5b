"""What is written down about what people did, and what they are told."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from tenants.models.owned import TenantOwned


class AuditEntry(TenantOwned):
    """Who did what to what, before and after. Insert-only: a trigger in the database refuses the rest."""

    at = models.DateTimeField(default=timezone.now)
    user = models.ForeignKey("tenants.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    on_behalf_of = models.ForeignKey("tenants.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    token = models.ForeignKey("tenants.Token", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    address = models.GenericIPAddressField(null=True, blank=True)
    action = models.CharField(max_length=60)
    thing_kind = models.CharField(max_length=30)
    thing_id = models.CharField(max_length=300)
    namespace = models.CharField(max_length=150, blank=True, db_collation="C")
    difference = models.JSONField(default=dict, help_text="{field: [before, after]}, secrets masked")
    canonical = models.TextField(help_text="the text that is sealed")

    class Meta(TenantOwned.Meta):
        abstract = False
        indexes = [
            models.Index(fields=["tenant", "-id"], name="audit_newest"),
            models.Index(fields=["tenant", "thing_kind", "thing_id", "-id"], name="audit_of_thing"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.thing_kind} {self.thing_id}"


class Notice(TenantOwned):
    """Something a person is told in the product: the bell."""

    user = models.ForeignKey("tenants.User", on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=40)
    thing = models.CharField(max_length=300, blank=True, help_text="kind:id of what it is about")
    text = models.CharField(max_length=300)
    link = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantOwned.Meta):
        abstract = False
        indexes = [models.Index(fields=["tenant", "user", "-id"], name="notices_newest")]

    def __str__(self) -> str:
        return self.text


class Outbox(TenantOwned):
    """A message that leaves the product; written in the change's own transaction, sent by the tick."""

    channel = models.CharField(max_length=20, default="email")
    addresses = ArrayField(models.TextField())
    template = models.CharField(max_length=60)
    language = models.CharField(max_length=10, default="en")
    context = models.JSONField(default=dict)
    unique_key = models.CharField(max_length=200, null=True, blank=True, unique=True)
    attempts = models.IntegerField(default=0)
    run_after = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)

    class Meta(TenantOwned.Meta):
        abstract = False
        indexes = [
            models.Index(fields=["run_after"], condition=models.Q(sent_at=None), name="outbox_due"),
        ]

    def __str__(self) -> str:
        return f"{self.template} to {len(self.addresses)}"
