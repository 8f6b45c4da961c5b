"""Workers that are killed, frozen and stopped in the middle of tasks."""

import signal
import time

import pytest

from tests.faults.ground import LEASE, PAUSE, alive, descendants_of, must_be_red, mutant, sized, until

pytestmark = pytest.mark.faults

TWO_TASKS = """
id: two_tasks
namespace: company.team
tasks:
  - id: first
    type: scripts.shell.Commands
    commands: ['echo "$TASKRUN_ID $ATTEMPT" >> NOTES', 'sleep 0.2', 'echo one; echo two']
  - id: second
    type: scripts.shell.Commands
    commands: ['echo "$TASKRUN_ID $ATTEMPT" >> NOTES', 'sleep 0.2', 'echo three']
"""

TELLS_ITS_ATTEMPT = """
id: tells_its_attempt
namespace: company.team
tasks:
  - id: tell
    type: scripts.shell.Commands
    commands:
      - echo "$TASKRUN_ID $ATTEMPT" >> NOTES
      - sleep $((ATTEMPT * 2))
      - 'echo "::{\\"outputs\\":{\\"attempt\\":$ATTEMPT}}::"'
"""

LONG_AT_FIRST = """
id: long_at_first
namespace: company.team
tasks:
  - id: long
    type: scripts.shell.Commands
    commands: ['echo "$TASKRUN_ID $ATTEMPT $$" >> NOTES', '[ "$ATTEMPT" -gt 1 ] || sleep 61']
"""

# the script's parent is its keeper, above that the starter, above that the worker's process
POISON = """
id: poison
namespace: company.team
tasks:
  - id: kills
    type: scripts.shell.Commands
    commands:
      - echo "$TASKRUN_ID $ATTEMPT" >> NOTES
      - STARTER=$(cut -d" " -f4 /proc/$PPID/stat)
      - kill -9 $(cut -d" " -f4 /proc/$STARTER/stat)
      - sleep 60
"""

NOBODY_RECOVERS = {"orchestrator.recovery": [["for lost in claims.expired(BATCH):", "for lost in ():"]]}

# a worker that does not notice that it lost its lease: what it then writes meets the database's guard alone
UNAWARE = {"orchestrator.worker": [["attempt.end(Stop.LOST)", "pass"]]}
NO_FENCE = {
    **UNAWARE,
    "orchestrator.executor": [
        ["run.attempt != ending.attempt or run.lease.worker != str(ending.worker)", "False"],
    ],
    "orchestrator.snapshots": [["(r.worker = n.held_by::uuid AND r.attempt = n.held_as)", "true"]],
}
NO_RINGS = {"orchestrator.messages": [["    worker.work(queue)", "    pass"]]}  # what runs is found by the poll
NO_DRAIN = {
    "orchestrator.worker": [["_draining.value = 1", "pass"], ["        self._leaving = True\n", "        return\n"]]
}
NOT_STOPPING = {"config.celery": [["worker_process_shutdown.connect(_child_ends)", ""]]}
CRASHES_DO_NOT_COUNT = {"orchestrator.core.machine": [["crashes=run.crashes + 1", "crashes=run.crashes"]]}
NO_OWN_CLOCK = {"orchestrator.worker": [["if now > attempt.safe_until - guard:", "if False:"]]}


def noting(source, ground):
    return source.replace("NOTES", str(ground.notes))


def kill_workers(ground, edits=None):
    """Kill a worker's process again and again, sometimes the whole worker, while executions run."""
    ground.schedulers(edits=edits)
    worker = ground.worker(2)
    ground.start(noting(TWO_TASKS, ground), sized(16, 200))
    kills = 0
    while ground.open() and kills < sized(3, 60):
        PAUSE.wait(sized(1.2, 2.0))
        if kills % 4 == 2:
            ground.kill(worker)
            worker = ground.worker(2)
        else:
            until(worker.children, 10)
            ground.kill(worker, worker.children()[0])
        kills += 1
    took = ground.all_end(sized(40, 300))
    figures = ground.check(tasks=2)
    noted = {(task_run, int(attempt)) for task_run, attempt in ground.noted()}
    assert len(noted) == len(ground.noted()), "an attempt ran twice"
    recorded = {(task_run, attempt) for task_run, attempt, _ in ground.attempts()}
    assert noted <= recorded, f"attempts that no row knows of: {noted - recorded}"
    assert ground.lines_of_good_attempts() == {("first", 2), ("second", 1)}
    return {**figures, "kills": kills, "seconds after the last kill": round(took, 1)}


