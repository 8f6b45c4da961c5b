"""A flow's text becomes a `FlowSpec`: everything the author wrote, or every problem in it.

Task types are not known here; `flow_rules` checks what needs a catalogue of them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from orchestrator.core.documents import Document, load, load_all
from orchestrator.core.errors import DocumentInvalid, FlowInvalid
from orchestrator.core.input_yaml import read_inputs, read_type
from orchestrator.core.plugin_defaults import PluginDefault, with_defaults
from orchestrator.core.retry_yaml import read_retry
from orchestrator.core.sentences import say
from orchestrator.core.spec import (
    ConcurrencySpec,
    FlowSpec,
    ListenerSpec,
    OutputSpec,
    Path,
    Problem,
    TaskSpec,
    TriggerSpec,
)
from orchestrator.core.task_yaml import read_tasks
from orchestrator.core.trigger_yaml import read_conditions, read_trigger
from orchestrator.core.yaml_fields import Fields, Reading

__all__ = ["Document", "Parsed", "load", "load_all", "parse", "read"]

_ID = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]*", re.ASCII)
_NAMESPACE = re.compile(r"[a-z0-9][a-z0-9._-]*", re.ASCII)
_TASK_LISTS = ("tasks", "errors", "finally", "afterExecution")
_WITH_TYPES = (*_TASK_LISTS, "listeners", "triggers", "inputs")
_KEPT = ("sla", "checks", "quotas", "workerGroup", "workerSelector")
_IGNORED = ("tenantId", "revision", "deleted", "updated", "source", "draft")
_KNOWN = (
    *("id", "namespace", "description", "labels", "inputs", "variables", "tasks", "errors", "finally"),
    *("afterExecution", "listeners", "triggers", "pluginDefaults", "taskDefaults", "concurrency", "outputs"),
    *("retry", "disabled", *_KEPT, *_IGNORED),
)
READ_ONLY_LABEL = "system.readOnly"


@dataclass(frozen=True, slots=True)
class Parsed:
    """What could be read of a source: a flow without what was wrong in it, and the problems."""

    flow: FlowSpec | None  # None when the source is no YAML map at all
    problems: tuple[Problem, ...]


def parse(source: str | bytes) -> FlowSpec:
    """Return the flow that `source` describes; raise `FlowInvalid` with every problem found.

    The result can be kept: it does not hold on to the document.
    """
    parsed = read(source)
    errors = [problem for problem in parsed.problems if not problem.warning]
    if errors or parsed.flow is None:
        raise FlowInvalid(errors)
    return replace(parsed.flow, places=None)


def read(source: str | bytes) -> Parsed:
    """Read as much of a flow as can be read; its `places` are there for `flow_rules.problems`."""
    try:
        document = load(source)
    except DocumentInvalid as invalid:
        return Parsed(None, invalid.problems)
    reading = Reading(document)
    if not isinstance(document.value, dict):
        return Parsed(None, (Problem(say("A flow is a map with `id`, `namespace` and `tasks`.")),))
    flow = _Flow(reading, document.value).read()
    return Parsed(flow, tuple(sorted(reading.problems, key=lambda problem: (problem.line, problem.column))))


class _Flow:
    """Reads one flow, part by part."""

    def __init__(self, reading: Reading, value: dict[str, object]) -> None:
        self.reading = reading
        written = Fields(reading, value, ())
        self.defaults = _read_defaults(written)
        if self.defaults:
            value = {k: with_defaults(v, self.defaults) if k in _WITH_TYPES else v for k, v in value.items()}
        self.fields = Fields(reading, value, ())

    def read(self) -> FlowSpec:
        fields = self.fields
        fields.refuse_unknown(_KNOWN)
        flow_id = self.name("id", _ID, 100)
        namespace = self.name("namespace", _NAMESPACE, 150)
        if not fields.values.get("tasks"):
            if "tasks" not in fields.values:
                self.reading.problem((), say("`%(key)s` is missing.", key="tasks"))
            elif not isinstance(fields.values["tasks"], dict):
                fields.problem("tasks", say("`%(key)s` must not be empty.", key="tasks"))
        return FlowSpec(
            id=flow_id,
            namespace=namespace,
            tasks=self.tasks("tasks"),
            errors=self.tasks("errors"),
            finally_=self.tasks("finally"),
            after_execution=self.tasks("afterExecution"),
            inputs=read_inputs(self.reading, fields.values.get("inputs"), ("inputs",), "`inputs`"),
            outputs=self.outputs(),
            variables=fields.map("variables"),
            labels=read_labels(fields),
            triggers=self.triggers(),
            plugin_defaults=tuple(
                {"type": one.type, "values": one.values, "forced": one.forced} for one in self.defaults
            ),
            concurrency=self.concurrency(),
            retry=read_retry(fields),
            description=fields.text("description") or "",
            disabled=fields.flag("disabled"),
            listeners=self.listeners(),
            extra={key: fields.values[key] for key in _KEPT if key in fields.values},
            places=self.reading.document,
        )

    def name(self, key: str, form: re.Pattern[str], longest: int) -> str:
        text = self.fields.needed(key)
        if text and not form.fullmatch(text):
            message = say("`%(key)s` must match %(form)s.", key=key, form=f"^{form.pattern}$")
            self.fields.problem(key, message)
        elif len(text) > longest:
            self.fields.problem(key, say("`%(key)s` must be at most %(limit)s characters.", key=key, limit=longest))
        return text

    def tasks(self, key: str) -> tuple[TaskSpec, ...]:
        return read_tasks(self.reading, self.fields.values.get(key), (key,), f"`{key}`")

    def outputs(self) -> tuple[OutputSpec, ...]:
        found = []
        for number, item in enumerate(self.fields.items("outputs")):
            path: Path = ("outputs", number)
            fields = self.reading.fields(item, path, say("An output"))
            if not fields.values:
                continue
            fields.refuse_unknown(("id", "type", "value", "displayName", "description", "required", "itemType"))
            if not fields.values.get("type"):
                fields.needed("type")
            kind = read_type(fields)
            if "value" not in fields.values:
                self.reading.problem(path, say("`%(key)s` is missing.", key="value"))
            item_type = read_type(fields, "itemType") if fields.values.get("itemType") else None
            found.append(
                OutputSpec(
                    id=fields.needed("id"),
                    type=kind or "STRING",
                    value=fields.values.get("value"),
                    display_name=fields.text("displayName") or "",
                    description=fields.text("description") or "",
                    required=fields.flag("required", default=True),
                    item_type=item_type or ("STRING" if kind == "ARRAY" else None),
                    line=self.reading.line(path),
                    path=path,
                ),
            )
        return tuple(found)

    def triggers(self) -> tuple[TriggerSpec, ...]:
        found = (
            read_trigger(self.reading.fields(one, ("triggers", number), say("A trigger")))
            for number, one in enumerate(self.fields.items("triggers"))
        )
        return tuple(trigger for trigger in found if trigger is not None)

    def concurrency(self) -> ConcurrencySpec | None:
        value = self.fields.values.get("concurrency")
        if value is None:
            return None
        fields = self.reading.fields(value, ("concurrency",), "`concurrency`")
        fields.refuse_unknown(("limit", "behavior"))
        if fields.values.get("limit") is None:
            self.reading.problem(("concurrency",), say("`%(key)s` is missing.", key="limit"))
        limit = fields.whole("limit", least=1)
        behavior = fields.choice("behavior", ("QUEUE", "CANCEL", "FAIL"))
        return ConcurrencySpec(limit or 1, behavior or "QUEUE")

    def listeners(self) -> tuple[ListenerSpec, ...]:
        found = []
        for number, item in enumerate(self.fields.items("listeners")):
            fields = self.reading.fields(item, ("listeners", number), say("A listener"))
            fields.refuse_unknown(("tasks", "conditions", "description"))
            found.append(
                ListenerSpec(
                    tasks=read_tasks(self.reading, fields.values.get("tasks"), fields.at("tasks"), "`tasks`"),
                    conditions=read_conditions(fields, "conditions"),
                    description=fields.text("description") or "",
                ),
            )
        return tuple(found)


def read_labels(fields: Fields) -> dict[str, str]:
    """Return `labels`: a map, or a list of {key, value}. Labels of the system are refused."""
    value = fields.values.get("labels")
    found: dict[str, str] = {}
    if isinstance(value, dict):
        pairs = [(key, item, fields.at("labels") + (key,)) for key, item in value.items()]  # noqa: RUF005
    else:
        pairs = []
        for number, item in enumerate(fields.items("labels")):
            label = fields.reading.fields(item, (*fields.at("labels"), number), say("A label"))
            label.refuse_unknown(("key", "value"))
            pairs.append((label.text("key") or "", label.values.get("value"), label.at("value")))
    for key, item, path in pairs:
        text = fields.reading.text(item, path, say("A label"))
        if not key or not text:
            fields.reading.problem(path, say("A label needs a key and a value."), at_key=True)
        elif key.startswith("system.") and key != READ_ONLY_LABEL:
            message = say("Labels that begin with `system.` are set by the system alone: `%(key)s`.", key=key[:80])
            fields.reading.problem(path, message, at_key=True)
        else:
            found[key] = text
    return found


def _read_defaults(flow: Fields) -> Sequence[PluginDefault]:
    found = []
    for key in ("pluginDefaults", "taskDefaults"):
        for number, item in enumerate(flow.items(key)):
            fields = flow.reading.fields(item, (key, number), say("A default"))
            fields.refuse_unknown(("type", "values", "forced"))
            written = fields.needed("type")
            values = fields.map("values")
            if written:
                found.append(PluginDefault(written, values, fields.flag("forced")))
    return found
