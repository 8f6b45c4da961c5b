"""Approvals: a level that waits, who may decide it, and what was decided."""

from django.db import models
from django.db.models import Q

from tenants.models.owned import TenantOwned


class Approval(TenantOwned):
    """One open (or closed) level of an approval task run."""

    execution = models.ForeignKey("orchestrator.Execution", on_delete=models.CASCADE, related_name="approvals")
    task_run = models.ForeignKey("orchestrator.TaskRun", on_delete=models.CASCADE, related_name="approvals")
    level = models.IntegerField(default=0)
    name = models.CharField(max_length=150, blank=True)
    need = models.IntegerField(default=1)
    reason_required = models.JSONField(default=list)
    self_approval = models.BooleanField(default=False)
    namespace = models.CharField(max_length=150, db_collation="C")
    requester = models.ForeignKey("tenants.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=10, blank=True, help_text="APPROVE or REJECT once closed")

    class Meta(TenantOwned.Meta):
        abstract = False
        constraints = [models.UniqueConstraint(fields=["task_run", "level"], name="one_approval_per_level")]
        indexes = [
            models.Index(fields=["tenant", "opened_at"], condition=Q(closed_at=None), name="approvals_open"),
            models.Index(fields=["execution"], name="approvals_of_execution"),
        ]

    def __str__(self) -> str:
        return f"{self.execution_id}: {self.name or self.level}"


class Seat(TenantOwned):
    """Who may decide a level: a person, a group, or everyone who holds `action` in its namespace."""

    approval = models.ForeignKey(Approval, on_delete=models.CASCADE, related_name="seats")
    user = models.ForeignKey("tenants.User", null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    group = models.ForeignKey("tenants.Group", null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    action = models.CharField(max_length=60, blank=True)

    class Meta(TenantOwned.Meta):
        abstract = False
        indexes = [
            models.Index(fields=["tenant", "user"], name="seats_of_user"),
            models.Index(fields=["tenant", "group"], name="seats_of_group"),
        ]

    def __str__(self) -> str:
        return f"seat of {self.approval_id}"


class Decision(TenantOwned):
    """Who decided what; never changed."""

    class Answer(models.TextChoices):
        """What was decided."""

        APPROVE = "APPROVE"
        REJECT = "REJECT"

    approval = models.ForeignKey(Approval, on_delete=models.PROTECT, related_name="decisions")
    user = models.ForeignKey("tenants.User", on_delete=models.PROTECT, related_name="+")
    answer = models.CharField(max_length=10, choices=Answer.choices)
    reason = models.TextField(blank=True)
    inputs = models.JSONField(default=dict)
    at = models.DateTimeField(auto_now_add=True)

    class Meta(TenantOwned.Meta):
        abstract = False
        constraints = [models.UniqueConstraint(fields=["approval", "user"], name="one_decision_each")]

    def __str__(self) -> str:
        return f"{self.answer} by {self.user_id}"
