"""Executions and their task runs: the hot tables, written with SQL by `snapshots` and `claims` only.

Ids are 22 characters that sort by time, so new rows land at the end of every index.
"""

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from orchestrator.core.states import FINAL, State
from tenants.models.owned import TenantOwned

OPEN_STATES = sorted(state.value for state in State if state not in FINAL)


class Execution(TenantOwned):
    """One run of a flow revision. `counts` are those of its top-level task runs."""

    id = models.CharField(primary_key=True, max_length=22, db_collation="C")
    namespace = models.CharField(max_length=150, db_collation="C")
    flow = models.ForeignKey("orchestrator.Flow", on_delete=models.PROTECT, db_index=False, related_name="executions")
    revision = models.ForeignKey(
        "orchestrator.FlowRevision",
        on_delete=models.PROTECT,
        db_index=False,
        related_name="+",
    )
    state = models.CharField(max_length=12, default="CREATED")
    round = models.IntegerField(default=0, help_text="raised by a person's restart or change of state")
    version = models.BigIntegerField(default=0, help_text="raised by every change; the cursor of its pages")
    counts = models.JSONField(default=dict, help_text="{branch: {state: number of children}}")
    positions = models.IntegerField(default=0, help_text="task runs created so far")
    inputs = models.JSONField(default=dict)
    outputs = models.JSONField(null=True, blank=True)
    variables = models.JSONField(default=dict)
    labels = models.JSONField(default=dict)
    cause = models.JSONField(default=dict, help_text="why it exists: {kind, ...}")
    started_by = models.ForeignKey(
        "tenants.User",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        db_index=False,
        related_name="+",
    )
    shown_to = models.JSONField(default=dict, help_text="{inputs|outputs|logs|files: audiences}, empty: the default")
    sensitive = models.JSONField(default=list, help_text="ids of inputs that are masked for others")
    error = models.TextField(blank=True, help_text="why it failed outside of any task")
    history = models.JSONField(default=list, help_text="[[state, time], ...]")
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    # what waits for it
    advance_at = models.DateTimeField(null=True, blank=True, help_text="it wants to be advanced since then")
    advance_until = models.DateTimeField(null=True, blank=True, help_text="someone is advancing it until then")
    advance_tries = models.IntegerField(default=0)
    wake_at = models.DateTimeField(null=True, blank=True, help_text="the earliest of its retries and delays")

    class Meta(TenantOwned.Meta):
        abstract = False
        indexes = [
            models.Index(fields=["tenant", "namespace", "-created_at"], name="execution_by_namespace"),
            models.Index(fields=["tenant", "started_by", "-created_at"], name="execution_by_starter"),
            models.Index(fields=["flow", "-created_at"], name="execution_by_flow"),
            models.Index(fields=["tenant", "-created_at"], name="execution_newest"),
            models.Index(fields=["advance_at"], condition=Q(advance_at__isnull=False), name="execution_to_advance"),
            models.Index(fields=["wake_at"], condition=Q(wake_at__isnull=False), name="execution_to_wake"),
            GinIndex(fields=["labels"], name="execution_labels", opclasses=["jsonb_path_ops"], fastupdate=True),
        ]

    def __str__(self) -> str:
        return self.id


class TaskRun(TenantOwned):
    """One task in one execution (and one iteration). Finished attempts are kept in `attempts`, a JSON list."""

    id = models.CharField(primary_key=True, max_length=22, db_collation="C")
    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, db_index=False, related_name="task_runs")
    path = models.TextField(db_collation="C", help_text="task ids and iteration indexes from the top, joined by /")
    task_id = models.CharField(max_length=256)
    position = models.IntegerField(default=0, help_text="order of creation in its execution")
    hidden = models.BooleanField(default=False, help_text="one iteration of a loop: a place, not a task")
    state = models.CharField(max_length=12)
    value = models.TextField(null=True, blank=True, help_text="of its iteration")
    iteration = models.IntegerField(null=True, blank=True)
    counts = models.JSONField(default=dict)
    size = models.IntegerField(null=True, blank=True, help_text="iterations of a loop")
    values = models.JSONField(null=True, blank=True, help_text="what a loop goes over; read by index")
    outputs = models.JSONField(null=True, blank=True)
    fact = models.JSONField(null=True, blank=True, help_text="what was recorded and the machine has not read yet")
    error = models.TextField(blank=True)
    # the lease
    queue = models.CharField(max_length=60, default="", help_text="worker group; empty: not for a worker")
    attempt = models.IntegerField(default=0, help_text="fencing token: attempts claimed, only grows")
    tries = models.IntegerField(default=0, help_text="attempts that count for retry.maxAttempts")
    crashes = models.IntegerField(default=0)
    worker = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    run_after = models.DateTimeField(null=True, blank=True)
    attempts = models.JSONField(default=list, help_text="the first and last 50: [{attempt, state, start, end, ...}]")
    history = models.JSONField(default=list)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantOwned.Meta):
        abstract = False
        constraints = [
            models.UniqueConstraint(fields=["execution", "path"], name="one_task_run_per_path"),
            models.CheckConstraint(
                condition=Q(worker=None, lease_until=None)
                | Q(worker__isnull=False, lease_until__isnull=False, state__in=["RUNNING", "KILLING"]),
                name="a_lease_has_a_worker",
            ),
        ]
        indexes = [
            models.Index(fields=["queue", "tenant", "run_after"], condition=Q(state="SUBMITTED"), name="run_to_claim"),
            models.Index(fields=["lease_until"], condition=Q(lease_until__isnull=False), name="run_leased"),
            models.Index(fields=["execution", "position"], condition=Q(state__in=OPEN_STATES), name="run_open"),
        ]

    def __str__(self) -> str:
        return f"{self.execution_id}/{self.path}"


class WorkerProcess(models.Model):
    """A process that runs tasks, with its last sign of life."""

    id = models.UUIDField(primary_key=True)
    host = models.CharField(max_length=200)
    pid = models.IntegerField()
    queues = models.JSONField(default=list)
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}"
