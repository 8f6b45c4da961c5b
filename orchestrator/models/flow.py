"""Flows and their revisions, and the triggers that a revision names."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models

from tenants.models.owned import TenantOwned


class Flow(TenantOwned):
    """What an author wrote, under one id; its text lives in revisions."""

    namespace = models.CharField(max_length=150, db_collation="C")
    flow_id = models.CharField(max_length=100, db_collation="C", help_text="the author's id")
    head = models.IntegerField(default=0, help_text="number of the newest revision")
    description = models.TextField(blank=True)
    labels = models.JSONField(default=dict, blank=True)
    disabled = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    search = models.GeneratedField(
        expression=SearchVector("flow_id", "namespace", "description", config="simple"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    class Meta(TenantOwned.Meta):
        abstract = False
        constraints = [models.UniqueConstraint(fields=["tenant", "namespace", "flow_id"], name="flow_id_in_namespace")]
        indexes = [GinIndex(fields=["search"], name="flow_search")]

    def __str__(self) -> str:
        return f"{self.namespace}.{self.flow_id}"


class FlowRevision(TenantOwned):
    """One saved source of a flow; numbered, never changed."""

    flow = models.ForeignKey(Flow, on_delete=models.PROTECT, related_name="revisions")
    number = models.IntegerField()
    source = models.TextField()
    digest = models.CharField(max_length=64, help_text="sha256 of the source")
    created_by = models.ForeignKey("tenants.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(TenantOwned.Meta):
        abstract = False
        constraints = [models.UniqueConstraint(fields=["flow", "number"], name="revision_number")]

    def __str__(self) -> str:
        return f"{self.flow_id} revision {self.number}"


class Trigger(TenantOwned):
    """A rule that starts executions, as the head revision of its flow says."""

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="triggers")
    trigger_id = models.CharField(max_length=100)
    type = models.CharField(max_length=200)
    definition = models.JSONField(default=dict, help_text="its properties as written")
    disabled = models.BooleanField(default=False)
    next_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(TenantOwned.Meta):
        abstract = False
        constraints = [models.UniqueConstraint(fields=["flow", "trigger_id"], name="trigger_id_in_flow")]
        indexes = [models.Index(fields=["next_at"], condition=models.Q(disabled=False), name="trigger_due")]

    def __str__(self) -> str:
        return f"{self.flow_id}/{self.trigger_id}"


class Fire(TenantOwned):
    """A trigger started an execution, once per key."""

    trigger = models.ForeignKey(Trigger, on_delete=models.CASCADE, related_name="fires")
    key = models.CharField(max_length=200, help_text="delivery id, idempotency key or scheduled time")
    body_sha256 = models.CharField(max_length=64, blank=True)
    execution_id = models.CharField(max_length=22)
    at = models.DateTimeField(auto_now_add=True)

    class Meta(TenantOwned.Meta):
        abstract = False
        constraints = [models.UniqueConstraint(fields=["trigger", "key"], name="one_fire_per_key")]

    def __str__(self) -> str:
        return f"{self.trigger_id}: {self.key}"
