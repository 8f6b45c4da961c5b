"""The same tasks again and again, until a condition holds."""

from dataclasses import replace
from datetime import timedelta

from orchestrator.core.durations import read_duration
from orchestrator.core.expressions import truthy
from orchestrator.core.flowables.contract import FlowableFailed
from orchestrator.core.snapshot import ITERATIONS, TaskRun
from orchestrator.core.spec import TaskSpec
from orchestrator.core.states import FINAL, State
from orchestrator.core.walk import STOPPING, Settle, Walk, worst

INTERVAL, MOST, LONGEST = "PT1S", 100, "PT1H"  # the field's own, where nothing is written


class LoopUntil:
    """Runs its tasks in order, then asks its condition; waits `interval` before it begins again.

    It gives up after `maxIterations` or `maxDuration`: a failure only with `failOnMaxReached`.
    """

    def start(self, walk: Walk, run: TaskRun, task: TaskSpec) -> TaskRun:  # noqa: ARG002 - the contract's shape
        """Start."""
        return walk.to(run, State.RUNNING, outputs={"iterationCount": 0}, size=0)

    def outcome(self, walk: Walk, run: TaskRun, task: TaskSpec, settle: Settle) -> State | None:
        """Bring the present iteration forward, and begin the next when it is due."""
        if run.state is State.PAUSED:
            if not walk.due(run):
                return None
            self._begin(walk, run, settle)
        while True:
            numbers = walk.counts(run.path, ITERATIONS)
            if any(state not in FINAL for state in numbers):
                return None
            if any(state in numbers for state in STOPPING):
                return worst(numbers)
            if not walk.goes_on():
                return None
            ended = sum(numbers.values())
            if ended and not self._again(walk, walk.runs[run.path], task, ended):
                return worst(numbers)
            if walk.runs[run.path].state is State.PAUSED:
                return None
            self._begin(walk, walk.runs[run.path], settle)

    def iteration(self, walk: Walk, run: TaskRun, settle: Settle) -> State | None:
        """Bring the tasks of one iteration forward."""
        return walk.in_order(run.path, "tasks", settle)

    def _begin(self, walk: Walk, run: TaskRun, settle: Settle) -> None:
        index = sum(run.counts.get(ITERATIONS, {}).values())
        run = walk.to(run, State.RUNNING, outputs={"iterationCount": index + 1}, run_after=None)
        walk.put(replace(run, size=index + 1))
        settle(walk.create_iteration(run.path, index, run.value).path)

    def _again(self, walk: Walk, run: TaskRun, task: TaskSpec, ended: int) -> bool:
        """Tell whether another iteration follows; it is waited for where there is an interval."""
        if truthy(walk.world.render(task.properties.get("condition"), run.path)):
            return False
        interval, most, longest = _frequency(walk, run, task)
        began = run.started_at or walk.at
        if ended >= most or walk.at >= began + longest:
            if task.properties.get("failOnMaxReached") in {True, "true"}:
                raise FlowableFailed(f"The condition did not hold after {ended} iterations.")
            return False
        if interval > timedelta(0):
            walk.to(run, State.PAUSED, run_after=walk.later(interval))
        return True


def _frequency(walk: Walk, run: TaskRun, task: TaskSpec) -> tuple[timedelta, int, timedelta]:
    """Return how long to wait between iterations, how many there may be, and for how long."""
    written = walk.world.render(task.properties.get("checkFrequency") or {}, run.path)
    given = written if isinstance(written, dict) else {}
    most = given.get("maxIterations", MOST)
    try:
        interval = read_duration(str(given.get("interval") or INTERVAL))
        longest = read_duration(str(given.get("maxDuration") or LONGEST))
        return interval, int(most), longest
    except ValueError:
        raise FlowableFailed(f"`checkFrequency` cannot be read: {given}.") from None
