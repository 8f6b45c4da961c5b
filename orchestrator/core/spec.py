"""What an author wrote, once parsed: immutable, complete, never touching a database.

`flow_yaml.parse` makes these from a flow's text; the machine, the form and the graph read them.
A property that may hold an expression stays the text that was written; rendering is not parsing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

INPUT_TYPES = (
    *("STRING", "INT", "FLOAT", "BOOL", "SELECT", "MULTISELECT", "DATE", "TIME", "DATETIME", "DURATION"),
    *("FILE", "JSON", "YAML", "URI", "EMAIL", "SECRET", "ARRAY"),
)

Text = str  # may hold expressions
Path = tuple[str | int, ...]  # keys and indexes from the top of a document


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in what a person wrote: where, what, how to mend."""

    message: str
    line: int = 1  # 1-based
    column: int = 1  # 1-based
    path: Path = ()
    mend: str = ""  # what to do about it, for instance "Did you mean `message`?"
    warning: bool = False  # saved nevertheless


@dataclass(frozen=True, slots=True)
class InputProblem:
    """One thing wrong in a value that was given for an input."""

    input_id: str
    message: str


class Places(Protocol):
    """Where things stand in a document; `orchestrator.core.documents.Document` is one."""

    def position(self, path: Path) -> tuple[int, int]:
        """Return line and column (1-based) of the value at `path`, or of the nearest thing above it."""
        ...

    def key_position(self, path: Path) -> tuple[int, int]:
        """Return line and column of the key at `path`, or of the nearest thing above it."""
        ...

    def place_in_text(self, path: Path, line: int, column: int) -> tuple[int, int]:
        """Return where line and column of the text at `path` stand in the document."""
        ...


class RetryKind(StrEnum):
    """How the pause between attempts grows."""

    CONSTANT = "constant"
    EXPONENTIAL = "exponential"
    RANDOM = "random"


class RetryBehavior(StrEnum):
    """What is tried again: the task, or the whole flow as a new execution."""

    RETRY_FAILED_TASK = "RETRY_FAILED_TASK"
    CREATE_NEW_EXECUTION = "CREATE_NEW_EXECUTION"


@dataclass(frozen=True, slots=True)
class RetrySpec:
    """When a failed attempt is followed by another."""

    kind: RetryKind
    interval: timedelta = timedelta(0)  # `minInterval` of a random retry
    max_interval: timedelta | None = None
    delay_factor: float = 2.0
    max_attempts: int | None = None  # attempts in all, the first included
    max_duration: timedelta | None = None  # since the first attempt's start
    warning_on_retry: bool = False
    behavior: RetryBehavior = RetryBehavior.RETRY_FAILED_TASK


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """One task as written; flowables hold their children in `branches`."""

    id: str
    type: str  # canonical, for instance "core.log.Log"
    properties: Mapping[str, object] = field(default_factory=dict)  # the type's own; no children, no common ones
    branches: Mapping[str, tuple["TaskSpec", ...]] = field(default_factory=dict)
    # "tasks" | "then" | "else" | "cases.<value>" | "defaults" | "errors" | "finally", in the author's order
    description: str = ""
    retry: RetrySpec | None = None
    timeout: Text | None = None  # ISO 8601 duration or an expression
    run_if: Text | None = None  # None: always
    disabled: bool = False
    allow_failure: bool = False
    allow_warning: bool = False
    log_level: str | None = None
    worker_group: str | None = None  # the queue it is claimed from; None: "default"
    inputs: tuple["InputSpec", ...] = ()  # the form of a pause (`onResume`) or of an approval (`inputs`)
    extra: Mapping[str, object] = field(default_factory=dict)  # common properties kept but not acted on yet
    line: int = 1
    path: Path = ()


