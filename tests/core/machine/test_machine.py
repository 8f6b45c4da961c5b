"""What the machine does, one sentence each."""

from dataclasses import replace
from datetime import timedelta

import pytest

from orchestrator.core.snapshot import ROOT, Fact, FactKind, Snapshot
from orchestrator.core.spec import RetryKind, RetrySpec, TaskSpec
from orchestrator.core.states import State
from tests.core.machine.play import Play, World, flow, task

PARALLEL = "core.flow.Parallel"
SEQUENTIAL = "core.flow.Sequential"
FOR_EACH = "core.flow.ForEach"


def test_the_second_task_waits_for_the_first() -> None:
    play = Play(flow(task("a"), task("b"))).advance()
    assert play.waiting == {("a",)}
    play.end("a")
    assert play.waiting == {("b",)}
    assert play.end("b").state() is State.SUCCESS


def test_parallel_children_start_together_and_nested_parents_end_in_one_step() -> None:
    inner = task("s", SEQUENTIAL, branches={"tasks": [task("b")]})
    play = Play(flow(task("p", PARALLEL, branches={"tasks": [task("a"), inner]}), task("z"))).advance()
    assert play.waiting == {("p", "a"), ("p", "s", "b")}
    play.end("p", "s", "b")
    assert play.state("p", "s") is State.SUCCESS
    play.end("p", "a")
    assert play.state("p") is State.SUCCESS
    assert play.waiting == {("z",)}


def test_a_parallel_keeps_to_its_limit() -> None:
    children = [task(name) for name in "abcd"]
    play = Play(flow(task("p", PARALLEL, properties={"concurrent": 2}, branches={"tasks": children}))).advance()
    assert play.waiting == {("p", "a"), ("p", "b")}
    play.end("p", "b")
    assert play.waiting == {("p", "a"), ("p", "c")}


def test_a_failed_parallel_ends_after_its_running_siblings_and_starts_no_new_ones() -> None:
    children = [task(name) for name in "abc"]
    play = Play(flow(task("p", PARALLEL, properties={"concurrent": 2}, branches={"tasks": children}))).advance()
    play.end("p", "a", state=State.FAILED)
    assert play.state("p") is State.RUNNING
    assert play.waiting == {("p", "b")}
    play.end("p", "b")
    assert play.state("p") is State.FAILED
    assert play.state() is State.FAILED
    assert ("p", "c") not in play.snapshot.runs


def test_a_failed_task_is_tried_again_until_its_limit_and_then_the_errors_run() -> None:
    retry = RetrySpec(RetryKind.CONSTANT, timedelta(seconds=5), max_attempts=2)
    play = Play(flow(task("a", retry=retry), errors=(task("oops"),))).advance()
    play.end("a", state=State.FAILED)
    assert play.state("a") is State.RETRYING
    assert play.state() is State.RETRYING
    assert play.wait(seconds=4).state("a") is State.RETRYING
    assert play.wait(seconds=1).waiting == {("a",)}
    play.end("a", state=State.FAILED)
    assert play.waiting == {("oops",)}
    assert play.end("oops").state() is State.FAILED


def test_a_retry_with_no_delay_needs_no_second_look() -> None:
    retry = RetrySpec(RetryKind.CONSTANT, timedelta(0), max_attempts=3)
    play = Play(flow(task("a", "instant.Fail", retry=retry))).advance()
    assert play.state() is State.FAILED
    assert play.run("a").tries == 3


def test_the_nearest_ancestor_says_how_to_retry() -> None:
    retry = RetrySpec(RetryKind.CONSTANT, timedelta(seconds=1), max_attempts=2)
    play = Play(flow(task("s", SEQUENTIAL, retry=retry, branches={"tasks": [task("a")]}))).advance()
    assert play.end("s", "a", state=State.FAILED).state("s", "a") is State.RETRYING


def test_an_allowed_failure_is_a_warning_and_the_flow_goes_on() -> None:
    play = Play(flow(task("a", allow_failure=True), task("b"))).advance()
    play.end("a", state=State.FAILED)
    assert play.state("a") is State.WARNING
    assert play.end("b").state() is State.WARNING


def test_local_errors_do_not_rescue_and_global_errors_run_too() -> None:
    inner = task("s", SEQUENTIAL, branches={"tasks": [task("a")], "errors": [task("local")]})
    play = Play(flow(inner, errors=(task("everywhere"),))).advance()
    play.end("s", "a", state=State.FAILED)
    assert play.waiting == {("s", "local")}
    play.end("s", "local")
    assert play.state("s") is State.FAILED
    assert play.waiting == {("everywhere",)}


