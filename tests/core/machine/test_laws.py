"""The laws of the machine, over generated flows with failures, retries, pauses, lost workers and kills."""

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.machine import advance, advance_from
from orchestrator.core.snapshot import ITERATIONS, LEAVES, ROOT, Fact, FactKind, Path, Snapshot
from orchestrator.core.spec import FlowSpec, RetryKind, RetrySpec, TaskSpec
from orchestrator.core.states import FINAL, State
from orchestrator.core.walk import PARENTS, counted_as
from tests.core.machine.play import Play, World, without_trail

EXAMPLES = int(os.environ.get("PORTICO_EXAMPLES", "100"))
LEAF_TYPES = ["worker.Run", "worker.Run", "instant.Ok", "instant.Fail", "core.flow.Pause", "core.flow.Approval"]
PARENT_TYPES = [
    *("Sequential", "Parallel", "If", "Switch", "ForEach", "EachParallel", "AllowFailure", "Dag", "LoopUntil"),
]
RETRY = RetrySpec(RetryKind.CONSTANT, timedelta(seconds=1), max_attempts=2)


@st.composite
def leaves(draw: st.DrawFn) -> TaskSpec:
    """A task without children."""
    kind = draw(st.sampled_from(LEAF_TYPES))
    return TaskSpec(
        "?",
        kind,
        properties={"delay": "PT1S"} if kind == "core.flow.Pause" and draw(st.booleans()) else {},
        retry=RETRY if draw(st.integers(0, 3)) == 0 else None,
        allow_failure=draw(st.integers(0, 3)) == 0,
        disabled=draw(st.integers(0, 9)) == 0,
        run_if="false" if draw(st.integers(0, 9)) == 0 else None,
    )


@st.composite
def parents(draw: st.DrawFn, children: st.SearchStrategy[TaskSpec]) -> TaskSpec:
    """A task with children, perhaps with errors and finally branches."""
    kind = draw(st.sampled_from(PARENT_TYPES))
    some = st.lists(children, min_size=0, max_size=3).map(tuple)
    branches = {
        "If": {"then": draw(some), "else": draw(some)},
        "Switch": {"cases.x": draw(some), "defaults": draw(some)},
    }.get(kind, {"tasks": draw(some)})
    for name in ("errors", "finally"):
        if draw(st.integers(0, 4)) == 0:
            branches[name] = draw(some)
    properties = {
        "Parallel": {"concurrent": draw(st.integers(0, 2))},
        "If": {"condition": draw(st.sampled_from(["true", "false"]))},
        "Switch": {"value": draw(st.sampled_from(["x", "y"]))},
        "ForEach": {"values": ["a", "b", "c"][: draw(st.integers(0, 3))], "concurrencyLimit": draw(st.integers(0, 2))},
        "EachParallel": {"value": ["a", "b"]},
        "Dag": {
            "concurrent": draw(st.integers(0, 2)),
            "dependsOn": draw(st.sampled_from([{}, {1: [0], 2: [1]}, {2: [0]}])),
        },
        "LoopUntil": {
            "condition": draw(st.sampled_from(["true", "false"])),
            "failOnMaxReached": draw(st.booleans()),
            "checkFrequency": {"interval": draw(st.sampled_from(["PT0S", "PT1S"])), "maxIterations": 2},
        },
    }.get(kind, {})
    return TaskSpec("?", f"core.flow.{kind}", properties=properties, branches=branches)


def named(tasks: tuple[TaskSpec, ...], numbers: list[int]) -> tuple[TaskSpec, ...]:
    """Return the tasks with ids of their own."""
    made = []
    for one in tasks:
        numbers[0] += 1
        task_id = f"t{numbers[0]}"
        branches = {name: named(children, numbers) for name, children in one.branches.items()}
        made.append(replace(one, id=task_id, branches=branches, properties=with_names(one, branches)))
    return tuple(made)


def with_names(one: TaskSpec, branches: Mapping[str, tuple[TaskSpec, ...]]) -> Mapping[str, object]:
    """Return the properties with the ids of what a Dag's children wait for, drawn as numbers."""
    if one.type != "core.flow.Dag":
        return one.properties
    ids = [child.id for child in branches["tasks"]]
    drawn = one.properties["dependsOn"]
    waits = {ids[n]: [ids[m] for m in on] for n, on in drawn.items() if n < len(ids)}  # type: ignore[attr-defined]
    return {**one.properties, "dependsOn": waits}


@st.composite
def flows(draw: st.DrawFn) -> FlowSpec:
    """A flow of up to some thirty tasks."""
    tree = st.recursive(leaves(), parents, max_leaves=12)
    some = st.lists(tree, max_size=4).map(tuple)
    numbers = [0]
    tasks, errors, finally_ = (named(draw(part), numbers) for part in (some, some, some))
    return FlowSpec("f", "company.team", tasks, errors if draw(st.booleans()) else (), finally_[:1])


def check(play: Play, kept: dict[Path, State]) -> None:
    """Hold the laws that must be true after every step."""
    snapshot = play.snapshot
    again = without_trail(advance(play.outline, snapshot, play.at, play.world))
    assert again.runs == snapshot.runs, "settling twice changes nothing"
    for path, run in snapshot.runs.items():
        assert kept.get(path, run.state) is run.state, f"{path} left its final state"
        if run.state in FINAL:
            kept[path] = run.state
    recount(play)


