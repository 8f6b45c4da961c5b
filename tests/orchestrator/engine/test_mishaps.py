"""What the engine does when the machine, the database or a neighbour stumbles."""

import threading
from contextlib import suppress
from types import SimpleNamespace

import pytest
from django.db import DataError, OperationalError, connection

from orchestrator import claims, executor, recovery, snapshots, worker
from orchestrator.core.snapshot import Fact, FactKind
from orchestrator.models import Execution, LogLine, TaskRun
from orchestrator.worker import Worker
from tests.orchestrator.engine.conftest import Crank
from tests.orchestrator.engine.test_journeys import SCRIPT, TWO_STEPS, WAITS

pytestmark = pytest.mark.django_db(transaction=True)
LONG_AGO = "2020-01-01T00:00Z"


def spoil(execution_id: str) -> None:
    """Make an execution's row unreadable for the machine."""
    Execution.across_tenants.filter(pk=execution_id).update(counts={"tasks": {"NO_STATE": 1}})


def claim_one(crank: Crank, holder: Worker | None = None) -> claims.Claim:
    claim = claims.next_of("default", (holder or crank.worker).id)
    assert claim is not None
    return claim


def test_a_lost_task_in_a_spoilt_execution_does_not_stop_the_recovery_of_others(crank: Crank) -> None:
    bad, good = crank.start(WAITS), crank.start(WAITS)
    crank.advance()
    claim_one(crank)
    claim_one(crank)
    TaskRun.across_tenants.filter(execution_id=bad).update(lease_until=LONG_AGO)
    TaskRun.across_tenants.filter(execution_id=good).update(lease_until="2021-01-01T00:00Z")
    spoil(bad)
    recovery.recover_lost()
    assert crank.look(good).states == [("long", "SUBMITTED")]
    for _ in range(3):
        Execution.across_tenants.update(advance_until=None)
        crank.advance()
    run = crank.look(bad)
    assert run.state == "FAILED"
    assert "cannot be advanced" in run.execution.error
    assert run.states == [("long", "KILLED")]


def test_an_end_that_the_machine_cannot_read_is_kept_and_frees_the_worker(crank: Crank) -> None:
    execution_id = crank.start(SCRIPT)
    crank.advance()
    claim = claim_one(crank)
    spoil(execution_id)
    assert crank.worker.run(claim) is None
    (run,) = TaskRun.across_tenants.filter(execution_id=execution_id)
    assert run.worker is None
    assert run.fact["outputs"]["vars"] == {"answer": 42}
    assert crank.look(execution_id).logs == ["working on script"]
    Execution.across_tenants.update(counts={"tasks": {"RUNNING": 1}, "*": {"RUNNING": 1}})
    crank.settle()
    assert crank.look(execution_id).state == "SUCCESS"


def test_a_step_of_the_tick_that_fails_keeps_none_of_the_others(crank: Crank, monkeypatch: pytest.MonkeyPatch) -> None:
    def spoilt() -> int:
        raise DataError("integer out of range")

    monkeypatch.setattr(recovery, "wake_due", spoilt)
    execution_id = crank.start(WAITS)
    recovery.tick()
    assert crank.look(execution_id).states == [("long", "SUBMITTED")]


def test_nothing_is_begun_in_an_execution_that_is_being_stopped(crank: Crank) -> None:
    execution_id = crank.start(WAITS)
    crank.advance()
    Execution.across_tenants.update(state="KILLING")
    assert claims.next_of("default", crank.worker.id) is None
    assert claims.next_of("default", crank.worker.id, execution_id) is None


def test_lines_whose_commit_went_unheard_are_written_once(crank: Crank, monkeypatch: pytest.MonkeyPatch) -> None:
    execution_id = crank.start(SCRIPT)
    crank.advance()
    attempt = worker.Attempt(claim_one(crank))
    attempt.log("INFO", "one")
    write = snapshots.insert_logs

    def unheard(lines: object) -> None:
        write(lines)  # type: ignore[arg-type]
        raise OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as patched:
        patched.setattr(snapshots, "insert_logs", unheard)
        with pytest.raises(OperationalError):
            crank.worker._flush(attempt)
    attempt.log("INFO", "two")
    crank.worker._flush(attempt)
    assert list(LogLine.across_tenants.order_by("n").values_list("n", "message")) == [(0, "one"), (1, "two")]
    assert Execution.across_tenants.get().pk == execution_id


