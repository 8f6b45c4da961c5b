"""The same tasks for each of several values."""

import json

from orchestrator.core.flowables.contract import FlowableFailed
from orchestrator.core.snapshot import TaskRun
from orchestrator.core.spec import TaskSpec
from orchestrator.core.states import State
from orchestrator.core.walk import Settle, Walk, as_texts


class ForEach:
    """Runs its tasks in order for each value, `concurrencyLimit` values at once (0: all)."""

    values_property = "values"

    def start(self, walk: Walk, run: TaskRun, task: TaskSpec) -> TaskRun:
        """Evaluate the values; each is taken once."""
        written = task.properties.get(self.values_property, task.properties.get("value"))
        values = _values(walk.world.render(written, run.path))
        return walk.to(run, State.RUNNING, size=len(values), values=values)

    def outcome(self, walk: Walk, run: TaskRun, task: TaskSpec, settle: Settle) -> State | None:
        """Bring the iterations forward."""
        return walk.over(run.path, self.limit(task), settle)

    def limit(self, task: TaskSpec) -> int:
        """Return how many iterations may run at once (0: all)."""
        written = task.properties.get("concurrencyLimit", 1)
        return written if isinstance(written, int) else 1

    def iteration(self, walk: Walk, run: TaskRun, settle: Settle) -> State | None:
        """Bring the tasks of one iteration forward."""
        return walk.in_order(run.path, "tasks", settle)


class EachSequential(ForEach):
    """The older name of a loop that takes one value at a time."""

    values_property = "value"

    def limit(self, task: TaskSpec) -> int:  # noqa: ARG002 - the contract's shape
        """One."""
        return 1


class EachParallel(ForEach):
    """The older loop that starts every task of every value at once."""

    values_property = "value"

    def limit(self, task: TaskSpec) -> int:
        """Return `concurrent`, the number of values at once (0: all)."""
        written = task.properties.get("concurrent", 0)
        return written if isinstance(written, int) else 0

    def iteration(self, walk: Walk, run: TaskRun, settle: Settle) -> State | None:
        """Bring the tasks of one value forward side by side."""
        return walk.together(run.path, "tasks", 0, settle)


def _values(rendered: object) -> tuple[str, ...]:
    if isinstance(rendered, str):
        text = rendered
        try:
            rendered = json.loads(text)
        except ValueError:
            raise FlowableFailed(f"The values must be a list, but are the text {text[:100]!r}.") from None
    if isinstance(rendered, dict):
        rendered = [{"key": key, "value": value} for key, value in rendered.items()]
    if not isinstance(rendered, list | tuple):
        raise FlowableFailed(f"The values must be a list, but are {type(rendered).__name__}.")
    texts = as_texts(rendered)
    missing = sum(text is None for text in texts)
    if missing:
        raise FlowableFailed(f"Found '{missing}' null values on Each, with values={json.dumps(rendered, default=str)}")
    return tuple(dict.fromkeys(text for text in texts if text is not None))
