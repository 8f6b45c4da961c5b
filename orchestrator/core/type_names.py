"""The names of types: many spellings, one canonical name.

`io.kestra.plugin.` and `ee.` are dropped, and classes that moved since are known under their old names.
"""

from functools import lru_cache

_PREFIX = "io.kestra.plugin."
_MOVED = {
    # packages before the plugins were moved; the longest match wins
    "io.kestra.core.tasks.debugs.": "core.debug.",
    "io.kestra.core.tasks.executions.": "core.execution.",
    "io.kestra.core.tasks.flows.": "core.flow.",
    "io.kestra.core.tasks.kv.": "core.kv.",
    "io.kestra.core.tasks.log.": "core.log.",
    "io.kestra.core.tasks.metric.": "core.metric.",
    "io.kestra.core.tasks.metrics.": "core.metric.",
    "io.kestra.core.tasks.namespace.": "core.namespace.",
    "io.kestra.core.tasks.namespaces.": "core.namespace.",
    "io.kestra.core.tasks.outputs.": "core.output.",
    "io.kestra.core.tasks.states.": "core.state.",
    "io.kestra.core.tasks.storages.": "core.storage.",
    "io.kestra.core.tasks.templating.": "core.templating.",
    "io.kestra.core.tasks.trigger.": "core.trigger.",
    "io.kestra.core.tasks.triggers.": "core.trigger.",
    "io.kestra.core.models.conditions.types.": "core.condition.",
    "io.kestra.core.models.triggers.types.": "core.trigger.",
    "io.kestra.core.models.triggers.multipleflows.": "core.condition.",
    "io.kestra.core.models.tasks.runners.types.": "core.runner.",
    "io.kestra.plugin.fs.http.": "core.http.",
}
_RENAMED = {
    "core.flow.Flow": "core.flow.Subflow",
    "core.flow.WaitFor": "core.flow.LoopUntil",
    "core.flow.Each": "core.flow.EachSequential",
    "core.flow.Worker": "core.flow.WorkingDirectory",
    "flow.HumanTask": "core.flow.HumanTask",
    "core.execution.Counts": "core.execution.Count",
    "core.execution.PurgeExecution": "core.execution.PurgeExecutions",
    "core.storage.Purge": "core.execution.PurgeExecutions",
    "core.storage.PurgeExecution": "core.storage.PurgeCurrentExecutionFiles",
    "core.state.StateDelete": "core.state.Delete",
    "core.state.StateGet": "core.state.Get",
    "core.state.StateSet": "core.state.Set",
    "core.runner.ProcessTaskRunner": "core.runner.Process",
}
_CONDITIONS = "core.condition."


@lru_cache(maxsize=8192)
def canonical(name: str) -> str:
    """Return the one name under which the type written as `name` is known; unknown names come back unchanged."""
    name = name.strip()
    moved = next((old for old in _MOVED if name.startswith(old)), None)
    if moved is not None:
        name = _MOVED[moved] + name.removeprefix(moved)
    elif name.startswith(_PREFIX):
        name = name.removeprefix(_PREFIX).removeprefix("ee.")
    if name.startswith(_CONDITIONS):
        name = _CONDITIONS + _condition(name.removeprefix(_CONDITIONS))
    return _RENAMED.get(name, name)


def full(name: str) -> str:
    """Return the canonical `name` with the prefix that the field's own clients write."""
    return _PREFIX + name


def _condition(name: str) -> str:
    """Old conditions ended in `Condition`: `ExecutionStatusCondition`; `MultipleCondition` still does."""
    if name == "MultipleCondition":
        return name
    name = name.removesuffix("Condition")
    return {"Flow": "ExecutionFlow", "FlowNamespace": "ExecutionNamespace", "Variable": "Expression"}.get(name, name)
