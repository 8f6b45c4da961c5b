"""What one worker process does: takes task runs, runs them, records how they ended.

Each child of Celery's prefork pool calls `child_started` and has then three threads: the one in which Celery delivers
rings, *poll*, which looks for work by itself every two seconds, and *beat*, which extends leases, passes on kills and
timeouts and writes log lines while a task runs. One work lock lets only one of the first two work at a time.
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
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from pathlib import Path
from uuid import UUID, uuid4

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, close_old_connections, connection

from orchestrator import claims, dispatch, executor, fetching, snapshots, storage
from orchestrator.claims import Claim
from orchestrator.core.durations import read_duration
from orchestrator.core.expressions import Call, ExpressionFailed, Needs, render_tree
from orchestrator.core.snapshot import Fact, FactKind
from orchestrator.core.spec import TaskSpec
from orchestrator.core.states import State
from orchestrator.json_text import dump
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
BEAT_SECONDS = 2.0
FLUSH_SECONDS = 0.25
TURN_SECONDS = 1.0  # a ring's work ends at the first task boundary after this, so that others get a turn
SAME_EXECUTION = 10  # task runs of one execution in a row
DRAIN_GRACE = 5.0  # what still runs this long after SIGTERM is handed back
LOG_LIMIT = 10_000_000  # bytes of log lines per attempt
OUTPUT_LIMIT = 1_000_000  # bytes of outputs kept inline
RECONNECT_SECONDS = 0.5
REMEMBER_SECONDS = 5.0  # how long a namespace's right to private addresses is remembered

_draining = multiprocessing.Value("b", 0)  # shared with the children of the pool, which Celery does not tell


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
    least_level: int = 0
    stop: threading.Event = field(default_factory=threading.Event)
    why: Stop | None = None
    deadline: float | None = None
    traces: Traces = field(default_factory=Traces)
    masks: list[str] = field(default_factory=list)
    flushing: threading.Lock = field(default_factory=threading.Lock)
    _lines: int = 0
    _bytes: int = 0

    def end(self, why: Stop) -> None:
        """Tell the task to stop; the first reason counts."""
        if self.why is None:
            self.why = why
            self.stop.set()

    def log(self, level: str, message: str) -> None:
        """Keep a line; past the limit one last line says so."""
        if LEVELS.index(level) < self.least_level or self._bytes > LOG_LIMIT:
            return
        self._bytes += len(message)
        if self._bytes > LOG_LIMIT:
            level, message = "WARN", f"This task has logged more than {LOG_LIMIT} bytes; what follows is not kept."
        claim = self.claim
        moment = datetime.now(UTC)
        self.traces.logs.append(LogRecord(claim.task_run_id, claim.attempt, self._lines, moment, level, message))
        self._lines += 1

    def metric(self, name: str, kind: str, value: float, tags: Mapping[str, str]) -> None:
        """Keep a number that the task published."""
        self.traces.metrics.append(Measured(name, kind, value, tags))

    def take_lines(self) -> list[LogRecord]:
        """Return the lines that are not written yet, and forget them."""
        lines, self.traces.logs = self.traces.logs, []
        return lines


class Worker:
    """The state of one worker process."""

    def __init__(self) -> None:
        self.id: UUID = uuid4()
        self._held: dict[tuple[str, int], Attempt] = {}
        self._working = threading.Lock()
        self._over = threading.Event()
        self._drained_since: float | None = None

    # -- taking work ---------------------------------------------------------------------------------------------------

    def work(self, queue: str) -> int:
        """Advance what waits and run what can be claimed, for about a second; return the number of task runs run."""
        if self.draining or not self._working.acquire(blocking=False):
            return 0
        try:
            dispatch.clear_ring(queue)
            return self._work(queue, time.monotonic() + TURN_SECONDS)
        finally:
            self._working.release()

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
                goes_on = time.monotonic() < until and not self.draining
                same = in_a_row < SAME_EXECUTION
                following = self.run(claim, queue if goes_on else "", same_execution=same)
                done += 1
                in_a_row = in_a_row + 1 if following and following.row.id == claim.row.id else 0
                claim = following
            if time.monotonic() >= until:
                dispatch.ring(queue)
                return done
        return done

    def run(self, claim: Claim, queue: str = "", *, same_execution: bool = True) -> Claim | None:
        """Run one claimed task run to its end, record it, and return the next claim of `queue`."""
        attempt = Attempt(claim)
        self._held[claim.log_key] = attempt
        try:
            fact = self._attempt(attempt)
        finally:
            with attempt.flushing:
                del self._held[claim.log_key]
        return self._record(attempt, fact, queue, same_execution=same_execution)

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
        except (OperationalError, InterfaceError):
            raise
        except Exception as failure:  # noqa: BLE001 - a type's fault is the task's failure, never the worker's
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
        if len(dump(outputs)) > OUTPUT_LIMIT:
            outputs, state = {}, State.FAILED
            error = f"The outputs are larger than {OUTPUT_LIMIT} bytes. Write them to a file and give that out."
        if error and state is not State.SUCCESS and kind is FactKind.ENDED:
            attempt.log("ERROR", error)
        return Fact(kind, state, outputs, error, attempt.claim.started, str(self.id))

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
        while True:
            try:
                return executor.finish(ending, queue=queue, same_execution=same_execution)
            except executor.Fenced:
                recorded = claims.ended_as(claim.task_run_id, claim.attempt, self.id)
                if recorded is None:
                    _log.warning("task run %s attempt %d came too late, its result is dropped", *claim.log_key)
                return None
            except (OperationalError, InterfaceError) as failure:
                # the commit's answer may be lost: asking again finds the attempt recorded, and then it was ours
                _log.warning("task run %s attempt %d: %s; trying again", *claim.log_key, failure)
                connection.close()
                if self._over.wait(RECONNECT_SECONDS):
                    return None

    # -- threads -------------------------------------------------------------------------------------------------------

    def start_threads(self, queues: list[str]) -> None:
        """Start poll and beat."""
        threading.Thread(target=self._forever, args=(POLL_SECONDS, lambda: self._poll(queues)), daemon=True).start()
        threading.Thread(target=self._forever, args=(FLUSH_SECONDS, self._beater(queues)), daemon=True).start()

    def _forever(self, seconds: float, step: Callable[[], None]) -> None:
        while not self._over.wait(seconds):
            try:
                step()
            except DatabaseError as failure:
                _log.warning("the database does not answer: %s", failure)
                connection.close()
            except Exception:  # noqa: BLE001 - the thread must live as long as the process
                _log.exception("a step of the worker's own failed")
        connection.close()

    def _poll(self, queues: list[str]) -> None:
        if self.draining:
            return
        for queue in queues:
            self.work(queue)
        executor.advance_waiting()  # also while a long task holds the work lock

    def _beater(self, queues: list[str]) -> Callable[[], None]:
        due = 0.0

        def step() -> None:
            nonlocal due
            now = time.monotonic()
            for attempt in list(self._held.values()):
                if attempt.deadline is not None and now > attempt.deadline:
                    attempt.end(Stop.TIMEOUT)
                self._flush(attempt)
            self._pass_on_drain(now)
            if now >= due:
                due = now + BEAT_SECONDS
                self._beat(queues)

        return step

    def _flush(self, attempt: Attempt) -> None:
        with attempt.flushing:
            if attempt.claim.log_key not in self._held:
                return
            lines = attempt.take_lines()
            if not lines:
                return
            row = attempt.claim.row
            try:
                snapshots.insert_logs([(row.tenant_id, row.id, line) for line in lines])
            except DatabaseError:
                attempt.traces.logs[:0] = lines
                raise
        dispatch.changed(row.tenant_id, row.id)

    def _beat(self, queues: list[str]) -> None:
        held = dict(self._held)
        beats = {(beat.task_run_id, beat.attempt): beat for beat in claims.extend(self.id, list(held))}
        for key, attempt in held.items():
            if key not in self._held:
                continue
            if key not in beats:
                attempt.end(Stop.LOST)
            elif beats[key].kill:
                attempt.end(Stop.KILL)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO orchestrator_workerprocess (id, host, pid, queues, started_at, beat_at) "
                "VALUES (%s, %s, %s, %s, clock_timestamp(), clock_timestamp()) "
                "ON CONFLICT (id) DO UPDATE SET beat_at = clock_timestamp()",
                [self.id, socket.gethostname(), os.getpid(), dump(queues)],
            )

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
        return bool(_draining.value) or self._over.is_set()

    def stop(self) -> None:
        """Hand back what runs and end the threads; waits for the work in hand."""
        for attempt in list(self._held.values()):
            attempt.end(Stop.DRAIN)
        with self._working:
            self._over.set()
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM orchestrator_workerprocess WHERE id = %s", [self.id])


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
