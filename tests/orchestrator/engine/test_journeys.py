"""What flows do, from start to end, through the database, with a worker cranked by hand."""

import pytest

from orchestrator import approvals, claims, dispatch, executions, executor, flows, recovery
from orchestrator.core.errors import InputInvalid
from orchestrator.core.snapshot import Fact, FactKind
from orchestrator.core.states import State
from orchestrator.models import Approval, Execution, TaskRun
from orchestrator.worker import Worker
from tenants.errors import Conflict, Forbidden, Invalid
from tenants.models import AuditEntry, Notice
from tests import factories
from tests.orchestrator.engine.conftest import Crank

pytestmark = pytest.mark.django_db(transaction=True)

TWO_STEPS = """
id: two_steps
namespace: company.team
inputs:
  - {id: who, type: STRING, required: false}
tasks:
  - id: values
    type: core.output.OutputValues
    values:
      greeting: "hello {{ inputs.who ?? 'world' }}"
  - id: say
    type: core.log.Log
    message: "{{ outputs.values.values.greeting }}"
outputs:
  - {id: greeting, type: STRING, value: "{{ outputs.values.values.greeting }}"}
"""

SCRIPT = """
id: script
namespace: company.team
tasks:
  - id: run
    type: scripts.shell.Commands
    commands:
      - echo "working on {{ flow.id }}"
      - echo '::{"outputs":{"answer":42}}::'
  - id: say
    type: core.log.Log
    message: "the answer is {{ outputs.run.vars.answer }}"
"""

WAITS = """
id: waits
namespace: company.team
tasks:
  - id: long
    type: scripts.shell.Commands
    commands: ["echo started; sleep 60"]
"""

LOOP = """
id: loop
namespace: company.team
tasks:
  - id: each
    type: core.flow.ForEach
    values: ["a", "b", "c"]
    tasks:
      - id: make
        type: core.debug.Return
        format: "{{ taskrun.value }}-{{ taskrun.iteration }}"
      - id: use
        type: core.debug.Return
        format: "{{ outputs.make[taskrun.value].value }} of {{ taskrun.value }}"
  - id: after
    type: core.debug.Return
    format: "{{ outputs.use['b'].value }} and {{ outputs.make['c'].value }}"
"""

APPROVAL = """
id: ask
namespace: company.team
inputs:
  - {id: amount, type: INT}
tasks:
  - id: finance_ok
    type: core.flow.Approval
    levels:
      - {name: Finance, who: {groups: [Finance]}}
  - id: say
    type: core.log.Log
    message: "{{ outputs.finance_ok.decision }} {{ outputs.finance_ok.by }}"
"""


def test_two_instant_steps_end_in_one_advance(crank: Crank) -> None:
    execution_id = crank.start(TWO_STEPS)
    assert crank.advance() == 1
    run = crank.look(execution_id)
    assert run.state == "SUCCESS"
    assert run.states == [("values", "SUCCESS"), ("say", "SUCCESS")]
    assert run.logs == ["hello world"]
    assert run.execution.outputs == {"greeting": "hello world"}
    assert [state for state, _ in run.execution.history] == ["CREATED", "RUNNING", "SUCCESS"]
    assert run.execution.advance_at is None


def test_a_batch_of_executions_is_advanced_in_one_transaction(crank: Crank) -> None:
    for number in range(30):
        crank.start(TWO_STEPS, {"who": str(number)})
    assert crank.advance() == 30
    assert set(Execution.across_tenants.values_list("state", flat=True)) == {"SUCCESS"}
    assert crank.advance() == 0


def test_a_poisoned_execution_spoils_nobody_elses_turn(crank: Crank, monkeypatch: pytest.MonkeyPatch) -> None:
    good, bad = crank.start(TWO_STEPS), crank.start(TWO_STEPS)
    Execution.across_tenants.filter(pk=bad).update(counts={"tasks": "no numbers"})
    for _ in range(4):
        crank.advance()
        Execution.across_tenants.filter(advance_at__isnull=False).update(advance_until=None)
    assert crank.look(good).state == "SUCCESS"
    poisoned = crank.look(bad)
    assert poisoned.state == "FAILED"
    assert "cannot be advanced" in poisoned.execution.error


