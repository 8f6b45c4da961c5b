"""Groups, roles and bindings: who may do what, and where."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from tenants.models.owned import TenantOwned


class Group(TenantOwned):
    """People and service accounts of a tenant who share rights."""

    name = models.CharField(max_length=150)
    description = models.TextField(blank=True)
    managed_by = models.CharField(max_length=20, blank=True, help_text="oidc or scim: members come from outside")
    members = models.ManyToManyField("tenants.User", through="tenants.GroupMember", related_name="in_groups")
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantOwned.Meta):
        abstract = False
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name"], condition=Q(deleted_at=None), name="group_name"),
        ]

    def __str__(self) -> str:
        return self.name


class GroupMember(TenantOwned):
    """A user is in a group; an owner may change its members."""

    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey("tenants.User", on_delete=models.CASCADE, related_name="group_memberships")
    owner = models.BooleanField(default=False)

    class Meta(TenantOwned.Meta):
        abstract = False
        constraints = [models.UniqueConstraint(fields=["group", "user"], name="group_member_once")]

    def __str__(self) -> str:
        return f"{self.user_id} in group {self.group_id}"


class Role(TenantOwned):
    """A tenant's named set of actions."""

    name = models.CharField(max_length=150)
    description = models.TextField(blank=True)
    built_in = models.BooleanField(default=False, help_text="its actions come from tenants.core.roles")
    actions = ArrayField(models.TextField(), default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(TenantOwned.Meta):
        abstract = False
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="role_name")]

    def __str__(self) -> str:
        return self.name


class Binding(TenantOwned):
    """A person or group holds a role in a place, perhaps until a day, perhaps for their own runs only."""

    user = models.ForeignKey("tenants.User", null=True, blank=True, on_delete=models.CASCADE, related_name="bindings")
    group = models.ForeignKey(Group, null=True, blank=True, on_delete=models.CASCADE, related_name="bindings")
    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="bindings")
    namespace = models.CharField(max_length=150, blank=True, db_collation="C", help_text="empty: the whole tenant")
    own_only = models.BooleanField(default=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(TenantOwned.Meta):
        abstract = False
        constraints = [
            models.CheckConstraint(
                condition=Q(user=None, group__isnull=False) | Q(user__isnull=False, group=None),
                name="binding_has_one_subject",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id or self.group_id} as {self.role_id} in {self.namespace or 'all'}"
