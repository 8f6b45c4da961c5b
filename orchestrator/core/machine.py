"""Where an execution goes next.

`advance` is the whole machine: given what the author wrote and where things stand, it returns where things should stand
now. It never waits, never writes, never asks the time. Calling it again without new facts changes nothing, so a lost or
doubled message is harmless. `advance_from` is the same for one task run about which something was recorded: it
settles that one and climbs as far as its parents end.
"""

from dataclasses import replace
from datetime import datetime

from orchestrator.core.expressions import ExpressionFailed, truthy
from orchestrator.core.flowables import FLOWABLES, FlowableFailed
from orchestrator.core.flowables.for_each import ForEach
from orchestrator.core.flowables.loop_until import LoopUntil
from orchestrator.core.outline import Outline
from orchestrator.core.outputs import OutputInvalid, flow_outputs
from orchestrator.core.retries import next_attempt_at
from orchestrator.core.snapshot import LEAVES, ROOT, Fact, FactKind, Path, Snapshot, TaskRun, open_children
from orchestrator.core.spec import TaskSpec
from orchestrator.core.states import FINAL, GOOD, State
from orchestrator.core.walk import Walk, World

DEFAULT_QUEUE = "default"


def advance(outline: Outline, before: Snapshot, at: datetime, world: World, *, max_crashes: int = 3) -> Snapshot:
    """Return `before` brought as far forward as it can go at `at` (timezone-aware).

    `before` must hold the root and every open task run.
    """
    machine = _Machine(outline, before, at, world, max_crashes)
    for path in sorted(before.runs, key=len, reverse=True):
        machine.settle(path)
    return machine.snapshot()


def advance_from(
    outline: Outline,
    before: Snapshot,
    path: Path,
    at: datetime,
    world: World,
    *,
    max_crashes: int = 3,
) -> Snapshot:
    """Return `before` after what was recorded at `path`; equal to `advance` when nothing else was recorded.

    `before` must hold the task run at `path` and all its ancestors.
    """
    machine = _Machine(outline, before, at, world, max_crashes)
    machine.settle(path)
    while path and machine.walk.runs[path].state in FINAL:
        path = path[:-1]
        machine.settle(path)
    machine.settle(ROOT)
    return machine.snapshot()