def test_a_script_runs_on_a_worker_and_its_outputs_reach_the_next_task(crank: Crank) -> None:
    run = crank.run(SCRIPT)
    assert run.states == [("run", "SUCCESS"), ("say", "SUCCESS")]
    assert run.logs == ["working on script", "the answer is 42"]
    (attempt,) = run.task_runs[0].attempts
    assert (attempt["attempt"], attempt["state"]) == (1, "SUCCESS")
    assert run.task_runs[0].worker is None


def test_loops_address_outputs_by_value(crank: Crank) -> None:
    run = crank.run(LOOP)
    assert run.state == "SUCCESS", [r.error for r in run.task_runs]
    assert [r.value for r in run.task_runs if r.task_id == "make"] == ["a", "b", "c"]
    assert [r.outputs["value"] for r in run.task_runs if r.task_id == "use"] == ["a-0 of a", "b-1 of b", "c-2 of c"]
    assert run.outputs("after") == {"value": "b-1 of b and c-2"}


def test_an_expression_that_fails_fails_its_task_with_a_sentence(crank: Crank) -> None:
    run = crank.run(TWO_STEPS.replace('greeting }}"\noutputs', 'greting }}"\noutputs'))
    assert run.states == [("values", "SUCCESS"), ("say", "FAILED")]
    assert "greting" in run.task_runs[1].error
    assert "Did you mean `greeting`?" in run.task_runs[1].error


def test_a_kill_stops_a_running_script_and_waits_for_its_worker(crank: Crank) -> None:
    execution_id = crank.start(WAITS)
    crank.advance()
    claim = claims.next_of("default", crank.worker.id)
    assert claim is not None
    executions.kill(crank.alice, Execution.across_tenants.get(pk=execution_id))
    crank.advance()
    assert crank.look(execution_id).state == "KILLING"
    (beat,) = claims.extend(crank.worker.id, [claim.log_key])
    assert beat.kill
    ending = executor.Ending(
        claim.task_run_id, execution_id, claim.path, claim.attempt, claim.worker, Fact(FactKind.ENDED, State.KILLED)
    )
    executor.finish(ending)
    run = crank.look(execution_id)
    assert (run.state, run.states) == ("KILLED", [("long", "KILLED")])
    with pytest.raises(Conflict):
        executions.kill(crank.alice, run.execution)
    assert AuditEntry.across_tenants.filter(action="execution.kill", thing_id=execution_id).count() == 1


def test_a_late_result_changes_nothing(crank: Crank) -> None:
    execution_id = crank.start(WAITS)
    crank.advance()
    first = claims.next_of("default", crank.worker.id)
    assert first is not None
    TaskRun.across_tenants.update(lease_until="2020-01-01T00:00Z")
    assert recovery.recover_lost() == 1
    assert crank.look(execution_id).states == [("long", "SUBMITTED")]
    second = claims.next_of("default", Worker().id)
    assert second is not None
    assert second.attempt == 2
    ending = executor.Ending(
        first.task_run_id, execution_id, first.path, first.attempt, first.worker, Fact(FactKind.ENDED)
    )
    with pytest.raises(executor.Fenced):
        executor.finish(ending)
    run = crank.look(execution_id)
    assert run.states == [("long", "RUNNING")]
    assert [(a["attempt"], a["state"]) for a in run.task_runs[0].attempts] == [(1, "LOST")]


def test_a_task_that_loses_every_worker_fails_after_exactly_three(crank: Crank) -> None:
    execution_id = crank.start(WAITS)
    crank.advance()
    for _ in range(3):
        assert claims.next_of("default", crank.worker.id) is not None
        TaskRun.across_tenants.update(lease_until="2020-01-01T00:00Z")
        recovery.recover_lost()
    run = crank.look(execution_id)
    assert run.state == "FAILED"
    assert len(run.task_runs[0].attempts) == 3
    assert "lost 3 times" in run.task_runs[0].error


