"""The periodic tick: does for the clock, for crashes and for lost messages what nobody else will.

Any number of schedulers may run it; every step takes a bounded batch of rows that nobody else has.
"""

import logging
from collections.abc import Callable

from django.db import connection, transaction

from orchestrator import claims, dispatch, endings, executor
from orchestrator.core.snapshot import Fact, FactKind
from orchestrator.core.states import State
from tenants import outbox

_log = logging.getLogger(__name__)

BATCH = 100
ADVANCES = 20  # batches of executions advanced in one tick
PATIENCE = 1.0  # seconds after which work that nobody took is rung for again
GONE_AFTER = 60  # seconds after which a silent worker process is forgotten

SWEEPS: list[Callable[[], object]] = []  # what other rooms want done; they add to it when they are loaded


def tick() -> None:
    """Do one round; a step that fails does not keep the others from being done."""
    for step in (wake_due, recover_lost, advance_left, ring_for_waiting, forget_gone_workers, outbox.send_due, *SWEEPS):
        try:
            step()
        except Exception:
            if not connection.is_usable():
                raise
            _log.exception("a step of the tick failed: %s", getattr(step, "__name__", step))


def wake_due() -> int:
    """Let executions be advanced whose retries or delays are due; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE orchestrator_execution SET advance_at = clock_timestamp(), wake_at = NULL, version = version + 1 "
            "WHERE id IN (SELECT id FROM orchestrator_execution WHERE wake_at <= clock_timestamp() "
            "ORDER BY wake_at LIMIT %s FOR UPDATE SKIP LOCKED)",
            [BATCH * 5],
        )
        woken = int(cursor.rowcount)
    if woken:
        dispatch.ring()
    return woken


def recover_lost() -> int:
    """Record as lost the attempts whose leases ran out; return how many were ours to record."""
    recovered = 0
    for lost in claims.expired(BATCH):
        fact = Fact(FactKind.LOST, State.FAILED, None, "The worker stopped answering.", worker=str(lost.worker))
        ending = executor.Ending(
            lost.task_run_id,
            lost.execution_id,
            lost.path,
            lost.attempt,
            lost.worker,
            fact,
            only_expired=True,
        )
        if not _record_lost(ending):
            continue
        recovered += 1
        _log.warning("task run %s attempt %d was lost", lost.task_run_id, lost.attempt)
    return recovered


def _record_lost(ending: executor.Ending) -> bool:
    """Record one lost attempt; False when somebody was first. One that spoils its turn must not stop the others."""
    try:
        executor.finish(ending)
    except executor.Fenced:
        return False
    except Exception:
        if not connection.is_usable():
            raise
        _log.exception("that task run %s was lost is left for its execution's turn", ending.task_run_id)
        try:
            endings.leave(ending)
        except executor.Fenced:
            return False
    return True


def advance_left() -> int:
    """Advance executions that no worker has taken, for instance because all are busy; return how many."""
    done = 0
    for _ in range(ADVANCES):
        taken = executor.advance_waiting()
        done += taken
        if taken < executor.BATCH:
            break
    return done


def ring_for_waiting() -> None:
    """Ring for every queue in which something has waited for over a second."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "WITH RECURSIVE queues(queue) AS ("
            " (SELECT queue FROM orchestrator_taskrun WHERE state = 'SUBMITTED' ORDER BY queue LIMIT 1) UNION ALL"
            " SELECT (SELECT r.queue FROM orchestrator_taskrun r WHERE r.state = 'SUBMITTED' AND r.queue > q.queue"
            " ORDER BY r.queue LIMIT 1) FROM queues q WHERE q.queue IS NOT NULL) "
            "SELECT queue FROM queues q WHERE queue IS NOT NULL AND EXISTS ("
            " SELECT 1 FROM orchestrator_taskrun r WHERE r.state = 'SUBMITTED' AND r.queue = q.queue"
            " AND r.run_after < clock_timestamp() - make_interval(secs => %s))",
            [PATIENCE],
        )
        for (queue,) in cursor.fetchall():
            dispatch.ring(queue)


def forget_gone_workers() -> None:
    """Forget worker processes that have been silent for long."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM orchestrator_workerprocess WHERE beat_at < clock_timestamp() - make_interval(secs => %s)",
            [GONE_AFTER],
        )