def test_allow_failure_rescues_after_its_errors() -> None:
    inner = task("s", "core.flow.AllowFailure", branches={"tasks": [task("a")], "errors": [task("local")]})
    play = Play(flow(inner, task("b"))).advance()
    play.end("s", "a", state=State.FAILED).end("s", "local")
    assert play.state("s") is State.WARNING
    assert play.waiting == {("b",)}


def test_finally_runs_after_success_and_after_failure_and_its_failure_counts() -> None:
    play = Play(flow(task("a"), finally_=(task("clean"),))).advance()
    assert play.end("a").waiting == {("clean",)}
    assert play.end("clean", state=State.FAILED).state() is State.FAILED
    play = Play(flow(task("a"), errors=(task("e"),), finally_=(task("clean"),))).advance()
    play.end("a", state=State.FAILED).end("e")
    assert play.waiting == {("clean",)}
    assert play.end("clean").state() is State.FAILED


def test_a_disabled_task_leaves_no_trace() -> None:
    play = Play(flow(task("a", disabled=True), task("b"))).advance()
    assert play.waiting == {("b",)}
    assert Play(flow(task("a", disabled=True))).advance().state() is State.SUCCESS


def test_a_task_whose_run_if_is_false_is_skipped() -> None:
    play = Play(flow(task("a", run_if="false"), task("b"))).advance()
    assert play.state("a") is State.SKIPPED
    assert play.end("b").state() is State.SUCCESS


@pytest.mark.parametrize(("condition", "runs"), [("true", "yes"), ("", "no"), ("0.0", "yes"), (None, "no")])
def test_an_if_takes_one_branch(condition: str | None, runs: str) -> None:
    branches = {"then": [task("yes")], "else": [task("no")]}
    play = Play(flow(task("i", "core.flow.If", properties={"condition": condition}, branches=branches))).advance()
    assert play.waiting == {("i", runs)}


def test_an_if_without_else_succeeds() -> None:
    fork = task("i", "core.flow.If", properties={"condition": "false"}, branches={"then": [task("yes")]})
    assert Play(flow(fork)).advance().state() is State.SUCCESS


def test_a_switch_takes_the_case_else_the_defaults_else_fails() -> None:
    branches = {"cases.x": [task("one")], "defaults": [task("other")]}
    play = Play(flow(task("s", "core.flow.Switch", properties={"value": "x"}, branches=branches))).advance()
    assert play.waiting == {("s", "one")}
    play = Play(flow(task("s", "core.flow.Switch", properties={"value": "y"}, branches=branches))).advance()
    assert play.waiting == {("s", "other")}
    del branches["defaults"]
    play = Play(flow(task("s", "core.flow.Switch", properties={"value": "y"}, branches=branches))).advance()
    assert play.state("s") is State.FAILED
    assert "No case equals 'y'" in play.run("s").error


def loop(limit: int, *children: object, kind: str = FOR_EACH, values: object = ("x", "y", "z")) -> object:
    given = list(values) if isinstance(values, tuple) else values
    name = "values" if kind == FOR_EACH else "value"
    return task("each", kind, properties={name: given, "concurrencyLimit": limit}, branches={"tasks": children})


def test_for_each_takes_one_value_after_the_other() -> None:
    play = Play(flow(loop(1, task("a"), task("b")))).advance()
    assert play.waiting == {("each", "0", "a")}
    assert play.run("each", "0", "a").value == "x"
    play.end("each", "0", "a").end("each", "0", "b")
    assert play.waiting == {("each", "1", "a")}
    for index in "12":
        play.end("each", index, "a").end("each", index, "b")
    assert play.state() is State.SUCCESS


def test_for_each_keeps_to_its_limit_and_0_means_all() -> None:
    play = Play(flow(loop(2, task("a")))).advance()
    assert play.waiting == {("each", "0", "a"), ("each", "1", "a")}
    assert play.end("each", "1", "a").waiting == {("each", "0", "a"), ("each", "2", "a")}
    assert len(Play(flow(loop(0, task("a")))).advance().waiting) == 3


def test_each_parallel_starts_every_task_of_every_value() -> None:
    play = Play(flow(loop(1, task("a"), task("b"), kind="core.flow.EachParallel"))).advance()
    assert len(play.waiting) == 6


def test_a_value_is_taken_once_and_null_is_refused() -> None:
    assert len(Play(flow(loop(0, task("a"), values=("x", "x", 1, {"k": 1})))).advance().waiting) == 3
    play = Play(flow(loop(0, task("a"), values=("x", None)))).advance()
    assert play.state() is State.FAILED
    assert "null values" in play.run("each").error
    assert Play(flow(loop(0, task("a"), values="[]"))).advance().state() is State.SUCCESS
    assert Play(flow(loop(0, task("a"), values="no list"))).advance().state() is State.FAILED


