"""What one worker process does: takes task runs, runs them, records how they ended.

Each child of Celery's prefork pool calls `child_started` and has then four threads: the one in which Celery delivers
rings, *poll*, which looks for work by itself every two seconds, *beat*, which extends leases, passes on kills and
writes log lines while a task runs, and *watch*, which never asks the database and so ends tasks in time even when that
does not answer. One work lock lets only one of the first two work at a time.
"""

import logging
import multiprocessing
import os
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from pathlib import Path
from uuid import UUID, uuid4

from django.conf import settings
from django.db import Error, close_old_connections, connection

from orchestrator import claims, dispatch, endings, executor, fetching, snapshots, storage
from orchestrator.claims import Claim
from orchestrator.core.durations import read_duration
from orchestrator.core.expressions import Call, ExpressionFailed, Needs, render_tree
from orchestrator.core.snapshot import Fact, FactKind
from orchestrator.core.spec import TaskSpec
from orchestrator.core.states import State
from orchestrator.json_text import MOST_LEVELS, dump, too_deep
from orchestrator.namespace_files import FilesOfNamespace
from orchestrator.revisions import Revision, revision_of
from orchestrator.scopes import Scene, names_in
from orchestrator.snapshots import LogRecord
from orchestrator.tasks.contract import Outcome, RunContext
from orchestrator.tasks.registry import task_type
from orchestrator.tasks.scripts.process import hide_memory
from orchestrator.traces import Measured, Traces
from orchestrator.world import LEVELS, holds_expression
from tenants.models import Namespace, Tenant

_log = logging.getLogger(__name__)

POLL_SECONDS = 2.0
BEAT_SECONDS = 2.0  # or a quarter of a short lease
FLUSH_SECONDS = 0.25
WATCH_SECONDS = 0.25
GUARD_SECONDS = 3.0  # so long before its lease may be over, a task that could not extend it is stopped
TURN_SECONDS = 1.0  # a ring's work ends at the first task boundary after this, so that others get a turn
SAME_EXECUTION = 10  # task runs of one execution in a row
DRAIN_GRACE = 5.0  # what still runs this long after SIGTERM is handed back
STOP_SECONDS = 10.0  # after that grace, how long ending and recording it may take
LOG_LIMIT = 10_000_000  # bytes of log lines per attempt
OUTPUT_LIMIT = 1_000_000  # bytes of outputs kept inline
RECONNECT_SECONDS = 0.5
REMEMBER_SECONDS = 5.0  # how long a namespace's right to private addresses is remembered

# shared with the children of the pool, which Celery does not tell; without a lock, which a killed child would keep
_draining = multiprocessing.RawValue("b", 0)


class Stop(Enum):
    """Why a running attempt was told to end."""

    KILL = "kill"
    TIMEOUT = "timeout"
    LOST = "lost"
    DRAIN = "drain"


@dataclass(eq=False)
class Attempt:
    """A claim that is being run in this process."""

    claim: Claim
    safe_until: float = float("inf")  # by time.monotonic(): nobody else has the task run before that
    least_level: int = 0
    stop: threading.Event = field(default_factory=threading.Event)
    why: Stop | None = None
    deadline: float | None = None
    traces: Traces = field(default_factory=Traces)
    masks: list[str] = field(default_factory=list)
    flushing: threading.Lock = field(default_factory=threading.Lock)
    over: bool = False  # the task has ended and is being recorded
    unsure: bool = False  # lines were sent and the answer got lost: they may be written
    _counting: threading.Lock = field(default_factory=threading.Lock)
    _lines: int = 0
    _bytes: int = 0

    def end(self, why: Stop) -> None:
        """Tell the task to stop; the first reason counts."""
        if self.why is None and not self.over:
            self.why = why
            self.stop.set()

    def log(self, level: str, message: str) -> None:
        """Keep a line; past the limit one last line says so."""
        if LEVELS.index(level) < self.least_level or self._bytes > LOG_LIMIT:
            return
        claim = self.claim
        with self._counting:  # a task may speak from several threads
            self._bytes += len(message)
            if self._bytes > LOG_LIMIT:
                level, message = "WARN", f"This task has logged more than {LOG_LIMIT} bytes; what follows is not kept."
            moment = datetime.now(UTC)
            self.traces.logs.append(LogRecord(claim.task_run_id, claim.attempt, self._lines, moment, level, message))
            self._lines += 1

    def metric(self, name: str, kind: str, value: float, tags: Mapping[str, str]) -> None:
        """Keep a number that the task published."""
        self.traces.metrics.append(Measured(name, kind, value, tags))

    def take_lines(self) -> list[LogRecord]:
        """Return the lines that are not written yet, and forget them."""
        with self._counting:
            lines, self.traces.logs = self.traces.logs, []
        return lines

    def give_back(self, lines: list[LogRecord]) -> None:
        """Keep lines that could not be written; whether they were is not known."""
        with self._counting:
            self.traces.logs[:0] = lines
        self.unsure = True

    def drop_written(self) -> None:
        """Forget the lines that reached the database though its answer did not reach us: sent together, all or none."""
        if self.unsure:
            last = _last_line(self.claim)
            with self._counting:
                self.traces.logs = [line for line in self.traces.logs if line.n > last]
            self.unsure = False