def test_claims_take_turns_between_tenants(crank: Crank) -> None:
    busy = [crank.start(WAITS) for _ in range(5)]
    dana = crank.cast.actor("dana")
    revision = flows.save(dana, WAITS)
    calm = executions.start(dana, revision, {}, cause=executions.Cause("flow")).pk
    crank.advance()
    taken = [claims.next_of("default", crank.worker.id) for _ in range(3)]
    owners = {claim.row.id for claim in taken if claim is not None}
    assert calm in owners
    assert len(owners & set(busy)) == 2


def test_nothing_is_lost_when_every_ring_is(crank: Crank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "ring", lambda queue="default": None)
    run = crank.run(SCRIPT)
    assert run.state == "SUCCESS"


def test_a_doubled_ring_does_nothing_twice(crank: Crank) -> None:
    execution_id = crank.start(SCRIPT)
    for _ in range(5):
        crank.turn()
    run = crank.look(execution_id)
    assert run.state == "SUCCESS"
    assert [len(r.attempts) for r in run.task_runs] == [1, 1]


def test_a_paused_flow_is_resumed_with_checked_inputs(crank: Crank) -> None:
    run = crank.run(
        """
id: ask
namespace: company.team
tasks:
  - id: wait
    type: core.flow.Pause
    onResume:
      - {id: count, type: INT, min: 1}
  - id: say
    type: core.debug.Return
    format: "{{ outputs.wait.onResume.count + 1 }}"
"""
    )
    assert run.state == "PAUSED"
    with pytest.raises(InputInvalid):
        executions.resume(crank.alice, run.execution, {"count": "no number"})
    executions.resume(crank.alice, run.execution, {"count": "4"})
    with pytest.raises(Conflict):
        executions.resume(crank.alice, run.execution, {"count": "5"})
    crank.settle()
    run = crank.look(run.execution.pk)
    assert run.state == "SUCCESS"
    assert run.outputs("say") == {"value": "5"} or run.outputs("say") == {"value": 5}


def finance(crank: Crank) -> None:
    factories.group(tenant=crank.cast.tenant, name="Finance", members=(crank.cast.bob, crank.cast.alice))


def test_a_colleague_approves_and_the_flow_goes_on(crank: Crank) -> None:
    finance(crank)
    bob, charlie = crank.cast.actor("bob"), crank.cast.actor("charlie")
    crank.alice = crank.cast.actor("alice")
    run = crank.run(APPROVAL, {"amount": 5})
    assert run.state == "PAUSED"
    (approval,) = approvals.waiting_for(bob)
    assert list(approvals.waiting_for(charlie)) == []
    assert list(approvals.waiting_for(crank.alice)) == [], "who asked may not decide"
    assert Notice.across_tenants.filter(user=crank.cast.bob, kind="approval").count() == 1
    assert Notice.across_tenants.filter(user=crank.cast.alice, kind="approval").count() == 0
    for actor in (charlie, crank.alice):
        with pytest.raises(Forbidden):
            approvals.decide(actor, approval, "APPROVE")
    with pytest.raises(Conflict):
        executions.resume(crank.alice, run.execution, {})
    approvals.decide(bob, approval, "APPROVE")
    with pytest.raises((Conflict, Forbidden)):
        approvals.decide(bob, approval, "APPROVE")
    crank.settle()
    run = crank.look(run.execution.pk)
    assert run.state == "SUCCESS"
    assert run.logs == ["APPROVE bob@example.com"]
    assert Notice.across_tenants.filter(user=crank.cast.alice, kind="decided").count() == 1


def test_a_rejection_needs_a_reason_and_fails_the_flow(crank: Crank) -> None:
    finance(crank)
    run = crank.run(APPROVAL, {"amount": 5})
    approval = Approval.across_tenants.get()
    with pytest.raises(Invalid):
        approvals.decide(crank.cast.actor("bob"), approval, "REJECT", " ")
    approvals.decide(crank.cast.actor("bob"), approval, "REJECT", "too dear")
    crank.settle()
    run = crank.look(run.execution.pk)
    assert run.state == "FAILED"
    assert run.task_runs[0].error == "Bob rejected it: too dear"