@dataclass(frozen=True, slots=True)
class InputSpec:
    """One input of a flow, of a pause's form or of an approval's form."""

    id: str  # dots make nested values: "address.city"
    type: str  # one of INPUT_TYPES
    required: bool = True
    defaults: object = None
    prefill: object = None
    display_name: str = ""
    description: str = ""  # Markdown
    depends_on: tuple[str, ...] = ()
    condition: Text | None = None  # of dependsOn: not exactly true means that the input is absent
    # by type; absent ones stay None
    validator: str | None = None  # RE2, full match
    minimum: object = None  # `min` of numbers and durations, `after` of dates and times
    maximum: object = None
    values: tuple[object, ...] | None = None  # of SELECT and MULTISELECT; texts or {"label", "value"}
    expression: Text | None = None  # renders to the values
    allow_custom_value: bool = False
    radio: bool = False
    auto_select_first: bool = False
    item_type: str | None = None  # of ARRAY and MULTISELECT
    extensions: tuple[str, ...] = ()  # of FILE, with their dot: (".csv",)
    max_size: int | None = None  # of FILE, in bytes
    line: int = 1
    path: Path = ()


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """One typed output of a flow, rendered when an execution ends."""

    id: str
    type: str
    value: object  # text with expressions, or a structure of such texts
    display_name: str = ""
    description: str = ""
    required: bool = True
    item_type: str | None = None  # of ARRAY
    line: int = 1
    path: Path = ()


@dataclass(frozen=True, slots=True)
class TriggerSpec:
    """One trigger as written."""

    id: str
    type: str
    properties: Mapping[str, object] = field(default_factory=dict)
    inputs: Mapping[str, object] = field(default_factory=dict)
    conditions: tuple[Mapping[str, object], ...] = ()
    disabled: bool = False
    description: str = ""
    extra: Mapping[str, object] = field(default_factory=dict)  # common properties kept but not acted on yet
    line: int = 1
    path: Path = ()


@dataclass(frozen=True, slots=True)
class ListenerSpec:
    """Tasks run after an execution's end when all conditions hold (older than `afterExecution`)."""

    tasks: tuple[TaskSpec, ...]
    conditions: tuple[Mapping[str, object], ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class LevelSpec:
    """One level of an approval: who may decide, and how many must agree."""

    name: str = ""
    users: tuple[Text, ...] = ()
    groups: tuple[Text, ...] = ()
    expression: Text | None = None
    need: int = 1
    when: Text | None = None  # None: always


@dataclass(frozen=True, slots=True)
class ApprovalSpec:
    """What an approval asks for."""

    levels: tuple[LevelSpec, ...]  # open in order
    reason_required: frozenset[str] = frozenset()  # of APPROVE, REJECT
    self_approval: bool = False
    deadline: Mapping[str, object] | None = None
    on_reject: str = "FAIL"  # FAIL | CANCEL | CONTINUE


@dataclass(frozen=True, slots=True)
class ConcurrencySpec:
    """How many executions of a flow may run at once, and what happens to one more."""

    limit: int
    behavior: str = "QUEUE"  # QUEUE | CANCEL | FAIL


@dataclass(frozen=True, slots=True)
class FlowSpec:
    """A whole flow as written."""

    id: str
    namespace: str
    tasks: tuple[TaskSpec, ...]
    errors: tuple[TaskSpec, ...] = ()
    finally_: tuple[TaskSpec, ...] = ()
    after_execution: tuple[TaskSpec, ...] = ()
    inputs: tuple[InputSpec, ...] = ()
    outputs: tuple[OutputSpec, ...] = ()
    variables: Mapping[str, object] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    triggers: tuple[TriggerSpec, ...] = ()
    plugin_defaults: tuple[Mapping[str, object], ...] = ()  # already applied to the tasks above
    concurrency: ConcurrencySpec | None = None
    retry: RetrySpec | None = None
    description: str = ""
    disabled: bool = False
    listeners: tuple[ListenerSpec, ...] = ()
    extra: Mapping[str, object] = field(default_factory=dict)  # sla, checks, quotas: kept but not acted on yet
    places: Places | None = field(default=None, compare=False, repr=False)  # only while it is being checked
