"""A worker's time-limited hold on a task run: taking it, extending it, giving it up.

Only `clock_timestamp()` of the database decides. The attempt number is the fencing token: it only grows, so whoever
lost a lease can change nothing any more.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from orchestrator.core.snapshot import Path
from orchestrator.snapshots import EXECUTION_COLUMNS, ExecutionRow

E_COLUMNS = ", ".join(f"e.{name.strip()}" for name in EXECUTION_COLUMNS.split(","))


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt of one task run, held by this worker, with its execution as it was then."""

    task_run_id: str
    path: Path
    task_id: str
    attempt: int
    queue: str
    worker: UUID
    started: datetime  # by the database's clock
    row: ExecutionRow
    more: bool  # others wait in the same queue
    asked: float = 0.0  # time.monotonic() before the lease began

    @property
    def log_key(self) -> tuple[str, int]:
        """What numbers its log lines."""
        return self.task_run_id, self.attempt


# Nothing is begun any more in an execution that is being stopped or is over
AT_WORK = "e.state NOT IN ('KILLING', 'KILLED', 'CANCELLED', 'FAILED')"

TAKE = f"""
, taken AS (
    UPDATE orchestrator_taskrun AS r
    SET state = 'RUNNING', attempt = r.attempt + 1, worker = %(worker)s,
        lease_until = clock_timestamp() + make_interval(secs => %(lease)s), run_after = NULL,
        started_at = coalesce(r.started_at, clock_timestamp()),
        history = r.history || jsonb_build_array(jsonb_build_array('RUNNING', clock_timestamp()))
    FROM picked WHERE r.id = picked.id
    RETURNING r.id, r.path, r.task_id, r.attempt, r.queue, r.execution_id
)
SELECT taken.id, taken.path, taken.task_id, taken.attempt, taken.queue, clock_timestamp(),
       EXISTS (SELECT 1 FROM orchestrator_taskrun w WHERE w.state = 'SUBMITTED' AND w.queue = %(queue)s
               AND w.run_after <= clock_timestamp() AND w.id <> taken.id),
       {E_COLUMNS}
FROM taken JOIN orchestrator_execution e ON e.id = taken.execution_id
"""

# Tenants with the fewest running runs come first, then the oldest of each. The tenants that wait are found by hopping
# through the index (queue, tenant), and what runs is a handful of leased rows, so no counter has to be kept.
NEXT = f"""
WITH RECURSIVE waiting(tenant_id) AS (
    (SELECT tenant_id FROM orchestrator_taskrun WHERE state = 'SUBMITTED' AND queue = %(queue)s
     ORDER BY tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT r.tenant_id FROM orchestrator_taskrun r WHERE r.state = 'SUBMITTED' AND r.queue = %(queue)s
            AND r.tenant_id > w.tenant_id ORDER BY r.tenant_id LIMIT 1)
    FROM waiting w WHERE w.tenant_id IS NOT NULL
), running AS (
    SELECT tenant_id, count(*) AS number FROM orchestrator_taskrun
    WHERE lease_until IS NOT NULL AND queue = %(queue)s GROUP BY tenant_id
), turn AS (
    SELECT w.tenant_id FROM waiting w LEFT JOIN running USING (tenant_id)
    WHERE w.tenant_id IS NOT NULL ORDER BY coalesce(running.number, 0), random()
), picked AS (
    SELECT oldest.id FROM turn, LATERAL (
        SELECT r.id FROM orchestrator_taskrun r JOIN orchestrator_execution e ON e.id = r.execution_id
        WHERE r.state = 'SUBMITTED' AND r.queue = %(queue)s AND r.tenant_id = turn.tenant_id
          AND r.run_after <= clock_timestamp() AND {AT_WORK}
        ORDER BY r.run_after LIMIT 1 FOR UPDATE OF r SKIP LOCKED
    ) AS oldest LIMIT 1
) {TAKE}
"""

