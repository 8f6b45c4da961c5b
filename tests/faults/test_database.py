"""PostgreSQL ends without a word and comes back, while tasks run and end."""

import pytest

from tests.faults.ground import PAUSE, must_be_red, mutant, sized
from tests.faults.test_killed_workers import noting

pytestmark = pytest.mark.faults

TALKS = """
id: talks
namespace: company.team
tasks:
  - id: first
    type: scripts.shell.Commands
    commands:
      - echo "$TASKRUN_ID $ATTEMPT" >> NOTES
      - for i in 1 2 3 4 5 6 7 8; do echo line $i; sleep 0.1; done
  - id: second
    type: scripts.shell.Commands
    commands:
      - echo "$TASKRUN_ID $ATTEMPT" >> NOTES
      - for i in 1 2 3 4 5 6 7 8; do echo line $i; sleep 0.1; done
"""
LONG_LEASE = {"PORTICO_LEASE_SECONDS": "20"}  # as in the product: longer than a restart takes

NO_SECOND_TRY = {
    "orchestrator.worker": [
        [
            "                if self._over.wait(RECONNECT_SECONDS):\n                    return None",
            "                return None",
        ],
    ],
}


def restart_database(ground, edits=None):
    """End PostgreSQL at once and start it again, several times, under load."""
    ground.crew(env=LONG_LEASE, edits=edits)
    ground.start(noting(TALKS, ground), sized(6, 120))
    restarts = 0
    while restarts < sized(2, 6):
        PAUSE.wait(sized(1.0, 8.0))
        ground.restart_postgres_at_once()
        restarts += 1
    took = ground.all_end(sized(60, 300))
    assert all(part.process.poll() is None for part in ground.parts), "a part did not outlive its database"
    figures = ground.check(tasks=2)
    assert not ground.attempts_that("LOST"), f"{len(ground.attempts_that('LOST'))} attempts were lost"
    assert ground.lines_of_good_attempts() == {("first", 8), ("second", 8)}
    return {
        **figures,
        "restarts": restarts,
        "handed back": len(ground.attempts_that("RELEASED")),
        "seconds after the last": round(took, 1),
    }


def test_a_database_that_restarts_at_once_loses_nothing_and_no_line(ground):
    print(restart_database(ground))


@mutant
def test_without_a_second_try_results_are_lost_with_the_connection(ground):
    must_be_red(ground, restart_database, edits=NO_SECOND_TRY)
