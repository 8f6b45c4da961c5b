"""What a flow must keep beyond its form: names that are unique, types that exist, expressions that can be read.

`problems` checks a flow that was read; `problems_of` does everything that "validate" does with a source.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain

from orchestrator.core.expression_rules import check_flow, check_task, check_trigger
from orchestrator.core.findings import Findings
from orchestrator.core.flow_yaml import read
from orchestrator.core.flowable_rules import check_shape
from orchestrator.core.flowable_types import FLOWABLES, SHAPES
from orchestrator.core.input_rules import check_inputs
from orchestrator.core.sentences import say
from orchestrator.core.similar import did_you_mean
from orchestrator.core.spec import FlowSpec, OutputSpec, Path, Problem, RetryBehavior, RetrySpec, TaskSpec, TriggerSpec
from orchestrator.core.trigger_types import TRIGGERS
from orchestrator.core.type_info import Catalogue, TypeInfo

DEFAULT_GROUPS = frozenset({"default"})
_ID = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]*", re.ASCII)
_NOT_ACTED_ON = ("sla", "checks", "quotas", "workerGroup", "workerSelector")
_NOT_ACTED_ON_IN_TASKS = ("logToFile", "taskCache", "version", "pluginDefaultsRef", "assets", "workerSelector")
KINDS = {"task": say("task"), "trigger": say("trigger")}
_COMMON_NAMES = ("description", "retry", "timeout", "runIf", "disabled", "allowFailure", "allowWarning", "logLevel")


def problems(
    flow: FlowSpec,
    catalogue: Catalogue,
    *,
    worker_groups: Collection[str] = DEFAULT_GROUPS,
    broken_expressions_warn: bool = False,
) -> list[Problem]:
    """Return what is wrong in a flow that was read, in the order of its source, warnings among them.

    `catalogue` holds the task and trigger types that are installed; flowables and core triggers are known already.
    With `broken_expressions_warn` a flow whose expressions cannot be read may run until it meets one, as in the field.
    Exact places need `flow_yaml.read`; what `flow_yaml.parse` returns knows the lines of tasks and inputs only.
    """
    findings = Findings(flow, broken_expressions_warn=broken_expressions_warn)
    return _Rules(flow, catalogue, worker_groups, findings).run()


def problems_of(
    source: str | bytes,
    catalogue: Catalogue,
    *,
    worker_groups: Collection[str] = DEFAULT_GROUPS,
    broken_expressions_warn: bool = False,
) -> tuple[FlowSpec | None, list[Problem]]:
    """Read and check a source in one go: the flow as far as it could be read, and every problem."""
    parsed = read(source)
    if parsed.flow is None:
        return None, list(parsed.problems)
    beyond = problems(
        parsed.flow,
        catalogue,
        worker_groups=worker_groups,
        broken_expressions_warn=broken_expressions_warn,
    )
    return parsed.flow, sorted(
        {*parsed.problems, *beyond}, key=lambda problem: (problem.line, problem.column, problem.message)
    )


def tasks_of(flow: FlowSpec) -> Iterator[TaskSpec]:
    """Yield every task of a flow, parents before their children, in the author's order."""
    lists = (flow.tasks, flow.errors, flow.finally_, flow.after_execution, *(one.tasks for one in flow.listeners))
    for task in chain.from_iterable(lists):
        yield from _with_children(task)


def _with_children(task: TaskSpec) -> Iterator[TaskSpec]:
    yield task
    for child in chain.from_iterable(task.branches.values()):
        yield from _with_children(child)