def test_killed_workers_lose_nothing_and_every_attempt_is_recorded(ground):
    print(kill_workers(ground))


@mutant
def test_without_recovery_killed_workers_leave_executions_stuck(ground):
    must_be_red(ground, kill_workers, edits=NOBODY_RECOVERS)


def freeze_workers(ground, zombie_edits):
    """Freeze a worker's processes beyond their leases, let others take over, and wake the frozen ones meanwhile."""
    ground.schedulers(every=0.2, edits={k: v for k, v in zombie_edits.items() if "worker" not in k})
    stale = 0
    for _ in range(sized(1, 10)):
        zombie = ground.worker(2, edits=zombie_edits)
        ground.start(noting(TELLS_ITS_ATTEMPT, ground), 4)
        until(lambda: ground.value("SELECT count(*) FROM orchestrator_taskrun WHERE worker IS NOT NULL") == 2, 20)
        frozen = zombie.children()
        for pid in [*frozen, zombie.pid]:  # the main process too, or it would have other children made
            ground.kill(zombie, pid, signal.SIGSTOP)
        until(lambda: len(ground.attempts_that("LOST")) >= 2, LEASE + 10, ground.where_things_stand)
        others = ground.worker(2)
        until(lambda: ground.value("SELECT count(*) FROM orchestrator_taskrun WHERE worker IS NOT NULL") == 2, 20)
        PAUSE.wait(0.5)
        for pid in [*frozen, zombie.pid]:
            ground.kill(zombie, pid, signal.SIGCONT)
        ground.all_end(60)
        stale += zombie.said().count("came too late")
        for part in (zombie, others):
            ground.kill(part)
    figures = ground.check(tasks=1)
    for run in ground.task_runs():
        won = [one["attempt"] for one in run["attempts"] if one["state"] == "SUCCESS"]
        assert [run["outputs"]["vars"]["attempt"]] == won == [run["attempt"]], "a stale result won"
    assert stale >= 1, "no frozen worker came back with a result"
    return {**figures, "stale results refused": stale, "stale results won": 0}


def test_what_a_frozen_worker_brings_after_its_lease_is_refused(ground):
    print(freeze_workers(ground, UNAWARE))


@mutant
def test_without_the_fence_a_stale_result_wins(ground):
    must_be_red(ground, freeze_workers, NO_FENCE)


def cut_off(ground, edits=None):
    """Freeze a worker's connections to the database, so that it cannot extend its lease while its script runs."""
    worker = ground.worker(1, edits=edits)
    ground.start(noting(LONG_AT_FIRST, ground))
    until(ground.noted, 20)
    script = int(ground.noted()[0][2])
    assert alive(script)
    assert ground.signal_backends(worker, signal.SIGSTOP) >= 2
    try:
        took = until(lambda: not alive(script), LEASE + 3)
        ground.schedulers(every=0.2)
        ground.worker(1)
        until(lambda: len(ground.noted()) == 2, LEASE + 20)
    finally:
        ground.signal_backends(worker, signal.SIGCONT)
    ground.all_end(30)
    return {**ground.check(tasks=1), "script ended after s": round(took, 1), "lease": LEASE}


def test_a_worker_cut_off_from_the_database_ends_its_script_before_another_starts_it(ground):
    print(cut_off(ground))


@mutant
def test_without_its_own_clock_a_cut_off_worker_lets_the_script_run_on(ground):
    must_be_red(ground, cut_off, edits=NO_OWN_CLOCK)


