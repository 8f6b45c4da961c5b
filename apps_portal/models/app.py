"""Apps, their revisions, and explicit shares of one app with one person or group."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from guardian.models.models import GroupObjectPermissionAbstract, UserObjectPermissionAbstract

from tenants.models.owned import TenantOwned


class App(TenantOwned):
    """A page people use to start a flow and follow it. The columns repeat what lists need of the live revision."""

    uid = models.CharField(max_length=22, unique=True, help_text="opaque; stands in addresses")
    namespace = models.CharField(max_length=150, db_collation="C")
    app_id = models.CharField(max_length=150, db_collation="C", help_text="the author's id")
    flow = models.ForeignKey("orchestrator.Flow", on_delete=models.PROTECT, related_name="+")
    head = models.IntegerField(default=0, help_text="number of the live revision")
    display_name = models.CharField(max_length=150)
    description = models.TextField(blank=True)
    icon = models.CharField(max_length=60, blank=True)
    category = models.CharField(max_length=100, blank=True)
    owner = models.CharField(max_length=150, blank=True)
    tags = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    public = models.BooleanField(default=False)
    listed = models.BooleanField(default=True)
    groups = ArrayField(models.CharField(max_length=150), default=list, blank=True, help_text="access.groups")
    disabled = models.BooleanField(default=False)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    search = models.GeneratedField(
        expression=SearchVector("display_name", "description", "category", "app_id", config="simple"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    class Meta(TenantOwned.Meta):
        abstract = False
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "namespace", "app_id"],
                condition=models.Q(deleted_at=None),
                name="app_id_in_namespace",
            ),
        ]
        indexes = [GinIndex(fields=["search"], name="app_search")]
        permissions = [
            ("app_view", "see the app"),
            ("app_execute", "run the app"),
            ("app_approve", "decide on its requests"),
        ]
        default_permissions = ()

    def __str__(self) -> str:
        return self.display_name


class AppRevision(TenantOwned):
    """One published source of an app; a submission shows the one it was made with."""

    app = models.ForeignKey(App, on_delete=models.PROTECT, related_name="revisions")
    number = models.IntegerField()
    source = models.TextField()
    digest = models.CharField(max_length=64)
    created_by = models.ForeignKey("tenants.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(TenantOwned.Meta):
        abstract = False
        constraints = [models.UniqueConstraint(fields=["app", "number"], name="app_revision_number")]

    def __str__(self) -> str:
        return f"{self.app_id} revision {self.number}"


class AppUserPermission(UserObjectPermissionAbstract):
    """One app shared with one person."""

    id = models.BigAutoField(primary_key=True)
    content_object = models.ForeignKey(App, on_delete=models.CASCADE)

    class Meta(UserObjectPermissionAbstract.Meta):
        abstract = False
        unique_together = [["user", "permission", "content_object"]]
        indexes = []


class AppGroupPermission(GroupObjectPermissionAbstract):
    """One app shared with one group of the tenant."""

    id = models.BigAutoField(primary_key=True)
    group = models.ForeignKey("tenants.Group", on_delete=models.CASCADE)  # type: ignore[assignment]
    content_object = models.ForeignKey(App, on_delete=models.CASCADE)

    class Meta(GroupObjectPermissionAbstract.Meta):
        abstract = False
        unique_together = [["group", "permission", "content_object"]]
        indexes = []