def recount(play: Play) -> None:
    """Compare the numbers that parents keep with their children."""
    numbers: dict[tuple[Path, str], Counter[State]] = {}
    for path, run in play.snapshot.runs.items():
        if not path:
            continue
        place = play.outline.places[run.task_id]
        branch = ITERATIONS if run.hidden else place.branch
        numbers.setdefault((path[:-1], branch), Counter())[counted_as(run.state)] += 1
        if not run.hidden and place.task.type not in PARENTS:
            numbers.setdefault((ROOT, LEAVES), Counter())[counted_as(run.state)] += 1
    for path, run in play.snapshot.runs.items():
        for branch, states in run.counts.items():
            assert dict(states) == dict(numbers.pop((path, branch), {})), f"the numbers of {path} {branch}"
    assert not numbers


def report(play: Play, path: Path, fact: Fact) -> None:
    """Let something be recorded at `path`, and hold both forms of the machine equal."""
    if play.state(*path) is State.SUBMITTED:
        play.start(*path)
    play.change(path, fact=fact, lease=None)
    seen = {depth: play.snapshot.runs[path[:depth]] for depth in range(len(path) + 1)}
    partial = Snapshot({path[:depth]: run for depth, run in seen.items()})
    made = play.world.made
    near = advance_from(play.outline, partial, path, play.at, play.world)
    play.world.made = made
    play.advance()
    expected = {**play.snapshot.runs}
    for where, run in without_trail(near).runs.items():
        assert expected[where] == run, f"advance_from and advance differ at {where}"
    changed = {where for where, run in expected.items() if seen.get(len(where)) is not run}
    assert changed


def step(play: Play, data: st.DataObject, *, worst: bool) -> None:
    """Let one thing happen that can happen now."""
    open_runs = [
        path
        for path, run in play.snapshot.runs.items()
        if path
        and not run.hidden
        and (run.state is State.SUBMITTED or (run.state is State.RUNNING and run.lease is not None))
    ]
    paused = [
        path
        for path, run in play.snapshot.runs.items()
        if run.state is State.PAUSED and path and play.outline.task(run.task_id).type in WAITING
    ]
    choices = open_runs + paused
    if not choices:
        play.wait(seconds=1)
        return
    path = data.draw(st.sampled_from(choices))
    if path in paused:
        kind = WAITING[play.outline.task(play.run(*path).task_id).type]
        answer = data.draw(st.sampled_from(["APPROVE", "REJECT"]))
        report(play, path, Fact(kind, outputs={"decision": answer}))
        return
    ends = [Fact(FactKind.ENDED, state) for state in (State.SUCCESS, State.SUCCESS, State.FAILED)]
    if worst:
        ends += [Fact(FactKind.LOST), Fact(FactKind.RELEASED)]
    fact = data.draw(st.sampled_from(ends))
    if play.snapshot.state is State.KILLING:
        fact = Fact(FactKind.ENDED, State.KILLED)
    report(play, path, fact)


WAITING = {"core.flow.Pause": FactKind.RESUMED, "core.flow.Approval": FactKind.DECIDED}


@settings(max_examples=EXAMPLES, deadline=None)
@given(flows(), st.data())
def test_every_execution_ends_and_the_laws_hold_at_every_step(flow: FlowSpec, data: st.DataObject) -> None:
    play = Play(flow, world=World()).advance()
    kept: dict[Path, State] = {}
    kill_at = data.draw(st.integers(0, 30))
    for number in range(500):
        check(play, kept)
        if play.state() in FINAL:
            break
        if number == kill_at:
            working = [path for path in play.waiting if data.draw(st.booleans())]
            for path in working:
                play.start(*path)
            play.kill()
        else:
            step(play, data, worst=number < 100)
    assert play.state() in FINAL
    assert all(run.state in FINAL for run in play.snapshot.runs.values())


@settings(max_examples=EXAMPLES // 2, deadline=None)
@given(flows(), st.randoms(use_true_random=False), st.randoms(use_true_random=False), st.sets(st.integers(1, 40)))
def test_the_result_does_not_depend_on_the_order_in_which_workers_finish(
    flow: FlowSpec, one: object, other: object, failing: set[int]
) -> None:
    assert outcome(flow, one, failing) is outcome(flow, other, failing)


def may_be_reported(play: Play, path: Path) -> bool:
    """Tell whether a worker or a person may say how the task run ended; a loop between two iterations waits alone."""
    run = play.run(*path)
    paused = run.state is State.PAUSED and play.outline.task(run.task_id).type in WAITING
    return paused or run.state is State.SUBMITTED


def outcome(flow: FlowSpec, random: object, failing: set[int]) -> State:
    """Play to the end in an order of `random`; which task fails depends on its id alone."""
    play = Play(flow, world=World()).advance()
    for _ in range(1000):
        if play.state() in FINAL:
            return play.state()
        runs = play.snapshot.runs
        waits = sorted(p for p in runs if p and not runs[p].hidden and may_be_reported(play, p))
        if not waits:
            play.wait(seconds=1)
            continue
        path = random.choice(waits)  # type: ignore[attr-defined]
        task = play.outline.task(runs[path].task_id)
        bad = int(task.id[1:]) in failing
        if task.type in WAITING:
            fact = Fact(WAITING[task.type], outputs={"decision": "REJECT" if bad else "APPROVE"})
            play.change(path, fact=fact).advance()
        else:
            play.end(*path, state=State.FAILED if bad else State.SUCCESS)
    raise AssertionError("it does not end")