class _Machine:
    """One walk with the rules that hold for every kind of task."""

    def __init__(self, outline: Outline, before: Snapshot, at: datetime, world: World, max_crashes: int) -> None:
        self.walk = Walk(outline, dict(before.runs), at, world)
        self.walk.position = before.root.position
        self.max_crashes = max_crashes
        world.see(self.walk.runs)

    def snapshot(self) -> Snapshot:
        """Return where things stand now."""
        walk = self.walk
        if walk.position != walk.runs[ROOT].position:
            walk.runs[ROOT] = replace(walk.runs[ROOT], position=walk.position)
        return Snapshot(walk.runs, walk.settled)

    def settle(self, path: Path) -> None:
        """Bring the task run at `path`, and all that it creates, as far forward as it can go."""
        run = self.walk.runs[path]
        if run.state in FINAL:
            return
        if not path:
            self._settle_execution(run)
        elif run.hidden:
            self._settle_iteration(run)
        else:
            task = self.walk.outline.task(run.task_id)
            if task.type in FLOWABLES:
                self._settle_flowable(run, task)
            else:
                self._settle_runnable(run, task)

    # -- the execution -------------------------------------------------------------------------------------------------

    def _settle_execution(self, root: TaskRun) -> None:
        walk = self.walk
        if root.state in {State.CREATED, State.RESTARTED, State.QUEUED}:
            root = walk.to(root, State.RUNNING)
        if root.state is State.KILLING:
            if not open_children(walk.runs[ROOT]):
                walk.to(walk.runs[ROOT], State.KILLED)
            return
        outcome = self._with_errors(ROOT, walk.in_order(ROOT, "tasks", self.settle))
        root = walk.runs[ROOT]
        if outcome is None:
            waiting = self._waiting_state(root)
            if waiting is not root.state:
                walk.to(root, State.RUNNING)
                walk.to(walk.runs[ROOT], waiting)
            return
        if root.state is not State.RUNNING:
            root = walk.to(root, State.RUNNING)
        self._end_execution(root, outcome)

    def _end_execution(self, root: TaskRun, outcome: State) -> None:
        """End the execution with its outputs; outputs that cannot be made fail one that was good."""
        walk = self.walk
        specs = walk.outline.flow.outputs
        outputs, error = None, ""
        if specs and outcome is not State.KILLED:
            try:
                outputs = flow_outputs(specs, lambda value: walk.world.render(value, ROOT), walk.at)
            except (ExpressionFailed, OutputInvalid) as failure:
                if outcome in GOOD:
                    outcome, error = State.FAILED, str(failure)
        walk.to(root, outcome, outputs=outputs, error=error)

    def _waiting_state(self, root: TaskRun) -> State:
        """PAUSED when only a person or a delay can move us on, RETRYING when only the clock; RUNNING otherwise."""
        leaves = {state for state, number in root.counts.get(LEAVES, {}).items() if number and state not in FINAL}
        if leaves and self.walk.settled and leaves <= {State.PAUSED, State.RETRYING}:
            return State.RETRYING if State.RETRYING in leaves else State.PAUSED
        return State.RUNNING

    # -- flowables -----------------------------------------------------------------------------------------------------

    def _settle_flowable(self, run: TaskRun, task: TaskSpec) -> None:
        walk = self.walk
        flowable = FLOWABLES[task.type]
        if walk.killing:
            self._kill_when_still(run)
            return
        try:
            if run.state is State.CREATED:
                if not self._runs(run, task):
                    return
                run = flowable.start(walk, walk.runs[run.path], task)
            outcome = flowable.outcome(walk, run, task, self.settle)
        except (ExpressionFailed, FlowableFailed) as failure:
            self._end(walk.to(walk.runs[run.path], State.RUNNING), task, State.FAILED, str(failure))
            return
        run = walk.runs[run.path]
        if run.state in FINAL or outcome is None:
            if outcome is None and run.state not in FINAL:
                return
            self._allow(run, task)
            return
        outcome = self._with_errors(run.path, outcome)
        if outcome is not None:
            self._end(walk.runs[run.path], task, outcome)

    def _settle_iteration(self, run: TaskRun) -> None:
        walk = self.walk
        if walk.killing:
            self._kill_when_still(run)
            return
        loop = walk.outline.task(run.task_id)
        flowable = FLOWABLES[loop.type]
        if not isinstance(flowable, ForEach | LoopUntil):
            raise TypeError(f"{loop.type} has no iterations")
        outcome = flowable.iteration(walk, run, self.settle)
        if outcome is not None:
            walk.to(walk.runs[run.path], outcome)

    def _with_errors(self, path: Path, outcome: State | None) -> State | None:
        """Return the end of a branch after its errors and finally branches, or None while these run."""
        walk = self.walk
        if outcome is None or outcome is State.KILLED:
            return outcome
        if outcome is State.FAILED and walk.in_order(path, "errors", self.settle) is None:
            return None
        finally_ = walk.in_order(path, "finally", self.settle)
        if finally_ is None:
            return None
        return finally_ if finally_ in {State.FAILED, State.KILLED} else outcome

    def _kill_when_still(self, run: TaskRun) -> None:
        if not open_children(run):
            self.walk.to(run, State.KILLED, fact=None)

    # -- tasks for a worker, and instant ones --------------------------------------------------------------------------

    def _settle_runnable(self, run: TaskRun, task: TaskSpec) -> None:
        if run.fact is not None:
            run = self._read(run, task, run.fact)
        if self.walk.killing:
            if run.state not in FINAL and run.lease is None:
                self.walk.to(run, State.KILLED)
            return
        if run.state is State.CREATED:
            try:
                if not self._runs(run, task):
                    return
            except ExpressionFailed as failure:
                self._end(self.walk.to(run, State.RUNNING), task, State.FAILED, str(failure))
                return
            self._begin(run, task)
        elif run.state is State.RETRYING and self.walk.due(run):
            self._begin(run, task)

    def _begin(self, run: TaskRun, task: TaskSpec) -> None:
        """Perform an instant task now (and again, while it is to be retried at once), or leave it to a worker."""
        while True:
            if not self.walk.goes_on():
                return
            fact = self.walk.world.perform(task, run)
            if fact is None:
                self.walk.to(
                    run,
                    State.SUBMITTED,
                    queue=task.worker_group or DEFAULT_QUEUE,
                    run_after=self.walk.at,
                )
                return
            if run.state is not State.RUNNING:
                run = self.walk.to(run, State.RUNNING, run_after=None)
            run = self._read(replace(run, attempt=run.attempt + 1), task, fact)
            if run.state is not State.RETRYING or not self.walk.due(run):
                return

    def _read(self, run: TaskRun, task: TaskSpec, fact: Fact) -> TaskRun:
        """Return `run` after the machine has read how its attempt ended."""
        match fact.kind:
            case FactKind.RELEASED:
                return self._again(self.walk.record_attempt(run, fact, "RELEASED"))
            case FactKind.LOST:
                run = replace(self.walk.record_attempt(run, fact, "LOST"), crashes=run.crashes + 1)
                if run.crashes < self.max_crashes:
                    return self._again(run)
                lost = f"The worker was lost {run.crashes} times while it ran this task."
                return self._end(run, task, State.FAILED, lost)
            case _:
                return self._read_end(run, task, fact)

    def _again(self, run: TaskRun) -> TaskRun:
        if self.walk.killing:
            return self.walk.to(run, State.KILLED)
        return self.walk.to(run, State.SUBMITTED, run_after=self.walk.at)

    def _read_end(self, run: TaskRun, task: TaskSpec, fact: Fact) -> TaskRun:
        walk = self.walk
        run = replace(walk.record_attempt(run, fact, fact.state), tries=run.tries + 1)
        retry = walk.outline.places[task.id].retry
        if fact.state is State.FAILED and retry is not None and not walk.killing:
            first = run.started_at or walk.at
            due = next_attempt_at(retry, run.tries, first, walk.at, walk.world.chance())
            if due is not None:
                return walk.to(run, State.RETRYING, run_after=due, error=fact.error)
        state = fact.state
        if state is State.SUCCESS and run.tries > 1 and retry is not None and retry.warning_on_retry:
            state = State.WARNING
        outputs = fact.outputs if fact.outputs is not None else run.outputs
        return self._end(replace(run, outputs=outputs), task, state, fact.error)

    # -- what is the same for all --------------------------------------------------------------------------------------

    def _runs(self, run: TaskRun, task: TaskSpec) -> bool:
        """Tell whether `runIf` lets the task run; if not it is skipped."""
        if task.run_if is None or truthy(self.walk.world.render(task.run_if, run.path)):
            return True
        self.walk.to(run, State.SKIPPED)
        return False

    def _end(self, run: TaskRun, task: TaskSpec, state: State, error: str = "") -> TaskRun:
        """End `run`, with what its author allows."""
        return self.walk.to(run, allowed(task, state), error=error)

    def _allow(self, run: TaskRun, task: TaskSpec) -> None:
        """Soften the end a flowable gave itself, where its author allows it."""
        softened = allowed(task, run.state)
        if softened is not run.state:
            self.walk.put(replace(run, state=softened, moves=(*run.moves[:-1], (softened, self.walk.at))))


def allowed(task: TaskSpec, state: State) -> State:
    """Return `state` after allowFailure (FAILED counts as WARNING) and allowWarning (WARNING counts as SUCCESS)."""
    if state is State.FAILED and (task.allow_failure or task.type == "core.flow.AllowFailure"):
        state = State.WARNING
    if state is State.WARNING and task.allow_warning:
        state = State.SUCCESS
    return state


def kill(before: Snapshot, at: datetime) -> Snapshot:
    """Return `before` as it stands when someone asked to stop it; `advance` does the rest."""
    root = before.root
    if root.state in FINAL or root.state is State.KILLING:
        return before
    killing = replace(root, state=State.KILLING, moves=(*root.moves, (State.KILLING, at)))
    return Snapshot({**before.runs, ROOT: killing}, before.settled)