def restart_in_turn(ground, edits=None):
    """Replace workers by SIGTERM while tasks run, some of them too long to wait for.

    One worker gets its tasks by rings, so that Celery knows of them; the other finds them by itself.
    """
    workers = [ground.crew(edits=edits), ground.worker(2, edits={**NO_RINGS, **(edits or {})})]
    ground.start(noting(LONG_AT_FIRST, ground), 4)
    until(lambda: len(ground.noted()) == 4, 30, ground.where_things_stand)
    ground.start(noting(TWO_TASKS, ground), sized(8, 150))
    waits = []
    for _ in range(sized(1, 8)):
        following = ground.worker(2, edits=edits)
        PAUSE.wait(0.5)
        began = time.monotonic()
        for worker in workers:
            ground.kill(worker, number=signal.SIGTERM)
        until(lambda leaving=tuple(workers): all(one.process.poll() is not None for one in leaving), 25, ground.story)
        waits.append(time.monotonic() - began)
        workers = [following]
    ground.all_end(sized(60, 300))
    figures = ground.check()
    assert not ground.attempts_that("LOST"), f"{len(ground.attempts_that('LOST'))} attempts were lost"
    released = len(ground.attempts_that("RELEASED"))
    assert released >= 4, f"{released} were handed back"
    assert all(run["crashes"] == 0 for run in ground.task_runs())
    return {**figures, "restarts": len(waits), "handed back": released, "longest exit s": round(max(waits), 1)}


def test_workers_restarted_one_after_the_other_lose_no_attempt(ground):
    print(restart_in_turn(ground))


@mutant
def test_without_the_drain_a_restart_waits_for_a_long_task_for_too_long(ground):
    must_be_red(ground, restart_in_turn, edits=NO_DRAIN)


@mutant
def test_without_a_last_word_to_its_threads_a_restart_loses_what_they_run(ground):
    must_be_red(ground, restart_in_turn, edits=NOT_STOPPING)


def poison(ground, edits=None):
    """Run a task that kills its worker each time."""
    lease = {"PORTICO_LEASE_SECONDS": "2"}
    ground.crew(every=0.2, env=lease, edits=edits)
    ground.start(noting(POISON, ground))
    ground.start(noting(TWO_TASKS, ground), 2)
    took = ground.all_end(40)
    figures = ground.check(good=False)
    (run,) = [run for run in ground.task_runs() if run["task_id"] == "kills"]
    assert (run["state"], run["attempt"], run["crashes"]) == ("FAILED", 3, 3), run
    assert [one["state"] for one in run["attempts"]] == ["LOST"] * 3
    assert "lost 3 times" in run["error"]
    others = ground.rows("SELECT state FROM orchestrator_execution WHERE error = '' AND state = 'SUCCESS'")
    assert len(others) == 2, "the poison reached others"
    return {**figures, "seconds": round(took, 1)}


def test_a_task_that_kills_its_worker_fails_after_exactly_three(ground):
    print(poison(ground))


@mutant
def test_without_counting_crashes_a_poisonous_task_never_ends(ground):
    must_be_red(ground, poison, edits=CRASHES_DO_NOT_COUNT)


def script_of_a_new_run(ground):
    """Start an execution of one long script; return the script's pid."""
    before = len(ground.noted())
    ground.start(noting(LONG_AT_FIRST, ground))
    until(lambda: len(ground.noted()) > before, 20, ground.where_things_stand)
    return int(ground.noted()[-1][2])


def test_a_worker_that_lost_its_lease_or_its_life_leaves_no_script(ground):
    worker = ground.worker(1)
    script = script_of_a_new_run(ground)
    ground.rows("UPDATE orchestrator_taskrun SET attempt = attempt + 1, worker = gen_random_uuid()")
    figures = {"lease lost: gone after s": round(until(lambda: not alive(script), 6), 2)}
    for victim in ("one process", "the whole worker"):
        script = script_of_a_new_run(ground)
        (child,) = worker.children()
        below = [child, *descendants_of(child)]
        assert script in below
        ground.kill(worker, child if victim == "one process" else None)
        took = until(lambda gone=below: not any(alive(pid) for pid in gone), 12)
        figures[f"kill -9 of {victim}: {len(below)} processes gone after s"] = round(took, 2)
        if victim == "one process":
            until(lambda: ground.looking(worker), 30, ground.story)
    print(figures)
