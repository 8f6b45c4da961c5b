"""Advance and apply: the two middle verbs. Nothing else decides or writes a state.

`advance_waiting` takes a batch of executions that wait to be advanced; `finish` takes one task run that ended and, in
the same transaction, advances its execution and takes the worker's next task run.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from orchestrator import claims, dispatch, fetching, seats, snapshots, traces
from orchestrator.core.expressions import Call, Needs
from orchestrator.core.machine import advance, advance_from
from orchestrator.core.snapshot import LEAVES, Fact, Path, Snapshot, TaskRun
from orchestrator.core.states import FINAL, State
from orchestrator.json_text import dump
from orchestrator.revisions import revision_of
from orchestrator.snapshots import EXECUTION_COLUMNS, ExecutionRow, Turn
from orchestrator.traces import Traces
from orchestrator.world import ExecutionWorld, max_crashes

_log = logging.getLogger(__name__)

BATCH = 64
HOLD_SECONDS = 10  # how long a claim to advance lasts
MAX_TRIES = 3  # an execution that cannot be advanced so often is failed
FETCHES = 50  # calls of one turn that may ask for something outside

CLAIM_TO_ADVANCE = f"""
UPDATE orchestrator_execution SET
    advance_until = clock_timestamp() + make_interval(secs => %s), advance_tries = advance_tries + 1
