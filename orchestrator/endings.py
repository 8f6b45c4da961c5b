"""How an attempt ended, when its execution could not be advanced with it: the fact is kept, the execution waits.

Whatever the machine stumbles over, the worker's lease is given back and the fact is not lost; if the execution cannot
be advanced later either, it is failed after three tries like any other.
"""

import logging
from datetime import datetime

from django.db import connection, transaction

from orchestrator import executor, traces
from orchestrator.executor import Ending, Fenced
from orchestrator.snapshots import EXECUTION_COLUMNS, ExecutionRow

_log = logging.getLogger(__name__)


ONE_EXECUTION = f"SELECT {EXECUTION_COLUMNS}, clock_timestamp() FROM orchestrator_execution WHERE id = %s FOR UPDATE"  # noqa: S608

THEIRS = """
UPDATE orchestrator_taskrun SET worker = NULL, lease_until = NULL
WHERE id = %s AND attempt = %s AND worker = %s AND state = 'RUNNING' AND (NOT %s OR lease_until < clock_timestamp())
"""


def leave(ending: Ending) -> None:
    """Record the fact alone and let the execution wait for its turn; raises Fenced when the attempt is not theirs."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(ONE_EXECUTION, [ending.execution_id])
        found = cursor.fetchone()
        cursor.execute(THEIRS, [ending.task_run_id, ending.attempt, ending.worker, ending.only_expired])
        if found is None or cursor.rowcount != 1:
            raise Fenced
        _write_traces(ExecutionRow.read(found[:-1]), ending, found[-1])
        executor.record_fact(ending.task_run_id, ending.fact)
        executor.want_advance(ending.execution_id)


def _write_traces(row: ExecutionRow, ending: Ending, at: datetime) -> None:
    """Write log lines, metrics and files, unless it was they that could not be written."""
    try:
        with transaction.atomic():
            traces.write(row, ending.task_run_id, ending.traces, at)
    except Exception:  # noqa: BLE001 - the end itself must be kept
        _log.exception("what task run %s left behind could not be written", ending.task_run_id)