class Worker:
    """The state of one worker process."""

    def __init__(self) -> None:
        self.id: UUID = uuid4()
        self._held: dict[tuple[str, int], Attempt] = {}
        self._working = threading.Lock()
        self._leaving = False
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._drained_since: float | None = None

    # -- taking work ---------------------------------------------------------------------------------------------------

    def work(self, queue: str) -> int:
        """Advance what waits and run what can be claimed, for about a second; return the number of task runs run.

        While the poll's thread runs a task, the ring is passed on and this thread stands by, so that Celery gives the
        next one to a process that is free.
        """
        done = self._try_to_work(queue)
        if done is None:
            dispatch.ring_on(queue)
        while done is None:
            executor.advance_waiting()
            done = self._try_to_work(queue, POLL_SECONDS)
        return done

    def _try_to_work(self, queue: str, patience: float = 0.0) -> int | None:
        """Work if nobody else in this process does within `patience`; None when somebody does."""
        until = time.monotonic() + patience
        while not self.draining:
            dispatch.clear_ring(queue)
            if self._working.acquire(timeout=min(patience, WATCH_SECONDS)):
                try:
                    return self._work(queue, time.monotonic() + TURN_SECONDS)
                finally:
                    self._working.release()
            if time.monotonic() >= until:
                return None
        return 0

    def _work(self, queue: str, until: float) -> int:
        done = 0
        while not self.draining:
            advanced = executor.advance_waiting(taking=queue)
            claim = claims.next_of(queue, self.id)
            if claim is None and not advanced:
                return done
            in_a_row = 0
            while claim is not None:
                if claim.more:
                    dispatch.ring_on(queue)
                following = self.run(claim, queue, same_execution=in_a_row < SAME_EXECUTION, until=until)
                done += 1
                in_a_row = in_a_row + 1 if following and following.row.id == claim.row.id else 0
                claim = following
            if time.monotonic() >= until:
                dispatch.ring(queue)
                return done
        return done

    def run(
        self, claim: Claim, queue: str = "", *, same_execution: bool = True, until: float = float("inf")
    ) -> Claim | None:
        """Run one claimed task run to its end, record it, and return the next claim of `queue`.

        None follows when it ends after `until`, or when this process is to take nothing new by then.
        """
        attempt = Attempt(claim, claim.asked + settings.LEASE_SECONDS)
        self._held[claim.log_key] = attempt
        try:
            fact = self._attempt(attempt)
            with attempt.flushing:
                attempt.over = True
            goes_on = time.monotonic() < until and not self.draining
            return self._record(attempt, fact, queue if goes_on else "", same_execution=same_execution)
        except SystemExit:  # how a child of the pool that gets SIGTERM itself is told to end at once
            self._record(attempt, self._handed_back(attempt), "", same_execution=False)
            raise
        finally:
            del self._held[claim.log_key]

    # -- one attempt ---------------------------------------------------------------------------------------------------

    def _attempt(self, attempt: Attempt) -> Fact:
        claim = attempt.claim
        folder: list[Path] = []
        try:
            revision = revision_of(claim.row.revision_id)
            task = revision.outline.task(claim.task_id)
            outcome = self._perform(attempt, revision, task, folder)
        except ExpressionFailed as failure:
            outcome = Outcome(State.FAILED, error=str(failure))
        except Exception as failure:  # noqa: BLE001 - a type's fault is the task's failure, never the worker's
            if isinstance(failure, Error) and not _connected():
                _log.warning("task run %s is handed back, the database went away: %s", claim.task_run_id, failure)
                return self._handed_back(attempt)
            _log.exception("task run %s could not be run", claim.task_run_id)
            outcome = Outcome(State.FAILED, error=f"{type(failure).__name__}: {failure}")
        finally:
            for made in folder:
                shutil.rmtree(made, ignore_errors=True)
        return self._fact(attempt, outcome)

    def _perform(self, attempt: Attempt, revision: Revision, task: TaskSpec, folder: list[Path]) -> Outcome:
        claim = attempt.claim
        if task.log_level in LEVELS:
            attempt.least_level = LEVELS.index(task.log_level)
        render = _renderer(claim, revision)
        rendered = render(task.properties)
        if task.timeout is not None:
            attempt.deadline = time.monotonic() + read_duration(str(render(task.timeout))).total_seconds()
        if not isinstance(rendered, Mapping):
            raise TypeError("properties must be a mapping")
        files = storage.TaskRunFiles(
            claim.row.tenant_id,
            storage.task_run_folder(
                claim.row.namespace,
                revision.spec.id,
                claim.row.id,
                claim.task_id,
                claim.task_run_id,
            ),
            lambda uri: fetching.may_read(claim.row, uri),
            attempt.traces.files,
        )
        context = RunContext(
            log=attempt.log,
            tenant_id=claim.row.tenant_id,
            tenant=_tenant_slug(claim.row.tenant_id),
            namespace=claim.row.namespace,
            flow_id=revision.spec.id,
            execution_id=claim.row.id,
            task_run_id=claim.task_run_id,
            task_id=claim.task_id,
            attempt=claim.attempt,
            metric=attempt.metric,
            make_working_dir=lambda: _make_folder(folder),
            storage=files,
            namespace_files=FilesOfNamespace(claim.row.tenant_id, claim.row.namespace),
            render=lambda text: str(render(text)),
            stop=attempt.stop,
            deadline=attempt.deadline,
            allow_private_networks=_private_networks.allowed(claim.row.tenant_id, claim.row.namespace),
            private_networks=settings.PRIVATE_NETWORKS,
            masks=attempt.masks,
            isolation=settings.ISOLATION,
            data_dir=settings.DATA_DIR,
        )
        outcome = task_type(task.type).perform(rendered, context)
        if outcome.labels:
            attempt.traces.labels.update(outcome.labels)
        return outcome

    def _fact(self, attempt: Attempt, outcome: Outcome) -> Fact:
        """Return what is recorded: why the task was stopped counts more than what it answered to that."""
        kind, state, error = FactKind.ENDED, outcome.state, outcome.error or ""
        if attempt.why is Stop.DRAIN and state not in {State.SUCCESS, State.WARNING}:
            kind = FactKind.RELEASED
        elif attempt.why is Stop.KILL and state is not State.SUCCESS:
            state, error = State.KILLED, "Somebody stopped the execution."
        elif attempt.why is Stop.TIMEOUT:
            state, error = State.FAILED, "The task took longer than its timeout."
        outputs = dict(outcome.outputs)
        if too_deep(outputs):
            outputs, state = {}, State.FAILED
            error = f"The outputs are nested in more than {MOST_LEVELS} levels. Write them to a file and give that out."
        elif len(dump(outputs)) > OUTPUT_LIMIT:
            outputs, state = {}, State.FAILED
            error = f"The outputs are larger than {OUTPUT_LIMIT} bytes. Write them to a file and give that out."
        if error and state is not State.SUCCESS and kind is FactKind.ENDED:
            attempt.log("ERROR", error)
        return Fact(kind, state, outputs, error, attempt.claim.started, str(self.id))

    def _handed_back(self, attempt: Attempt) -> Fact:
        """Return what is recorded of an attempt that somebody else shall make again, at no cost to the task."""
        with attempt.flushing:
            attempt.over = True
        return Fact(FactKind.RELEASED, State.FAILED, None, "", attempt.claim.started, str(self.id))

    def _record(self, attempt: Attempt, fact: Fact, queue: str, *, same_execution: bool) -> Claim | None:
        claim = attempt.claim
        if attempt.why is Stop.LOST:
            _log.warning("task run %s attempt %d: the lease was lost, its result is dropped", *claim.log_key)
            return None
        ending = executor.Ending(
            claim.task_run_id,
            claim.row.id,
            claim.path,
            claim.attempt,
            self.id,
            fact,
            attempt.traces,
        )
        machine_fails = False
        while True:
            try:
                attempt.drop_written()
                if machine_fails:
                    endings.leave(ending)
                    return None
                return executor.finish(ending, queue=queue, same_execution=same_execution)
            except executor.Fenced:
                recorded = claims.ended_as(claim.task_run_id, claim.attempt, self.id)
                if recorded in {None, "LOST"}:
                    _log.warning("task run %s attempt %d came too late, its result is dropped", *claim.log_key)
                return None
            except Exception as failure:
                if machine_fails and _connected():
                    raise
                if _connected():
                    _log.exception("how task run %s attempt %d ended waits for its execution's turn", *claim.log_key)
                    machine_fails = True
                    continue
                # the commit's answer may be lost: asking again finds the attempt recorded, and then it was ours
                _log.warning("task run %s attempt %d: %s; trying again", *claim.log_key, failure)
                attempt.unsure = True
                connection.close()
                if self._over.wait(RECONNECT_SECONDS):
                    return None

    # -- threads -------------------------------------------------------------------------------------------------------

    def start_threads(self, queues: list[str]) -> None:
        """Start poll, beat and watch."""
        steps = (
            (POLL_SECONDS, lambda: self._poll(queues)),
            (FLUSH_SECONDS, self._beater(queues)),
            (WATCH_SECONDS, self._watch),
        )
        self._threads = [threading.Thread(target=self._forever, args=step, daemon=True) for step in steps]
        for thread in self._threads:
            thread.start()

    def _forever(self, seconds: float, step: Callable[[], None]) -> None:
        while not self._over.wait(seconds):
            try:
                step()
            except Error as failure:
                _log.warning("the database does not answer: %s", failure)
                connection.close()
            except Exception:  # noqa: BLE001 - the thread must live on
                _log.exception("a step of the worker's own failed")
                if not _connected():
                    connection.close()
        connection.close()

    def _poll(self, queues: list[str]) -> None:
        if self.draining:
            return
        for queue in queues:
            self._try_to_work(queue)
        executor.advance_waiting()  # also while a long task holds the work lock

    def _beater(self, queues: list[str]) -> Callable[[], None]:
        due = 0.0

        def step() -> None:
            nonlocal due
            for attempt in list(self._held.values()):
                self._flush(attempt)
            now = time.monotonic()
            if now >= due:
                due = now + min(BEAT_SECONDS, settings.LEASE_SECONDS / 4)
                self._beat(queues)

        return step

    def _flush(self, attempt: Attempt) -> None:
        with attempt.flushing:
            if attempt.over:
                return
            attempt.drop_written()
            lines = attempt.take_lines()
            if not lines:
                return
            row = attempt.claim.row
            try:
                snapshots.insert_logs([(row.tenant_id, row.id, line) for line in lines])
            except Exception:  # COPY raises the driver's own errors too
                attempt.give_back(lines)
                raise
        dispatch.changed(row.tenant_id, row.id)

    def _beat(self, queues: list[str]) -> None:
        held = dict(self._held)
        sent = time.monotonic()
        beats = {(beat.task_run_id, beat.attempt): beat for beat in claims.extend(self.id, list(held))}
        for key, attempt in held.items():
            if key not in beats:
                attempt.end(Stop.LOST)
                continue
            attempt.safe_until = sent + settings.LEASE_SECONDS
            if beats[key].kill:
                attempt.end(Stop.KILL)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO orchestrator_workerprocess (id, host, pid, queues, started_at, beat_at) "
                "VALUES (%s, %s, %s, %s, clock_timestamp(), clock_timestamp()) "
                "ON CONFLICT (id) DO UPDATE SET beat_at = clock_timestamp()",
                [self.id, socket.gethostname(), os.getpid(), dump(queues)],
            )

    def _watch(self) -> None:
        """End what has run out of time, without asking anybody."""
        now = time.monotonic()
        guard = min(GUARD_SECONDS, settings.LEASE_SECONDS / 4)
        for attempt in list(self._held.values()):
            if attempt.deadline is not None and now > attempt.deadline:
                attempt.end(Stop.TIMEOUT)
            if now > attempt.safe_until - guard:
                attempt.end(Stop.LOST)
        self._pass_on_drain(now)

    def _pass_on_drain(self, now: float) -> None:
        if not self.draining:
            return
        self._drained_since = self._drained_since or now
        if now - self._drained_since > DRAIN_GRACE:
            for attempt in list(self._held.values()):
                attempt.end(Stop.DRAIN)

    @property
    def draining(self) -> bool:
        """This process takes nothing new any more."""
        return bool(_draining.value) or self._leaving

    def stop(self) -> None:
        """Take nothing new, wait for the work in hand or hand it back after the grace, and end the threads."""
        self._leaving = True
        held = self._working.acquire(timeout=DRAIN_GRACE + STOP_SECONDS)
        self._over.set()
        for thread in self._threads:
            thread.join(STOP_SECONDS if held else 0)
        with suppress(Error), connection.cursor() as cursor:
            cursor.execute("DELETE FROM orchestrator_workerprocess WHERE id = %s", [self.id])
        connection.close()
        if held:
            self._working.release()