WHERE id IN (
    SELECT id FROM orchestrator_execution
    WHERE advance_at <= clock_timestamp() AND (advance_until IS NULL OR advance_until < clock_timestamp())
    ORDER BY advance_at LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING {EXECUTION_COLUMNS}, clock_timestamp()
"""


def advance_waiting(limit: int = BATCH, *, taking: str = "") -> int:
    """Advance up to `limit` executions that wait for it; return how many were taken.

    `taking` is the queue from which the caller claims next: it need not be rung for.
    Nothing is locked while they are thought about; each is written only if it is still at the version that was read.
    """
    with connection.cursor() as cursor:
        cursor.execute(CLAIM_TO_ADVANCE, [HOLD_SECONDS, limit])
        claimed = cursor.fetchall()
    if not claimed:
        return 0
    rows = [ExecutionRow.read(row[:-1]) for row in claimed]
    at: datetime = claimed[0][-1]
    calm = [row for row in rows if row.tries <= 1]
    alone = [row for row in rows if row.tries > 1]
    if not _advance_together(calm, at, taking):
        alone = rows
    for row in alone:
        _advance_alone(row, at)
    return len(claimed)


def _advance_together(rows: Sequence[ExecutionRow], at: datetime, taking: str) -> bool:
    """Advance several executions in one transaction; False when one of them spoils it for all."""
    if not rows:
        return True
    try:
        before = snapshots.open_of(rows)
        turns = [_turn(row, before[row.id], at) for row in rows]
        _apply(turns, taking)
    except Exception:  # noqa: BLE001 - whatever it is, the others must not wait for it
        _log.exception("a batch of %d executions could not be advanced; each is tried alone", len(rows))
        return False
    return True


def _advance_alone(row: ExecutionRow, at: datetime) -> None:
    """Advance one execution; at the third try that fails, fail it and say why."""
    try:
        before = snapshots.open_of([row])[row.id]
        _apply([_turn(row, before, at)])
    except Exception as failure:  # noqa: BLE001 - a poisoned execution ends by itself
        _log.exception("execution %s could not be advanced (try %d)", row.id, row.tries)
        if row.tries >= MAX_TRIES:
            _give_up(row, failure)


def _give_up(row: ExecutionRow, failure: Exception) -> None:
    """Fail an execution that the machine cannot read, without asking it; its running tasks end by themselves."""
    with transaction.atomic():
        snapshots.lock([row.id])
        snapshots.fail_unread(row.id, f"The execution cannot be advanced: {failure}")
        dispatch.changed(row.tenant_id, row.id)


def _turn(row: ExecutionRow, before: Snapshot, at: datetime, path: Path | None = None) -> Turn:
    """Advance in thought; what an expression needs from outside is fetched and the thought begun again."""
    fetched: dict[Call, object] = {}
    for _ in range(FETCHES):
        try:
            return _think(row, before, at, path, fetched)
        except Needs as needed:
            if path is not None:
                raise
            fetched[needed.call] = fetching.fetch(needed.call, row)
    raise RuntimeError(f"its expressions asked for more than {FETCHES} things from outside")


def _think(
    row: ExecutionRow,
    before: Snapshot,
    at: datetime,
    path: Path | None,
    fetched: Mapping[Call, object],
) -> Turn:
    revision = revision_of(row.revision_id)
    world = ExecutionWorld(row, revision, at, fetched)
    if path is None:
        after = advance(revision.outline, before, at, world, max_crashes=max_crashes())
    else:
        after = advance_from(revision.outline, before, path, at, world, max_crashes=max_crashes())
    return Turn(row, before, after, path is not None, world.logs, world.labels)


def _apply(turns: Sequence[Turn], taking: str = "") -> None:
    """Write turns whose executions are still as they were read; the others keep waiting to be advanced."""
    with transaction.atomic():
        versions = snapshots.lock(turn.row.id for turn in turns)
        sound = [turn for turn in turns if versions.get(turn.row.id) == turn.row.version]
        overtaken = [turn.row.id for turn in turns if versions.get(turn.row.id) != turn.row.version]
        if sound:
            snapshots.write(sound)
            _follow(sound, taking)
        if overtaken:
            _release(overtaken)


def _follow(turns: Sequence[Turn], taking: str) -> None:
    """Do what a change of state brings with it, in the same transaction: seats, rings, news for screens."""
    for turn in turns:
        seats.open_levels(turn)
    queues = {
        run.queue
        for turn in turns
        for path, run in turn.after.runs.items()
        if run.state is State.SUBMITTED and turn.before.runs.get(path) is not run
    }
    for queue in queues - {taking}:
        dispatch.ring(queue)
    if any(not turn.after.settled for turn in turns):
        dispatch.ring()
    dispatch.changed_many({(turn.row.tenant_id, turn.row.id) for turn in turns})


def _release(execution_ids: Sequence[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE orchestrator_execution SET advance_until = NULL, advance_tries = greatest(advance_tries - 1, 0) "
            "WHERE id = ANY(%s)",
            [list(execution_ids)],
        )
    dispatch.ring()


@dataclass(frozen=True, slots=True)
class Ending:
    """An attempt that is over, as it is to be recorded."""

    task_run_id: str
    execution_id: str
    path: Path
    attempt: int
    worker: UUID
    fact: Fact
    traces: Traces = field(default_factory=Traces)
    only_expired: bool = False  # recorded by someone else, because the lease ran out


class Fenced(Exception):
    """The attempt is no longer this worker's: its lease ran out and somebody else decided. Its result is dropped."""


def finish(ending: Ending, *, queue: str = "", same_execution: bool = True) -> claims.Claim | None:
    """Record how an attempt ended, advance its execution, and take the next task run of `queue` ("": none).

    One transaction. Raises Fenced, with nothing changed, when the attempt is not the worker's any more.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {EXECUTION_COLUMNS}, clock_timestamp() FROM orchestrator_execution WHERE id = %s FOR UPDATE",
                [ending.execution_id],
            )
            found = cursor.fetchone()
        if found is None:
            raise Fenced
        row, at = ExecutionRow.read(found[:-1]), found[-1]
        before = snapshots.above(row, ending.path)
        run = before.runs.get(ending.path)
        # whoever ends an attempt locks the execution first, so this reading holds until the commit
        if run is None or not _is_theirs(run, ending, at):
            raise Fenced
        traces.write(row, ending.task_run_id, ending.traces, at)
        after = _advance_or_leave(row, before, ending, at, queue)
        if not queue:
            return None
        same_execution = same_execution and after is not None and _has_more(after)
        following = claims.next_of(queue, ending.worker, row.id) if same_execution else None
        return following or claims.next_of(queue, ending.worker)


def _is_theirs(run: TaskRun, ending: Ending, at: datetime) -> bool:
    """Tell whether the attempt still is who wants to end it; for a lost one: whether its lease really ran out."""
    if run.lease is None or run.attempt != ending.attempt or run.lease.worker != str(ending.worker):
        return False
    return not ending.only_expired or run.lease.until < at


def _has_more(after: Snapshot) -> bool:
    """Tell whether another task run of the execution may wait for a worker."""
    return after.state not in FINAL and bool(after.root.counts.get(LEAVES, {}).get(State.RUNNING))


def _advance_or_leave(
    row: ExecutionRow,
    before: Snapshot,
    ending: Ending,
    at: datetime,
    taking: str,
) -> Snapshot | None:
    """Advance the execution from what ended; None when it has to wait for its turn, or is over already."""
    if row.state in FINAL:
        snapshots.end_unread(ending.task_run_id, ending.fact)
        return None
    run = replace(before.runs[ending.path], fact=ending.fact, lease=None)
    try:
        turn = _turn(row, Snapshot({**before.runs, ending.path: run}), at, ending.path)
    except Needs:
        claims.let_go(ending.task_run_id, ending.attempt, ending.worker)
        record_fact(ending.task_run_id, ending.fact)
        want_advance(row.id)
        return None
    turn = replace(turn, before=before, labels={**turn.labels, **ending.traces.labels})
    snapshots.write([turn])
    _follow([turn], taking)
    return turn.after


def record_fact(task_run_id: str, fact: Fact) -> bool:
    """Keep a fact until the execution is advanced; False when one is already waiting or the run is over."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE orchestrator_taskrun SET fact = %s WHERE id = %s AND fact IS NULL AND state = ANY(%s)",
            [dump(snapshots.fact_fields(fact)), task_run_id, list(snapshots.OPEN)],
        )
        return bool(cursor.rowcount == 1)


def want_advance(execution_id: str) -> None:
    """Let the execution wait to be advanced, and ring for it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE orchestrator_execution SET advance_at = clock_timestamp(), version = version + 1 WHERE id = %s",
            [execution_id],
        )
    dispatch.ring()
