"""What is new for somebody who watches a run: states since a version, log lines since a place in each attempt.

The database is the truth and every reader has a cursor, so a lost, doubled or late "something changed" costs latency
and nothing else. How those words travel to open sockets is in hub.py.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection

from orchestrator.access import Part, seen_parts
from orchestrator.core.states import FINAL, State
from orchestrator.models import Execution, TaskRun
from tenants.actor import Actor

LINES_AT_ONCE = 2_000
RUNS_SHOWN = 2_000
_MOST = 2**31 - 1
_OPEN = re.compile(r"(-?\d{1,10})\.(\d{1,9}):(\d{1,10})", re.ASCII)
_HEAD = re.compile(r"(\d{1,9});(-?\d{1,10});(.*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Lines:
    """Which log lines somebody has read, short enough for an address.

    `through`: all of the task runs up to this position (the order in which task runs were created) are over and read
    to their end, in this round. `read` says for later ones the last line of each attempt: {(position, attempt): n}.
    """

    round: int = 0
    through: int = -2
    read: Mapping[tuple[int, int], int] = field(default_factory=dict)

    @classmethod
    def from_text(cls, text: str) -> "Lines":
        """Read what `to_text` wrote; whatever is not that counts as "nothing read yet"."""
        head = _HEAD.fullmatch(text)
        if head is None:
            return cls()
        read = {
            (int(place[1]), int(place[2])): min(int(place[3]), _MOST)
            for place in map(_OPEN.fullmatch, head[3].split(","))
            if place is not None and abs(int(place[1])) <= _MOST
        }
        return cls(int(head[1]), max(-2, min(int(head[2]), _MOST)), read)

    def to_text(self) -> str:
        """Write the places as `round;through;position.attempt:n,...`."""
        read = ",".join(f"{position}.{attempt}:{n}" for (position, attempt), n in sorted(self.read.items()))
        return f"{self.round};{self.through};{read}"


@dataclass(frozen=True, slots=True)
class Line:
    """One log line with its place: the task run's position, the attempt and the number within it."""

    position: int
    task_run_id: str
    task_id: str
    attempt: int
    n: int
    at: datetime
    level: str
    message: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened since a cursor. `runs` is None when no state changed; `more`: more lines are waiting already."""

    version: int
    final: bool
    runs: list[TaskRun] | None
    lines: list[Line]
    cursor: Lines
    more: bool


def changes_since(
    actor: Actor,
    execution: Execution,
    version: int,
    read: Lines,
    *,
    limit: int = LINES_AT_ONCE,
) -> Changes:
    """Return what `actor` may see of `execution` that a reader at `version` and `read` has not seen.

    Whoever asks holds the row already. What changes while this reads is found the next time: states carry the row's
    version from before, and lines count as read to the end only where the end was seen before they were read.
    """
    runs = task_runs(execution) if execution.version != version else None
    lines: list[Line] = []
    if Part.LOGS in seen_parts(actor, execution):
        if read.round != execution.round:  # a restart may add attempts to what was over
            read = Lines(execution.round)
        over = _over_through(execution)
        lines = lines_after(execution.tenant_id, execution.id, read, limit=limit)
        read = _advanced(read, lines, over, complete=len(lines) < limit)
    return Changes(
        version=execution.version,
        final=State(execution.state) in FINAL,
        runs=runs,
        lines=lines,
        cursor=read,
        more=len(lines) >= limit,
    )


def task_runs(execution: Execution, limit: int = RUNS_SHOWN) -> list[TaskRun]:
    """Return the task runs of an execution in the order of their creation, at most `limit`, without outputs."""
    rows = TaskRun.objects.in_tenant(execution.tenant_id).filter(execution_id=execution.id, hidden=False)
    return list(rows.defer("fact", "values", "outputs").order_by("position", "id")[:limit])


def lines_after(tenant_id: int, execution_id: str, read: Lines, *, limit: int) -> list[Line]:
    """Return at most `limit` unread lines, attempt after attempt, none skipped within one.

    Each attempt costs one seek in the index, however many lines it has; what was said outside of tasks has position -1.
    """
    places = sorted(read.read)
    with connection.cursor() as cursor:
        cursor.execute(
            _AFTER,
            {
                "execution": execution_id,
                "tenant": tenant_id,
                "through": read.through,
                "positions": [position for position, _ in places],
                "attempts": [attempt for _, attempt in places],
                "ns": [read.read[place] for place in places],
                "limit": limit,
            },
        )
        return [Line(*row) for row in cursor.fetchall()]


def all_lines(tenant_id: int, execution_id: str, read: Lines | None = None) -> Iterable[Line]:
    """Yield every line of an execution, in bounded reads."""
    read = read or Lines()
    while True:
        lines = lines_after(tenant_id, execution_id, read, limit=LINES_AT_ONCE)
        yield from lines
        if len(lines) < LINES_AT_ONCE:
            return
        read = _advanced(read, lines, -2, complete=False)


_AFTER = """
WITH runs AS (
    SELECT -1 AS position, ''::text AS id, ''::text AS task_id, 0 AS attempt
    UNION ALL
    SELECT position, id, task_id, attempt FROM orchestrator_taskrun
     WHERE execution_id = %(execution)s AND tenant_id = %(tenant)s AND position > %(through)s
)
SELECT r.position, r.id, r.task_id, l.attempt, l.n, l.at, l.level, l.message
  FROM runs r
 CROSS JOIN LATERAL generate_series(0, r.attempt + 1) AS a(attempt)
  LEFT JOIN unnest(%(positions)s::int[], %(attempts)s::int[], %(ns)s::bigint[]) AS read(position, attempt, n)
    ON read.position = r.position AND read.attempt = a.attempt
 CROSS JOIN LATERAL (
    SELECT attempt, n, at, level, message FROM orchestrator_logline
     WHERE execution_id = %(execution)s AND tenant_id = %(tenant)s
       AND task_run_id = r.id AND attempt = a.attempt AND n > coalesce(read.n, -1)
     ORDER BY n LIMIT %(limit)s) l
 ORDER BY r.position, l.attempt, l.n LIMIT %(limit)s"""


def _over_through(execution: Execution) -> int:
    """Return the position up to which every task run is over; lines of one commit with or before its end."""
    rows = TaskRun.objects.in_tenant(execution.tenant_id).filter(execution_id=execution.id)
    still_open = rows.exclude(state__in=FINAL).order_by("position").values_list("position", flat=True).first()
    if still_open is not None:
        return still_open - 1
    last = rows.order_by("-position").values_list("position", flat=True).first()
    return -1 if last is None else last


def _advanced(read: Lines, lines: Iterable[Line], over: int, *, complete: bool) -> Lines:
    """Return the places after `lines`; with `complete` nothing was left behind, so what is over need not be named."""
    places = dict(read.read)
    for line in lines:
        place = (line.position, line.attempt)
        places[place] = max(line.n, places.get(place, -1))
    through = max(read.through, over) if complete else read.through
    kept = {place: n for place, n in places.items() if place[0] > through or place[0] < 0}
    return Lines(read.round, through, kept)