def _connected() -> bool:
    """Tell whether this thread's connection survived what went wrong."""
    inner = connection.connection
    return inner is not None and not inner.closed


def _last_line(claim: Claim) -> int:
    """Return the number of the last line of an attempt that is written, -1 when none is."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(max(n), -1) FROM orchestrator_logline "
            "WHERE execution_id = %s AND task_run_id = %s AND attempt = %s",
            [claim.row.id, *claim.log_key],
        )
        return int(cursor.fetchone()[0])


def _renderer(claim: Claim, revision: Revision) -> Callable[[object], object]:
    """Return what evaluates a structure's expressions for a claimed task run, fetching whatever they ask for."""
    scene: list[Scene] = []
    fetched: dict[Call, object] = {}

    def render(value: object) -> object:
        if not holds_expression(value):
            return value
        names = names_in(value)
        if not scene:
            made = Scene(claim.row, revision, claim.started)
            made.runs = snapshots.above(claim.row, claim.path).runs
            scene.append(made)
        while True:
            try:
                return render_tree(value, scene[0].scope(claim.path, names), fetched)
            except Needs as needed:
                fetched[needed.call] = fetching.fetch(needed.call, claim.row)

    return render


def _make_folder(made: list[Path]) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="portico-task-"))
    made.append(folder)
    return folder


