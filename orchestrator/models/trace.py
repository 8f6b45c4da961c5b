"""What an execution leaves behind: log lines, metrics and files; and the files of namespaces."""

from django.db import models

from tenants.models.owned import TenantOwned


class LogLine(TenantOwned):
    """What a task said. `n` counts within (task run, attempt), given by the attempt's own process."""

    execution_id = models.CharField(max_length=22, db_collation="C")
    task_run_id = models.CharField(max_length=22, db_collation="C")
    attempt = models.IntegerField()
    n = models.IntegerField()
    at = models.DateTimeField()
    level = models.CharField(max_length=5)
    message = models.TextField()

    class Meta(TenantOwned.Meta):
        abstract = False
        constraints = [
            models.UniqueConstraint(fields=["execution_id", "task_run_id", "attempt", "n"], name="log_line_once"),
        ]

    def __str__(self) -> str:
        return self.message[:80]


class Metric(TenantOwned):
    """A number that a task published."""

    execution_id = models.CharField(max_length=22, db_collation="C")
    task_run_id = models.CharField(max_length=22, db_collation="C")
    name = models.CharField(max_length=150)
    kind = models.CharField(max_length=10, help_text="counter or timer (seconds)")
    value = models.FloatField()
    tags = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta(TenantOwned.Meta):
        abstract = False
        indexes = [models.Index(fields=["execution_id"], name="metrics_of_execution")]

    def __str__(self) -> str:
        return f"{self.name} {self.value}"


class Artifact(TenantOwned):
    """A file in storage that belongs to an execution; the row is written with the finish that made it."""

    uri = models.TextField(unique=True)
    execution_id = models.CharField(max_length=22, db_collation="C")
    task_run_id = models.CharField(max_length=22, blank=True, db_collation="C", help_text="empty: an input file")
    input_id = models.CharField(max_length=150, blank=True)
    name = models.CharField(max_length=300)
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField()

    class Meta(TenantOwned.Meta):
        abstract = False
        indexes = [models.Index(fields=["execution_id"], name="artifacts_of_execution")]

    def __str__(self) -> str:
        return self.name


class NamespaceFile(TenantOwned):
    """A file that every flow of a namespace may use."""

    namespace = models.CharField(max_length=150, db_collation="C")
    path = models.CharField(max_length=500, db_collation="C")
    uri = models.TextField()
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(TenantOwned.Meta):
        abstract = False
        constraints = [models.UniqueConstraint(fields=["tenant", "namespace", "path"], name="namespace_file_path")]

    def __str__(self) -> str:
        return f"{self.namespace}: {self.path}"