def test_a_failed_iteration_starts_nothing_new() -> None:
    play = Play(flow(loop(2, task("a"), task("b")))).advance()
    play.end("each", "0", "a", state=State.FAILED)
    play.end("each", "1", "a")
    assert play.state() is State.FAILED
    assert ("each", "1", "b") not in play.snapshot.runs
    assert ("each", "2") not in play.snapshot.runs


def test_a_pause_waits_for_a_person_and_does_not_hide_a_sibling_at_work() -> None:
    play = Play(flow(task("ask", "core.flow.Pause"), task("b"))).advance()
    assert play.state() is State.PAUSED
    resumed = Fact(FactKind.RESUMED, outputs={"why": "because"})
    play.change(("ask",), fact=resumed).advance()
    assert play.run("ask").outputs == {"onResume": {"why": "because"}}
    assert play.waiting == {("b",)}
    both = task("p", PARALLEL, branches={"tasks": [task("ask", "core.flow.Pause"), task("b")]})
    play = Play(flow(both)).advance()
    assert play.state() is State.RUNNING
    assert play.end("p", "b").state() is State.PAUSED


def test_a_delay_resumes_by_itself_and_a_timeout_fails() -> None:
    play = Play(flow(task("ask", "core.flow.Pause", properties={"delay": "PT10S"}))).advance()
    assert play.state() is State.PAUSED
    assert play.snapshot.wake_at == play.at + timedelta(seconds=10)
    assert play.wait(seconds=10).state() is State.SUCCESS
    play = Play(flow(task("ask", "core.flow.Pause", properties={"timeout": "PT10S"}))).advance()
    assert play.wait(seconds=10).state() is State.FAILED


@pytest.mark.parametrize(("on_reject", "state"), [("FAIL", "FAILED"), ("CANCEL", "CANCELLED"), ("CONTINUE", "SUCCESS")])
def test_a_rejection_does_what_the_author_said(on_reject: str, state: str) -> None:
    ask = task("ok", "core.flow.Approval", properties={"groups": ["Finance"], "onReject": on_reject})
    play = Play(flow(ask)).advance()
    assert play.run("ok").outputs == {"who": {"groups": ["Finance"]}, "level": ""}
    assert play.state() is State.PAUSED
    decided = Fact(FactKind.DECIDED, outputs={"decision": "REJECT"}, error="Ann rejected it: too dear")
    play.change(("ok",), fact=decided).advance()
    assert play.state() == state


def test_a_kill_stops_what_waits_and_waits_for_the_running_worker() -> None:
    play = Play(flow(task("p", PARALLEL, branches={"tasks": [task("a"), task("b")]}))).advance()
    play.start("p", "a").kill()
    assert play.state() is State.KILLING
    assert play.state("p", "b") is State.KILLED
    assert play.state("p", "a") is State.RUNNING
    play.end("p", "a", state=State.KILLED)
    assert play.state() is State.KILLED
    assert play.state("p") is State.KILLED


def test_a_kill_runs_no_errors_and_ends_a_pause_at_once() -> None:
    play = Play(flow(task("ask", "core.flow.Pause"), errors=(task("oops"),))).advance().kill()
    assert play.states == {"ask": State.KILLED}
    assert play.state() is State.KILLED


def test_a_lost_attempt_is_tried_again_without_costing_a_retry_until_it_was_lost_too_often() -> None:
    play = Play(flow(task("a"))).advance()
    for _ in range(2):
        play.start("a").change(("a",), fact=Fact(FactKind.LOST), lease=None).advance()
        assert play.waiting == {("a",)}
    assert play.run("a").tries == 0
    play.start("a").change(("a",), fact=Fact(FactKind.LOST), lease=None).advance()
    assert play.state() is State.FAILED
    assert "lost 3 times" in play.run("a").error


def test_a_released_attempt_costs_nothing() -> None:
    play = Play(flow(task("a"))).advance()
    for _ in range(9):
        play.start("a").change(("a",), fact=Fact(FactKind.RELEASED), lease=None).advance()
    assert (play.run("a").tries, play.run("a").crashes) == (0, 0)
    assert play.waiting == {("a",)}


def test_a_turn_that_was_cut_short_goes_on_where_it_stopped() -> None:
    play = Play(flow(*(task(f"t{n}", "instant.Ok") for n in range(25))))
    play.world = World(steps=10)
    play.advance()
    assert not play.snapshot.settled
    assert play.state() is State.RUNNING
    play.world.steps = 100
    assert play.advance().state() is State.SUCCESS
    assert len(play.states) == 25