@lru_cache(maxsize=1000)
def _tenant_slug(tenant_id: int) -> str:
    return Tenant.objects.values_list("slug", flat=True).get(pk=tenant_id)


class _PrivateNetworks:
    """Which namespaces may reach private addresses, remembered for a few seconds."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, str], tuple[float, bool]] = {}

    def allowed(self, tenant_id: int, namespace: str) -> bool:
        until, answer = self._known.get((tenant_id, namespace), (0.0, False))
        if time.monotonic() < until:
            return answer
        answer = _read_private_network(tenant_id, namespace)
        self._known[tenant_id, namespace] = (time.monotonic() + REMEMBER_SECONDS, answer)
        return answer


_private_networks = _PrivateNetworks()


def _read_private_network(tenant_id: int, namespace: str) -> bool:
    names = namespace.split(".")
    chain = [".".join(names[:depth]) for depth in range(1, len(names) + 1)]
    return Namespace.objects.in_tenant(tenant_id).filter(path__in=chain, private_network=True).exists()


# -- the process -------------------------------------------------------------------------------------------------------

_this_process: Worker | None = None


def this_process() -> Worker:
    """Return the worker of this process; made when first asked for, never shared with a forked child."""
    global _this_process  # noqa: PLW0603 - there is one per process by nature
    if _this_process is None:
        _this_process = Worker()
    return _this_process


def work(queue: str) -> int:
    """Do what a ring of `queue` asks for."""
    close_old_connections()
    return this_process().work(queue)


def child_started(queues: list[str] | None = None) -> None:
    """Begin as a child of the pool: a worker of its own, with its threads."""
    global _this_process  # noqa: PLW0603 - whatever the parent had is not ours
    hide_memory()
    _this_process = Worker()
    _this_process.start_threads(queues or settings.WORKER_QUEUES)


def child_stopping() -> None:
    """End as a child of the pool."""
    if _this_process is not None:
        _this_process.stop()


def drain() -> None:
    """Tell every child of this pool to take nothing new and, after a grace, to hand back what it holds."""
    _draining.value = 1