def test_a_task_whose_database_went_away_is_handed_back_and_runs_again(
    crank: Crank, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution_id = crank.start(SCRIPT)
    crank.advance()
    asked = worker.revision_of

    def gone(revision_id: int) -> object:
        monkeypatch.setattr(worker, "revision_of", asked)
        connection.connection.close()
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return asked(revision_id)

    monkeypatch.setattr(worker, "revision_of", gone)
    crank.settle()
    run = crank.look(execution_id)
    assert run.state == "SUCCESS"
    assert [one["state"] for one in run.task_runs[0].attempts] == ["RELEASED", "SUCCESS"]
    assert (run.task_runs[0].crashes, run.task_runs[0].tries) == (0, 1)


def test_a_task_that_could_not_extend_its_lease_is_stopped_before_somebody_else_may_have_it(crank: Crank) -> None:
    crank.start(WAITS)
    crank.advance()
    attempt = worker.Attempt(claim_one(crank), safe_until=0.0)
    crank.worker._held[attempt.claim.log_key] = attempt
    with connection.execute_wrapper(lambda *_: pytest.fail("the watch must not ask the database")):
        crank.worker._watch()
    assert attempt.why is worker.Stop.LOST
    assert attempt.stop.is_set()


def test_a_ring_that_meets_a_busy_poll_is_passed_on_and_waits_its_turn(
    crank: Crank, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[str] = []
    monkeypatch.setattr(worker.dispatch, "ring_on", rung.append)
    execution_id = crank.start(SCRIPT)
    crank.worker._working.acquire()
    free = threading.Timer(0.6, crank.worker._working.release)
    free.start()
    crank.turn()
    assert rung[0] == "default"
    crank.settle()
    assert crank.look(execution_id).state == "SUCCESS"


def test_a_child_that_is_told_to_end_at_once_hands_its_task_back(crank: Crank, monkeypatch: pytest.MonkeyPatch) -> None:
    crank.start(SCRIPT)
    crank.advance()
    claim = claim_one(crank)

    def told(*_: object) -> None:
        raise SystemExit(241)

    monkeypatch.setattr(worker, "task_type", lambda _name: SimpleNamespace(perform=told))
    with pytest.raises(SystemExit):
        crank.worker.run(claim)
    (run,) = TaskRun.across_tenants.all()
    assert (run.state, run.crashes, run.attempts[0]["state"]) == ("SUBMITTED", 0, "RELEASED")


def test_a_worker_told_to_leave_during_a_task_takes_no_other_after_it(crank: Crank) -> None:
    for _ in range(2):
        crank.start(SCRIPT)
    crank.advance()
    claim = claim_one(crank)
    crank.worker._leaving = True
    assert crank.worker.run(claim, "default") is None
    assert sorted(TaskRun.across_tenants.filter(task_id="run").values_list("state", flat=True)) == [
        "SUBMITTED",
        "SUCCESS",
    ]


def test_a_lost_attempt_changes_nothing_even_when_it_is_handed_back(crank: Crank) -> None:
    execution_id = crank.start(WAITS)
    crank.advance()
    claim = claim_one(crank)
    TaskRun.across_tenants.update(lease_until=LONG_AGO)
    recovery.recover_lost()
    ending = executor.Ending(
        claim.task_run_id, execution_id, claim.path, claim.attempt, claim.worker, Fact(FactKind.RELEASED)
    )
    with pytest.raises(executor.Fenced):
        executor.finish(ending)


def dies_for(execution_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the process that advances an execution die of it; for a test, SystemExit is death enough."""
    think = executor._turn

    def deadly(row: snapshots.ExecutionRow, *more: object) -> object:
        if row.id == execution_id:
            raise SystemExit(-9)
        return think(row, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(executor, "_turn", deadly)


def advance_and_outlive(crank: Crank) -> None:
    with suppress(SystemExit):
        crank.advance()
    Execution.across_tenants.filter(advance_at__isnull=False).update(advance_until=None)


@pytest.mark.xfail(strict=True, reason="an execution whose advance kills the process is claimed for ever")
def test_an_execution_that_kills_who_advances_it_is_failed_too(crank: Crank, monkeypatch: pytest.MonkeyPatch) -> None:
    execution_id = crank.start(WAITS)
    dies_for(execution_id, monkeypatch)
    for _ in range(5):
        advance_and_outlive(crank)
    assert crank.look(execution_id).state == "FAILED"


@pytest.mark.xfail(strict=True, reason="executions that were claimed with a deadly one die with it each time")
def test_an_execution_that_kills_who_advances_it_spoils_nobody_elses_turn(
    crank: Crank, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = crank.start(TWO_STEPS), crank.start(TWO_STEPS)
    dies_for(bad, monkeypatch)
    for _ in range(5):
        advance_and_outlive(crank)
    assert crank.look(good).state == "SUCCESS"


@pytest.mark.xfail(strict=True, reason="a turn that was overtaken counts as one that failed")
def test_a_turn_that_was_overtaken_is_taken_again_and_counts_for_nothing(
    crank: Crank, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution_id = crank.start(TWO_STEPS)
    Execution.across_tenants.update(advance_tries=2)

    def overtaken(_turns: object) -> None:
        raise snapshots.Overtaken

    with monkeypatch.context() as patched:
        patched.setattr(snapshots, "write", overtaken)
        crank.advance()
    Execution.across_tenants.update(advance_until=None)
    crank.advance()
    assert crank.look(execution_id).state == "SUCCESS"
