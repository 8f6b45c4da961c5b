"""Workers that are killed, frozen and stopped in the middle of tasks."""

import pytest

from tests.faults.ground import PAUSE, sized, until

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


def noting(source, ground):
    return source.replace("NOTES", str(ground.notes))


def kill_workers(ground, edits=None):
    """Kill a worker's process every 2 s, sometimes the whole worker, while executions run."""
    worker, _ = ground.worker(2, edits=edits), ground.scheduler(edits=edits)
    ground.start(noting(TWO_TASKS, ground), sized(16, 200))
    kills = 0
    while ground.open() and kills < sized(3, 40):
        PAUSE.wait(sized(1.2, 2.0))
        if kills % 4 == 2:
            ground.kill(worker)
            worker = ground.worker(2, edits=edits)
        else:
            until(worker.children, 10)
            ground.kill(worker, worker.children()[0])
        kills += 1
    ground.all_end(sized(60, 300))
    figures = ground.check(tasks=2)
    noted = {(task_run, int(attempt)) for task_run, attempt in ground.noted()}
    assert len(noted) == len(ground.noted()), "an attempt ran twice"
    recorded = {(task_run, attempt) for task_run, attempt, _ in ground.attempts()}
    assert noted <= recorded, f"attempts that no row knows of: {noted - recorded}"
    lost = ground.attempts_that("LOST")
    return {**figures, "kills": kills, "lost attempts, all run again": len(lost)}


def test_killed_workers_lose_nothing(ground):
    print(kill_workers(ground))
