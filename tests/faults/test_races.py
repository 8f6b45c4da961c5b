"""Many do the same thing at the same time: kills against ends, schedulers against each other, tenants for workers."""

import pytest

from tests.faults.ground import must_be_red, mutant, sized, until
from tests.faults.test_broker import ONE_TASK

pytestmark = pytest.mark.faults

SHORT = """
id: short
namespace: company.team
tasks:
  - id: together
    type: core.flow.Parallel
    tasks:
      - {id: one, type: scripts.shell.Commands, commands: ['sleep 0.05']}
      - {id: two, type: scripts.shell.Commands, commands: ['sleep 0.05']}
  - {id: after, type: core.log.Log, message: done}
"""

TRIES_THREE_TIMES = """
id: tries_three_times
namespace: company.team
tasks:
  - id: fails
    type: core.execution.Fail
    retry: {type: constant, interval: PT0.5S, maxAttempts: 3}
"""

WAITS = """
id: waits
namespace: company.team
tasks:
  - {id: wait, type: core.flow.Pause, delay: PT1S}
  - {id: after, type: core.log.Log, message: done}
"""

SLEEPS = """
id: sleeps
namespace: company.team
tasks:
  - {id: sleep, type: scripts.shell.Commands, commands: ['sleep 0.1']}
"""

# a kill that does not look at where the execution stands, and ends that do not look who was first
NOBODY_IS_FIRST = {
    "orchestrator.executions": [
        ['"WHERE id = %s AND NOT state = ANY(%s)"', '"WHERE id = %s AND %s::text[] IS NOT NULL"']
    ]
}
EVERYBODY_MAY = {
    "orchestrator.executor": [
        ["if run is None or not _is_theirs(run, ending, at):", "if run is None:"],
    ],
    "orchestrator.snapshots": [["(r.worker = n.held_by::uuid AND r.attempt = n.held_as)", "true"]],
}
FIRST_COME = {"orchestrator.claims": [["ORDER BY coalesce(running.number, 0), random()", "ORDER BY w.tenant_id"]]}


def kill_at_the_end(ground, edits=None):
    """Kill executions about when they end."""
    ground.crew(every=0.2)
    revision = ground.flow(SHORT)
    with ground.acting(edits):
        kills = ground.act("start_and_kill", revision=revision, count=sized(40, 500), within=sized(0.8, 0.8))
    ground.all_end(sized(30, 120))
    figures = ground.check(good=False)
    states = dict(ground.rows("SELECT state, count(*) FROM orchestrator_execution GROUP BY state"))
    assert set(states) <= {"SUCCESS", "KILLED"}, states
    accepted = {execution for execution, was in kills if was}
    killed = {execution for (execution,) in ground.rows("SELECT id FROM orchestrator_execution WHERE state = 'KILLED'")}
    assert killed == accepted, "a kill that was accepted did not count, or one that was refused did"
    assert len(states) == 2, f"no race: {states}"
    return {**figures, **states}


def test_a_kill_and_an_end_at_the_same_time_leave_one_final_state(ground):
    print(kill_at_the_end(ground))


@mutant
def test_without_looking_at_the_state_a_kill_ends_what_has_ended(ground):
    must_be_red(ground, kill_at_the_end, edits=NOBODY_IS_FIRST)


def tick_together(ground, edits=None):
    """Let four schedulers do the clock's work and recover the same lost attempts."""
    ground.schedulers(4, every=0.1, edits=edits)
    count = sized(20, 300)
    ground.start(TRIES_THREE_TIMES, count)
    ground.start(WAITS, count)
    ground.all_end(sized(30, 120))
    figures = ground.check(good=False)
    runs = ground.task_runs()
    retries = [[state for state, _ in run["history"]].count("RETRYING") for run in runs if run["task_id"] == "fails"]
    assert retries == [2] * count, f"retries: {retries}"
    assert [run["tries"] for run in runs if run["task_id"] == "fails"] == [3] * count
    resumed = [[state for state, _ in run["history"]].count("PAUSED") for run in runs if run["task_id"] == "wait"]
    assert resumed == [1] * count
    return {**figures, **lose_together(ground, count)}


def lose_together(ground, count):
    ground.start(ONE_TASK, count)
    waiting = "SELECT count(*) FROM orchestrator_taskrun WHERE state = 'SUBMITTED' AND attempt = %s"
    until(lambda: ground.value(waiting, 0) == count, 20, ground.where_things_stand)
    ground.rows(
        "UPDATE orchestrator_taskrun SET state = 'RUNNING', attempt = 1, worker = gen_random_uuid(), "
        "lease_until = clock_timestamp() - interval '1 second' WHERE state = 'SUBMITTED'"
    )
    until(lambda: ground.value(waiting, 1) == count, 20, ground.where_things_stand)
    lost = [[one["state"] for one in run["attempts"]] for run in ground.task_runs() if run["state"] == "SUBMITTED"]
    assert lost == [["LOST"]] * count, f"recorded more than once: {lost}"
    return {"lost attempts, each recorded once": len(lost)}


def test_four_schedulers_do_nothing_twice(ground):
    print(tick_together(ground))


@mutant
def test_without_asking_who_was_first_schedulers_record_twice(ground):
    must_be_red(ground, tick_together, edits=EVERYBODY_MAY)


def compete(ground, edits=None):
    """Let one tenant wait with many tasks and then another with few."""
    many, few = sized(60, 10_000), sized(5, 10)
    flow_of_many = SLEEPS if sized(True, False) else ONE_TASK
    ground.start(flow_of_many, many)
    ground.schedulers(edits=edits)
    until(lambda: ground.value("SELECT count(*) FROM orchestrator_taskrun") == many, 120, ground.where_things_stand)
    ground.worker(2, edits=edits)
    late = ground.start(flow_of_many, few, who="dana")
    started = "SELECT count(*) FROM orchestrator_taskrun WHERE execution_id = ANY(%s) AND started_at IS NOT NULL"
    until(lambda: ground.value(started, late) == few, sized(60, 600), ground.where_things_stand)
    first, last, slowest = ground.rows(
        "SELECT min(r.created_at), max(r.started_at), "
        "max(extract(epoch FROM r.started_at - e.created_at)) FROM orchestrator_taskrun r "
        "JOIN orchestrator_execution e ON e.id = r.execution_id WHERE r.execution_id = ANY(%s)",
        late,
    )[0]
    between = ground.value(
        "SELECT count(*) FROM orchestrator_taskrun WHERE NOT execution_id = ANY(%s) AND started_at BETWEEN %s AND %s",
        late, first, last,
    )  # fmt: skip
    assert between <= 2 * few + 4, f"{between} tasks of the first tenant were started before {few} of the second"
    assert slowest <= 10, f"the second tenant waited {slowest:.1f} s"
    return {"waiting": many, "late": few, "others started meanwhile": between, "slowest start s": round(slowest, 2)}


def test_a_tenant_with_few_tasks_does_not_wait_for_one_with_many(ground):
    print(compete(ground))


@mutant
def test_without_fair_turns_the_second_tenant_waits_for_the_first(ground):
    must_be_red(ground, compete, edits=FIRST_COME)
