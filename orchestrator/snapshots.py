"""The only translator between rows and the machine's values: reads snapshots, writes differences.

All of it is SQL of a few bulk statements, because a batch of executions must cost one transaction.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from orchestrator.core.snapshot import ROOT, Attempt, Fact, FactKind, Lease, Path, Snapshot, TaskRun, difference
from orchestrator.core.states import FINAL, State
from orchestrator.json_text import clean, dump

EXECUTION_COLUMNS = (
    "id, tenant_id, namespace, flow_id, revision_id, state, version, counts, positions, inputs, outputs, labels, "
    "variables, cause, started_by_id, created_at, started_at, wake_at, advance_tries"
)
RUN_COLUMNS = (
    "path, id, task_id, state, position, hidden, value, iteration, counts, size, outputs, fact, error, queue, attempt, "
    "tries, crashes, worker, run_after, created_at, started_at, lease_until"
)
OPEN = tuple(state.value for state in State if state not in FINAL)
KEPT_ATTEMPTS = 50  # the first and the last so many


@dataclass(frozen=True, slots=True)
class ExecutionRow:
    """What the machine's surroundings know of an execution."""

    id: str
    tenant_id: int
    namespace: str
    flow_pk: int
    revision_id: int
    state: State
    version: int
    counts: Mapping[str, Any]
    positions: int
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any] | None
    labels: Mapping[str, Any]
    variables: Mapping[str, Any]
    cause: Mapping[str, Any]
    started_by: int | None
    created_at: datetime
    started_at: datetime | None
    wake_at: datetime | None
    tries: int

    @classmethod
    def read(cls, row: Sequence[Any]) -> "ExecutionRow":
        """Return the row of EXECUTION_COLUMNS as a value."""
        fields = list(row)
        fields[5] = State(fields[5])
        for place in (7, 9, 10, 11, 12, 13):
            fields[place] = _json(fields[place])
        return cls(*fields)

    @property
    def root(self) -> TaskRun:
        """The execution as the machine's root."""
        return TaskRun(
            path=ROOT,
            id=self.id,
            task_id="",
            state=self.state,
            position=self.positions,
            counts=_counts(self.counts),
            created_at=self.created_at,
            started_at=self.started_at,
        )


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One line that a task said; `n` counts within (task run, attempt)."""

    task_run_id: str
    attempt: int
    n: int
    at: datetime
    level: str
    message: str


@dataclass(slots=True)
class Turn:
    """One execution's step from one picture to the next, with what its instant tasks left behind."""

    row: ExecutionRow
    before: Snapshot
    after: Snapshot
    partial: bool = False  # the pictures hold one task run and its ancestors only
    logs: list[LogRecord] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def wake_at(self) -> datetime | None:
        """When the clock must look at the execution again; too early does no harm, too late does."""
        if self.after.state in FINAL:
            return None
        times = [self.after.wake_at, self.row.wake_at if self.partial else None]
        return min((time for time in times if time is not None), default=None)

    @property
    def ended(self) -> bool:
        """The execution came to its final state in this turn."""
        return self.after.state in FINAL and self.before.state not in FINAL


def _json(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    return json.loads(value) if isinstance(value, str) else value


def _counts(raw: Mapping[str, Any]) -> dict[str, dict[State, int]]:
    return {branch: {State(state): number for state, number in states.items()} for branch, states in raw.items()}


def _read_run(row: Sequence[Any]) -> TaskRun:
    fact = _json(row[11])
    return TaskRun(
        path=tuple(row[0].split("/")),
        id=row[1],
        task_id=row[2],
        state=State(row[3]),
        position=row[4],
        hidden=row[5],
        value=row[6],
        iteration=row[7],
        counts=_counts(_json(row[8])),
        size=row[9],
        outputs=_json(row[10]),
        fact=read_fact(fact) if fact is not None else None,
        error=row[12],
        queue=row[13],
        attempt=row[14],
        tries=row[15],
        crashes=row[16],
        lease=Lease(str(row[17]), row[21]) if row[17] is not None else None,
        run_after=row[18],
        created_at=row[19],
        started_at=row[20],
    )


def read_fact(raw: Mapping[str, Any]) -> Fact:
    """Return a recorded fact as a value."""
    started = raw.get("started")
    return Fact(
        FactKind(raw["kind"]),
        State(raw.get("state", State.SUCCESS)),
        raw.get("outputs"),
        raw.get("error", ""),
        datetime.fromisoformat(started) if started else None,
        raw.get("worker", ""),
    )


def fact_fields(fact: Fact) -> dict[str, object]:
    """Return a fact as it is kept until the machine reads it."""
    return {
        "kind": fact.kind,
        "state": fact.state,
        "outputs": fact.outputs,
        "error": fact.error,
        "started": _moment(fact.started),
        "worker": fact.worker,
    }


def open_of(rows: Sequence[ExecutionRow]) -> dict[str, Snapshot]:
    """Return, by execution id, the snapshot of each row with all its open task runs."""
    runs: dict[str, dict[Path, TaskRun]] = {row.id: {ROOT: row.root} for row in rows}
    started = [row.id for row in rows if row.positions]
    if started:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT execution_id, {RUN_COLUMNS} FROM orchestrator_taskrun "
                "WHERE execution_id = ANY(%s) AND state = ANY(%s)",
                [started, list(OPEN)],
            )
            for execution_id, *columns in cursor.fetchall():
                run = _read_run(columns)
                runs[execution_id][run.path] = run
    return {execution_id: Snapshot(found) for execution_id, found in runs.items()}


