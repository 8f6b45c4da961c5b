"""What an attempt leaves behind besides its end: its last log lines, metrics and files. Written with the finish."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from orchestrator import snapshots
from orchestrator.models import Artifact, Metric
from orchestrator.snapshots import ExecutionRow, LogRecord
from orchestrator.storage import Stored


@dataclass(frozen=True, slots=True)
class Measured:
    """One number that a task published."""

    name: str
    kind: str  # counter | timer | gauge
    value: float
    tags: Mapping[str, str]


@dataclass(slots=True)
class Traces:
    """Gathered while an attempt runs."""

    logs: list[LogRecord] = field(default_factory=list)
    metrics: list[Measured] = field(default_factory=list)
    files: list[Stored] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)


def write(row: ExecutionRow, task_run_id: str, traces: Traces, at: datetime) -> None:
    """Write the rows, in the caller's transaction."""
    snapshots.insert_logs([(row.tenant_id, row.id, line) for line in traces.logs])
    if traces.metrics:
        Metric.across_tenants.bulk_create(
            Metric(
                tenant_id=row.tenant_id,
                execution_id=row.id,
                task_run_id=task_run_id,
                name=measured.name[:150],
                kind=measured.kind,
                value=measured.value,
                tags=dict(measured.tags),
                at=at,
            )
            for measured in traces.metrics
        )
    if traces.files:
        Artifact.across_tenants.bulk_create(
            Artifact(
                tenant_id=row.tenant_id,
                uri=stored.uri,
                execution_id=row.id,
                task_run_id=task_run_id,
                name=stored.name[:300],
                size=stored.size,
                sha256=stored.sha256,
                created_at=at,
            )
            for stored in traces.files
        )