class _Rules:
    """One check of one flow."""

    def __init__(
        self,
        flow: FlowSpec,
        catalogue: Catalogue,
        worker_groups: Collection[str],
        findings: Findings,
    ) -> None:
        self.flow = flow
        self.findings = findings
        self.worker_groups = worker_groups
        self.types: dict[str, TypeInfo] = {**TRIGGERS, **FLOWABLES, **catalogue}
        for info in list(self.types.values()):
            for alias in info.aliases:
                self.types.setdefault(alias, info)

    def run(self) -> list[Problem]:
        ids: dict[str, TaskSpec] = {}
        for task in tasks_of(self.flow):
            if self.findings.full:
                break
            self.check_id(task, ids)
            self.check_task(task)
        for trigger in self.flow.triggers:
            self.check_trigger(trigger)
        self.check_unique(self.flow.triggers, say("trigger"))
        self.check_unique(self.flow.outputs, say("output"))
        check_inputs(self.findings, self.flow.inputs)
        check_flow(self.findings, self.flow)
        self.check_kept()
        return self.findings.sorted()

    def check_id(self, task: TaskSpec, ids: dict[str, TaskSpec]) -> None:
        path = (*task.path, "id")
        if not task.id:
            return
        if not _ID.fullmatch(task.id):
            message = say("A task's id has letters, digits, `_` and `-` only and begins with a letter or a digit.")
            self.findings.problem(path, message, line=task.line)
        elif len(task.id) > 256:
            message = say("`%(key)s` must be at most %(limit)s characters.", key="id", limit=256)
            self.findings.problem(path, message, line=task.line)
        first = ids.setdefault(task.id, task)
        if first is not task:
            message = say(
                "The id `%(id)s` is already that of the task in line %(line)s.",
                id=task.id[:80],
                line=first.line,
            )
            self.findings.problem(path, message, line=task.line)

    def check_task(self, task: TaskSpec) -> None:
        info = self.info(task.type, "task", task.path, task.line)
        check_shape(self.findings, task, self.flow)
        if info is not None:
            self.check_properties(info, task.properties, task.path, task.line)
        check_task(self.findings, task, info.schema if info is not None else {})
        if task.inputs:
            check_inputs(self.findings, task.inputs)
        if task.worker_group is not None and task.worker_group not in self.worker_groups:
            message = say("There is no worker group `%(group)s`.", group=task.worker_group[:80])
            mend = did_you_mean(task.worker_group, sorted(self.worker_groups))
            self.findings.problem((*task.path, "workerGroup"), message, line=task.line, mend=mend)
        self.check_retry(task.retry, (*task.path, "retry"), task.line)
        for key in _NOT_ACTED_ON_IN_TASKS:
            if key in task.extra:
                self.kept((*task.path, key), key, task.line)

    def check_trigger(self, trigger: TriggerSpec) -> None:
        info = self.info(trigger.type, "trigger", trigger.path, trigger.line)
        if trigger.id and not _ID.fullmatch(trigger.id):
            message = say("A trigger's id has letters, digits, `_` and `-` only and begins with a letter or a digit.")
            self.findings.problem((*trigger.path, "id"), message, line=trigger.line)
        if info is not None:
            self.check_properties(info, trigger.properties, trigger.path, trigger.line)
            if not info.available:
                message = say("`%(type)s` is kept but does not fire yet.", type=trigger.type)
                path = (*trigger.path, "type")
                self.findings.problem(path, message, line=trigger.line, warning=True)
        check_trigger(self.findings, trigger)

    def info(self, name: str, kind: str, path: Path, line: int) -> TypeInfo | None:
        if not name:
            return None
        info = self.types.get(name)
        if info is not None and info.kind == kind:
            return info
        if info is not None:
            message = say(
                "`%(type)s` is a %(kind)s and cannot stand here.", type=name, kind=KINDS.get(info.kind, info.kind)
            )
            self.findings.problem((*path, "type"), message, line=line)
            return None
        message = say("There is no type `%(type)s`.", type=name[:120])
        known = sorted({info.name for info in self.types.values() if info.kind == kind})
        self.findings.problem((*path, "type"), message, line=line, mend=did_you_mean(name, known))
        return None

    def check_properties(self, info: TypeInfo, properties: Mapping[str, object], path: Path, line: int) -> None:
        known = info.schema.get("properties")
        branches = SHAPES[info.name].branches if info.name in SHAPES else ()
        for where, message in info.check(properties):
            if known is not None and len(where) == 1 and where[0] not in known and where[0] in properties:
                unknown = str(where[0])
                message_ = say("There is no property `%(key)s` in `%(type)s`.", key=unknown[:80], type=info.name)
                mend = did_you_mean(unknown, (*known, *branches, *_COMMON_NAMES))
                self.findings.problem((*path, unknown), message_, line=line, mend=mend, at_key=True)
            else:
                self.findings.problem((*path, *where), message, line=line)

    def check_unique(self, things: Sequence[TriggerSpec | OutputSpec], what: str) -> None:
        lines: dict[str, int] = {}
        for thing in things:
            if not thing.id:
                continue
            if thing.id in lines:
                message = say(
                    "The id `%(id)s` is already that of the %(what)s in line %(line)s.",
                    id=thing.id[:80],
                    what=what,
                    line=lines[thing.id],
                )
                self.findings.problem((*thing.path, "id"), message, line=thing.line)
            lines.setdefault(thing.id, thing.line)

    def check_retry(self, retry: RetrySpec | None, path: Path, line: int) -> None:
        if retry is not None and retry.behavior is RetryBehavior.CREATE_NEW_EXECUTION:
            self.kept((*path, "behavior"), "CREATE_NEW_EXECUTION", line)

    def check_kept(self) -> None:
        self.check_retry(self.flow.retry, ("retry",), 1)
        for key in _NOT_ACTED_ON:
            if key in self.flow.extra:
                self.kept((key,), key, 1)
        written = {
            "listeners": self.flow.listeners,
            "afterExecution": self.flow.after_execution,
            "concurrency": self.flow.concurrency,
        }
        for key, value in written.items():
            if value:
                self.kept((key,), key, 1)

    def kept(self, path: Path, what: str, line: int) -> None:
        message = say("`%(what)s` is kept, but this release does not act on it yet.", what=what)
        self.findings.problem(path, message, line=line, at_key=True, warning=True)