def test_a_thousand_instant_tasks_in_a_row_do_not_exhaust_the_stack() -> None:
    assert Play(flow(*(task(f"t{n}", "instant.Ok") for n in range(3000)))).advance().state() is State.SUCCESS


def test_an_execution_that_ended_is_left_alone() -> None:
    play = Play(flow(task("a", "instant.Ok"))).advance()
    again = play.snapshot
    assert play.advance().snapshot.runs == again.runs
    ended = Snapshot({ROOT: replace(again.root, state=State.KILLED)})
    assert Play(flow(task("a")), snapshot=ended).advance().state() is State.KILLED


def test_a_dag_starts_each_task_once_those_it_waits_for_have_ended() -> None:
    waits = {"c": ["a", "b"], "d": ["c"]}
    tasks = [task("a"), task("b", allow_failure=True), task("c"), task("d")]
    dag = task("dag", "core.flow.Dag", properties={"dependsOn": waits}, branches={"tasks": tasks})
    play = Play(flow(dag)).advance()
    assert play.waiting == {("dag", "a"), ("dag", "b")}
    play.end("dag", "a")
    assert play.waiting == {("dag", "b")}
    play.end("dag", "b", state=State.FAILED)
    assert play.waiting == {("dag", "c")}, "a warning is an end like any other"
    play.end("dag", "c").end("dag", "d")
    assert play.state("dag") is State.WARNING


def test_a_failure_in_a_dag_lets_the_running_ones_end_and_starts_nothing_more() -> None:
    tasks = [task("a"), task("b"), task("c")]
    dag = task("dag", "core.flow.Dag", properties={"dependsOn": {"c": ["b"]}}, branches={"tasks": tasks})
    play = Play(flow(dag)).advance().end("dag", "a", state=State.FAILED)
    assert play.state("dag") is State.RUNNING
    play.end("dag", "b")
    assert play.states == {"dag": State.FAILED, "dag/a": State.FAILED, "dag/b": State.SUCCESS}


def test_a_dag_runs_as_many_at_once_as_it_may_and_does_not_wait_for_disabled_tasks() -> None:
    tasks = [task("a", disabled=True), task("b"), task("c")]
    properties = {"dependsOn": {"b": ["a"]}, "concurrent": 1}
    play = Play(flow(task("dag", "core.flow.Dag", properties=properties, branches={"tasks": tasks}))).advance()
    assert play.waiting == {("dag", "b")}
    assert play.end("dag", "b").waiting == {("dag", "c")}


def loop_until(**properties: object) -> TaskSpec:
    """A loop over one task for a worker."""
    return task("loop", "core.flow.LoopUntil", properties=properties, branches={"tasks": [task("a")]})


def test_a_loop_ends_when_its_condition_holds_after_its_tasks() -> None:
    play = Play(flow(loop_until(condition="true"))).advance()
    assert play.run("loop").outputs == {"iterationCount": 1}
    play.end("loop", "0", "a")
    assert play.state("loop") is State.SUCCESS


def test_a_loop_waits_between_its_iterations_and_gives_up_at_the_most_of_them() -> None:
    frequency = {"interval": "PT10S", "maxIterations": 2}
    play = Play(flow(loop_until(condition="false", checkFrequency=frequency))).advance().end("loop", "0", "a")
    assert play.state("loop") is State.PAUSED
    assert play.wait(seconds=9).waiting == set()
    assert play.wait(seconds=1).waiting == {("loop", "1", "a")}
    assert play.run("loop").outputs == {"iterationCount": 2}
    play.end("loop", "1", "a")
    assert play.state() is State.SUCCESS


@pytest.mark.parametrize("limit", [{"maxIterations": 1}, {"maxDuration": "PT0S"}])
def test_a_loop_that_gives_up_may_be_a_failure(limit: dict[str, object]) -> None:
    play = Play(flow(loop_until(condition="false", checkFrequency=limit, failOnMaxReached=True))).advance()
    play.end("loop", "0", "a")
    assert play.state() is State.FAILED
    assert "after 1 iterations" in play.run("loop").error


def test_a_task_that_fails_ends_the_loop_around_it() -> None:
    play = Play(flow(loop_until(condition="false"))).advance().end("loop", "0", "a", state=State.FAILED)
    assert play.state("loop") is State.FAILED


def test_iterations_that_may_run_at_once_all_begin_though_one_of_them_fails_at_once() -> None:
    tasks = [task("a", "instant.Fail"), task("b")]
    properties = {"values": ["x", "y"], "concurrencyLimit": 0}
    play = Play(flow(task("each", "core.flow.ForEach", properties=properties, branches={"tasks": tasks}))).advance()
    assert play.states == {"each": State.FAILED, "each/0/a": State.FAILED, "each/1/a": State.FAILED}
