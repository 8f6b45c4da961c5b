"""The broker is emptied, frozen and killed; rings get lost between commit and publish."""

import signal
import statistics
import threading
import time
from contextlib import contextmanager

import pytest

from tests.faults.ground import PAUSE, must_be_red, mutant, sized
from tests.faults.test_killed_workers import TWO_TASKS, noting

pytestmark = pytest.mark.faults

ONE_TASK = """
id: one_task
namespace: company.team
tasks:
  - id: only
    type: scripts.shell.Commands
    commands: ['true']
"""

NOBODY_LOOKS = {
    "orchestrator.worker": [["        for queue in queues:\n            self._try_to_work(queue)\n", ""]],
    "orchestrator.recovery": [["            dispatch.ring(queue)", "            pass"]],
}
# rings over an exchange of the broker's, whose bindings an emptied broker forgets
BOUND = {"orchestrator.dispatch": [["queue=queue,\n            expires", "exchange=queue, routing_key=queue, expires"]]}
# whoever commits speaks to the broker itself, and waits for it
WAITS_FOR_THE_BROKER = {
    "orchestrator.dispatch": [["BROKER_TIMEOUT = 0.3", "BROKER_TIMEOUT = 8.0"]],
    "orchestrator.crier": [
        ["            self._rings.add(queue)\n            self._wake()", "            self._say({queue}, set())"]
    ],
}

# the process dies after a commit, before it rings; only so many times, each leaving a mark
DIES_BEFORE_PUBLISHING = """def _publish_ring(queue: str) -> None:
    import os
    import random
    for number in range(MANY if random.random() < 0.25 else 0):
        try:
            os.close(os.open(f"FOLDER/died-{number}", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            continue
        os.kill(os.getpid(), 9)
"""


def flush_often(ground, edits=None):
    """Empty the broker again and again while executions are submitted and run."""
    ground.crew(edits=edits)
    with ground.acting(edits):
        rings_again(ground)
        with flushing(ground) as flushes:
            revision = ground.flow(noting(TWO_TASKS, ground))
            for _ in range(sized(4, 50)):
                ground.act("start", revision=revision, count=3, every=0.05)
                PAUSE.wait(0.1)
            ground.all_end(sized(40, 300))
        return {**ground.check(), "flushes": len(flushes), "rings heard again after s": rings_again(ground)}


@contextmanager
def flushing(ground):
    """Empty the broker every few moments, and note each time."""
    over = threading.Event()
    flushes = []

    def flush():
        while not over.wait(sized(0.3, 3.0)):
            ground.flush()
            flushes.append(time.monotonic())

    thread = threading.Thread(target=flush)
    thread.start()
    try:
        yield flushes
    finally:
        over.set()
        thread.join()


def test_an_emptied_broker_loses_nothing(ground):
    print(flush_often(ground))


@mutant
def test_with_bindings_in_the_broker_rings_are_unheard_once_it_was_emptied(ground):
    must_be_red(ground, flush_often, edits=BOUND)


@contextmanager
def rung_already(ground):
    """Hold the mark that says a queue was rung: every ring then dies between SET and publish."""
    over = threading.Event()

    def hold():
        with ground.broker() as client:
            while not over.wait(0.02):
                client.set("portico:ring:default", 1, px=500)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def ring_in_vain(ground, edits=None):
    """Let no ring be published though each was marked as published."""
    ground.crew(edits=edits)
    with rung_already(ground):
        ground.start(noting(TWO_TASKS, ground), sized(6, 100))
        took = ground.all_end(sized(25, 120))
    return {**ground.check(tasks=2), "seconds": round(took, 1)}


def test_rings_that_die_between_mark_and_publish_cost_time_only(ground):
    print(ring_in_vain(ground))


@mutant
def test_without_looking_for_work_rings_in_vain_leave_it_undone(ground):
    must_be_red(ground, ring_in_vain, edits=NOBODY_LOOKS)


def die_before_ringing(ground, edits=None):
    """Kill a worker's process right after a commit, before its rings are published."""
    many = sized(3, 40)
    failpoint = DIES_BEFORE_PUBLISHING.replace("MANY", str(many)).replace("FOLDER", str(ground.folder))
    for mark in ground.folder.glob("died-*"):
        mark.unlink()
    dispatch = [["def _publish_ring(queue: str) -> None:\n", failpoint]]
    ground.worker(2, edits={**(edits or {}), "orchestrator.dispatch": dispatch})
    ground.schedulers(edits=edits)
    ground.start(noting(TWO_TASKS, ground), sized(14, 200))
    took = ground.all_end(sized(50, 400))
    deaths = len(list(ground.folder.glob("died-*")))
    assert deaths, "the failpoint was never reached"
    return {**ground.check(tasks=2), "deaths": deaths, "seconds": round(took, 1)}


def test_a_death_between_commit_and_publish_loses_nothing(ground):
    print(die_before_ringing(ground))


def submit_without_broker(ground, number, edits=None):
    """Freeze or kill the broker, submit, see everything end without it, and see rings work again when it is back."""
    revision = ground.flow(ONE_TASK)
    ground.act("start", revision=revision)
    ground.all_end(30)
    ground.signal_server("valkey", number)
    try:
        PAUSE.wait(sized(0, 60))
        with ground.acting(edits):
            seconds = ground.act("start", revision=revision, count=sized(20, 200), every=0.05)["seconds"]
        assert max(seconds) < 1.0, f"a submit took {max(seconds):.1f} s"
        assert statistics.median(seconds) < 0.1
        took = ground.all_end(sized(40, 120))
    finally:
        if number == signal.SIGSTOP:
            ground.signal_server("valkey", signal.SIGCONT)
        else:
            ground.start_valkey()
    figures = {**ground.check(tasks=1), "slowest submit ms": round(max(seconds) * 1000)}
    return {**figures, "ended without broker after s": round(took, 1), "rings again after s": rings_again(ground)}


def rings_again(ground):
    """Return how long it takes until executions run because somebody rings, and not because somebody looks."""
    began = time.monotonic()
    for _ in range(6):
        waits = [wait_of_one(ground) for _ in range(7)]
        if statistics.median(waits) < 0.2:
            return round(time.monotonic() - began, 1)
    raise AssertionError("the broker is back, and rings are not heard")


def wait_of_one(ground):
    (execution,) = ground.start(ONE_TASK)
    ground.all_end(10)
    started = "SELECT extract(epoch FROM started_at - created_at) FROM orchestrator_taskrun WHERE execution_id = %s"
    created = (
        "SELECT extract(epoch FROM r.created_at - e.created_at) FROM orchestrator_taskrun r "
        "JOIN orchestrator_execution e ON e.id = r.execution_id WHERE e.id = %s"
    )
    return float(ground.value(started, execution)) + float(ground.value(created, execution))


def test_a_broker_that_is_frozen_or_down_costs_time_only(ground):
    ground.crew()
    print("frozen", submit_without_broker(ground, signal.SIGSTOP))
    print("down", submit_without_broker(ground, signal.SIGKILL))


@mutant
def test_without_the_crier_a_frozen_broker_holds_up_who_submits(ground):
    ground.crew()
    must_be_red(ground, submit_without_broker, signal.SIGSTOP, edits=WAITS_FOR_THE_BROKER)