def above(row: ExecutionRow, path: Path) -> Snapshot:
    """Return the snapshot of the task run at `path` and all its ancestors."""
    paths = ["/".join(path[:depth]) for depth in range(1, len(path) + 1)]
    found: dict[Path, TaskRun] = {ROOT: row.root}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {RUN_COLUMNS} FROM orchestrator_taskrun WHERE execution_id = %s AND path = ANY(%s)",
            [row.id, paths],
        )
        for columns in cursor.fetchall():
            run = _read_run(columns)
            found[run.path] = run
    return Snapshot(found)


def lock(execution_ids: Iterable[str]) -> dict[str, int]:
    """Lock executions in the order of their ids and return the version of each."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, version FROM orchestrator_execution WHERE id = ANY(%s) ORDER BY id FOR UPDATE",
            [sorted(execution_ids)],
        )
        return dict(cursor.fetchall())


class Overtaken(Exception):
    """A row was not as it was believed to be; the turn must be taken again."""


def write(turns: Sequence[Turn]) -> None:
    """Write what the turns changed; their executions are locked and at the versions they were read at.

    Raises Overtaken when a task run had moved meanwhile; the transaction must then be rolled back.
    """
    differences = [(turn, difference(turn.before, turn.after)) for turn in turns]
    _insert_runs([(turn.row, run) for turn, found in differences for run in found.created])
    _update_runs([pair for _, found in differences for pair in found.changed])
    insert_logs([(turn.row.tenant_id, turn.row.id, line) for turn in turns for line in turn.logs])
    _update_executions(turns)


def _history(run: TaskRun) -> list[list[str]]:
    return [[state.value, at.isoformat()] for state, at in run.moves]


def _attempts(attempts: tuple[Attempt, ...]) -> list[dict[str, object]]:
    return [
        {
            "attempt": attempt.number,
            "state": attempt.state,
            "start": attempt.start.isoformat(),
            "end": attempt.end.isoformat(),
            "worker": attempt.worker,
            "error": attempt.error,
        }
        for attempt in attempts
    ]


def _insert_runs(created: Sequence[tuple[ExecutionRow, TaskRun]]) -> None:
    if not created:
        return
    columns = (
        "id, tenant_id, execution_id, path, task_id, position, hidden, state, value, iteration, counts, size, values, "
        "outputs, error, queue, attempt, tries, crashes, run_after, attempts, history, created_at, started_at, ended_at"
    )
    with connection.cursor() as cursor, cursor.copy(f"COPY orchestrator_taskrun ({columns}) FROM STDIN") as copy:
        for row, run in created:
            copy.write_row(
                (
                    run.id,
                    row.tenant_id,
                    row.id,
                    "/".join(run.path),
                    run.task_id,
                    run.position,
                    run.hidden,
                    run.state.value,
                    clean(run.value) if run.value is not None else None,
                    run.iteration,
                    dump(run.counts),
                    run.size,
                    dump(run.values) if run.values is not None else None,
                    dump(run.outputs) if run.outputs is not None else None,
                    clean(run.error),
                    run.queue,
                    run.attempt,
                    run.tries,
                    run.crashes,
                    run.run_after,
                    dump(_attempts(run.ended_attempts)),
                    dump(_history(run)),
                    run.created_at,
                    run.started_at,
                    run.ended_at,
                ),
            )


UPDATE_RUNS = f"""
UPDATE orchestrator_taskrun AS r SET
    state = n.state, counts = n.counts, size = n.size, values = coalesce(n.values, r.values), outputs = n.outputs,
    fact = n.fact, error = n.error, queue = n.queue, attempt = n.attempt, tries = n.tries, crashes = n.crashes,
    worker = NULL, lease_until = NULL, run_after = n.run_after, started_at = n.started_at, ended_at = n.ended_at,
    history = r.history || n.history,
    attempts = CASE WHEN n.attempts <> '[]' AND jsonb_array_length(r.attempts) >= {2 * KEPT_ATTEMPTS}
                    THEN r.attempts - {KEPT_ATTEMPTS} ELSE r.attempts END || n.attempts
FROM jsonb_to_recordset(%s::jsonb) AS n(
    id text, before text, held_by text, held_as int, state text, counts jsonb, size int, values jsonb, outputs jsonb,
    fact jsonb, error text,
    queue text, attempt int, tries int, crashes int, run_after timestamptz, started_at timestamptz,
    ended_at timestamptz, history jsonb, attempts jsonb)