NEXT_OF_EXECUTION = f"""
WITH picked AS (
    SELECT r.id FROM orchestrator_taskrun r JOIN orchestrator_execution e ON e.id = r.execution_id
    WHERE r.execution_id = %(execution)s AND r.state = 'SUBMITTED' AND r.queue = %(queue)s
      AND r.run_after <= clock_timestamp() AND {AT_WORK}
    ORDER BY r.position LIMIT 1 FOR UPDATE OF r SKIP LOCKED
) {TAKE}
"""


def next_of(queue: str, worker: UUID, execution_id: str | None = None) -> Claim | None:
    """Take the next task run of `queue` in fair order, or of one execution only; None when there is none."""
    arguments: dict[str, Any] = {
        "queue": queue,
        "worker": worker,
        "lease": settings.LEASE_SECONDS,
        "execution": execution_id,
    }
    asked = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(NEXT if execution_id is None else NEXT_OF_EXECUTION, arguments)
        row = cursor.fetchone()
    return None if row is None else _claim(row, worker, asked)


def _claim(row: Sequence[Any], worker: UUID, asked: float) -> Claim:
    return Claim(
        task_run_id=row[0],
        path=tuple(row[1].split("/")),
        task_id=row[2],
        attempt=row[3],
        queue=row[4],
        worker=worker,
        started=row[5],
        more=row[6],
        asked=asked,
        row=ExecutionRow.read(row[7:]),
    )


@dataclass(frozen=True, slots=True)
class Beat:
    """What a worker learned when it extended a lease."""

    task_run_id: str
    attempt: int
    kill: bool  # someone asked to stop the execution


def extend(worker: UUID, held: Sequence[tuple[str, int]]) -> list[Beat]:
    """Extend the leases on (task run id, attempt) that are still this worker's; what the answer lacks is lost."""
    if not held:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE orchestrator_taskrun AS r SET lease_until = clock_timestamp() + make_interval(secs => %s)
            FROM unnest(%s::text[], %s::int[]) AS h(id, attempt), orchestrator_execution AS e
            WHERE r.id = h.id AND r.attempt = h.attempt AND r.worker = %s AND r.state = 'RUNNING'
              AND e.id = r.execution_id
            RETURNING r.id, r.attempt, e.state = 'KILLING'
            """,
            [settings.LEASE_SECONDS, [run for run, _ in held], [attempt for _, attempt in held], worker],
        )
        return [Beat(*row) for row in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class Lost:
    """A task run whose lease ran out."""

    task_run_id: str
    execution_id: str
    attempt: int
    worker: UUID
    path: Path


def expired(limit: int) -> list[Lost]:
    """Return task runs whose lease ran out, the longest ago first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, execution_id, attempt, worker, path FROM orchestrator_taskrun "
            "WHERE lease_until < clock_timestamp() ORDER BY lease_until LIMIT %s",
            [limit],
        )
        return [
            Lost(run_id, execution_id, attempt, worker, tuple(path.split("/")))
            for run_id, execution_id, attempt, worker, path in cursor.fetchall()
        ]


def let_go(task_run_id: str, attempt: int, worker: UUID) -> None:
    """Take the lease off a task run that (attempt, worker) holds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE orchestrator_taskrun SET worker = NULL, lease_until = NULL "
            "WHERE id = %s AND attempt = %s AND worker = %s AND state = 'RUNNING'",
            [task_run_id, attempt, worker],
        )


def ended_as(task_run_id: str, attempt: int, worker: UUID) -> str | None:
    """Return how the attempt of this worker is recorded to have ended, if it is."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT attempts FROM orchestrator_taskrun WHERE id = %s", [task_run_id])
        row = cursor.fetchone()
    attempts = json.loads(row[0]) if row and isinstance(row[0], str) else (row[0] if row else [])
    for record in attempts:
        if record["attempt"] == attempt and record["worker"] == str(worker):
            return str(record["state"])
    return None