def test_a_kill_closes_an_open_approval(crank: Crank) -> None:
    finance(crank)
    run = crank.run(APPROVAL, {"amount": 5})
    executions.kill(crank.alice, run.execution)
    crank.settle()
    assert crank.look(run.execution.pk).state == "KILLED"
    assert list(approvals.waiting_for(crank.cast.actor("bob"))) == []


def test_a_retry_comes_when_its_time_has_come(crank: Crank) -> None:
    execution_id = crank.start(
        """
id: again
namespace: company.team
tasks:
  - id: fails
    type: core.execution.Fail
    retry: {type: constant, interval: PT1H, maxAttempts: 2}
"""
    )
    crank.settle()
    run = crank.look(execution_id)
    assert (run.state, run.states) == ("RETRYING", [("fails", "RETRYING")])
    assert run.execution.wake_at is not None
    TaskRun.across_tenants.update(run_after="2020-01-01T00:00Z")
    Execution.across_tenants.update(wake_at="2020-01-01T00:00Z")
    crank.settle()
    run = crank.look(execution_id)
    assert run.state == "FAILED"
    assert len(run.task_runs[0].attempts) == 2


AROUND = """
id: around
namespace: company.team
tasks:
  - id: outer
    type: core.flow.ForEach
    values: ["a"]
    tasks:
      - id: choose
        type: core.flow.Switch
        value: "{{ taskrun.value }}"
        cases:
          a:
            - id: inner
              type: core.flow.ForEach
              values: ["1", "2"]
              tasks:
                - id: either
                  type: core.flow.If
                  condition: "true"
                  then:
                    - id: say
                      type: core.debug.Return
                      format: >-
                        {{ taskrun.value }} {{ parents[0].outputs.evaluationResult }} {{ parents[1].taskrun.value }}
                        {{ parents[2].outputs.value }}
"""

UNTIL = """
id: until
namespace: company.team
tasks:
  - id: each
    type: core.flow.ForEach
    values: ["x", "y"]
    tasks:
      - id: again
        type: core.flow.LoopUntil
        condition: "{{ outputs.count[taskrun.value].values.n == '3' }}"
        checkFrequency: {interval: PT0S}
        tasks:
          - id: count
            type: core.output.OutputValues
            values:
              n: "{{ outputs.again[taskrun.value].iterationCount }}"
  - id: after
    type: core.debug.Return
    format: "{{ outputs.count.x.values.n }} {{ outputs.again.y.iterationCount }}"
"""


def test_parents_are_the_tasks_around_that_have_a_value_or_outputs(crank: Crank) -> None:
    run = crank.run(AROUND)
    said = [run.outputs["value"] for run in run.task_runs if run.task_id == "say"]
    assert said == ["1 true a a", "2 true a a"]


def test_a_loop_without_values_is_seen_as_its_present_iteration_left_it(crank: Crank) -> None:
    run = crank.run(UNTIL)
    assert run.state == "SUCCESS"
    assert [each.value for each in run.task_runs if each.task_id == "count"] == ["x"] * 3 + ["y"] * 3
    assert run.outputs("after") == {"value": "3 3"}


LABELLED = """
id: labelled
namespace: company.team
labels: {team: blue}
tasks:
  - id: label
    type: core.execution.Labels
    labels: {team: red, run: "{{ taskrun.id }}"}
  - id: seen
    type: core.debug.Return
    format: "{{ labels.team }}"
"""


def test_labels_that_a_task_sets_are_seen_by_the_next_and_stay(crank: Crank) -> None:
    run = crank.run(LABELLED)
    assert run.outputs("seen") == {"value": "red"}
    assert run.execution.labels["team"] == "red"
    assert run.execution.labels["run"] == run.task_runs[0].pk