WHERE r.id = n.id AND r.state = n.before
  AND (n.held_by IS NULL OR (r.worker = n.held_by::uuid AND r.attempt = n.held_as))
"""


def _update_runs(changed: Sequence[tuple[TaskRun, TaskRun]]) -> None:
    if not changed:
        return
    rows = [
        {
            "id": run.id,
            "before": before.state,
            "held_by": before.lease.worker if before.lease is not None else None,
            "held_as": before.attempt,
            "state": run.state,
            "counts": run.counts,
            "size": run.size,
            "values": run.values,
            "outputs": run.outputs,
            "fact": fact_fields(run.fact) if run.fact is not None else None,
            "error": clean(run.error),
            "queue": run.queue,
            "attempt": run.attempt,
            "tries": run.tries,
            "crashes": run.crashes,
            "run_after": _moment(run.run_after),
            "started_at": _moment(run.started_at),
            "ended_at": _moment(run.ended_at),
            "history": _history(run),
            "attempts": _attempts(run.ended_attempts),
        }
        for before, run in changed
    ]
    with connection.cursor() as cursor:
        cursor.execute(UPDATE_RUNS, [dump(rows)])
        if cursor.rowcount != len(rows):
            raise Overtaken


UPDATE_EXECUTIONS = """
UPDATE orchestrator_execution AS e SET
    state = n.state, counts = n.counts, positions = n.positions, version = e.version + 1,
    outputs = coalesce(n.outputs, e.outputs), labels = e.labels || n.labels, error = n.error,
    started_at = n.started_at, ended_at = coalesce(n.ended_at, e.ended_at), history = e.history || n.history,
    advance_at = CASE WHEN NOT n.settled THEN clock_timestamp() WHEN n.partial THEN e.advance_at END,
    advance_until = CASE WHEN n.partial THEN e.advance_until END,
    advance_tries = CASE WHEN n.partial THEN e.advance_tries ELSE 0 END, wake_at = n.wake_at
FROM jsonb_to_recordset(%s::jsonb) AS n(
    id text, state text, counts jsonb, positions int, outputs jsonb, labels jsonb, error text, started_at timestamptz,
    ended_at timestamptz, history jsonb, settled bool, partial bool, wake_at timestamptz)
WHERE e.id = n.id
"""


def _update_executions(turns: Sequence[Turn]) -> None:
    rows = []
    for turn in turns:
        root = turn.after.root
        rows.append(
            {
                "id": turn.row.id,
                "state": root.state,
                "counts": root.counts,
                "positions": root.position,
                "outputs": root.outputs,
                "labels": turn.labels,
                "error": clean(root.error),
                "started_at": _moment(root.started_at),
                "ended_at": _moment(root.ended_at),
                "history": _history(root),
                "settled": turn.after.settled,
                "partial": turn.partial,
                "wake_at": _moment(turn.wake_at),
            },
        )
    with connection.cursor() as cursor:
        cursor.execute(UPDATE_EXECUTIONS, [dump(rows)])


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None


def insert_logs(lines: Sequence[tuple[int, str, LogRecord]]) -> None:
    """Write log lines, each as (tenant id, execution id, line)."""
    if not lines:
        return
    columns = "tenant_id, execution_id, task_run_id, attempt, n, at, level, message"
    with connection.cursor() as cursor, cursor.copy(f"COPY orchestrator_logline ({columns}) FROM STDIN") as copy:
        for tenant_id, execution_id, line in lines:
            copy.write_row(
                (
                    tenant_id,
                    execution_id,
                    line.task_run_id,
                    line.attempt,
                    line.n,
                    line.at,
                    line.level,
                    clean(line.message),
                ),
            )


def fail_unread(execution_id: str, error: str) -> None:
    """End an execution that cannot be read any more, and all of it that no worker holds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE orchestrator_execution SET state = 'FAILED', error = %s, ended_at = clock_timestamp(), "
            "version = version + 1, advance_at = NULL, advance_until = NULL, wake_at = NULL, "
            "history = history || jsonb_build_array(jsonb_build_array('FAILED', clock_timestamp())) WHERE id = %s",
            [clean(error), execution_id],
        )
        cursor.execute(
            "UPDATE orchestrator_taskrun SET state = 'KILLED', ended_at = clock_timestamp(), run_after = NULL, "
            "history = history || jsonb_build_array(jsonb_build_array('KILLED', clock_timestamp())) "
            "WHERE execution_id = %s AND state = ANY(%s) AND worker IS NULL",
            [execution_id, list(OPEN)],
        )


def end_unread(task_run_id: str, fact: Fact) -> None:
    """End a task run whose execution is over already: nothing follows from how it ended."""
    state = fact.state if fact.state in FINAL else State.KILLED
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE orchestrator_taskrun SET state = %s, error = %s, ended_at = clock_timestamp(), "
            "history = history || jsonb_build_array(jsonb_build_array(%s::text, clock_timestamp())) WHERE id = %s",
            [state, clean(fact.error), state, task_run_id],
        )
