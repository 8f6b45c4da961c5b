"""What the author of an app wrote, once parsed: immutable and complete. `app_yaml.read` makes these.

A text that may hold an expression stays the text that was written.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

Text = str  # may hold expressions


class Stage(StrEnum):
    """What an app shows now (portal.md, "Stages")."""

    OPEN = "OPEN"
    CREATED = "CREATED"
    RUNNING = "RUNNING"
    PAUSE = "PAUSE"
    RESUME = "RESUME"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    ERROR = "ERROR"
    FALLBACK = "FALLBACK"


@dataclass(frozen=True, slots=True)
class BlockSpec:
    """One piece of a page as written; containers hold theirs in `parts`."""

    type: str  # canonical, for instance "apps.blocks.Markdown"
    properties: Mapping[str, object] = field(default_factory=dict)
    parts: tuple[tuple[str, tuple["BlockSpec", ...]], ...] = ()  # (title, blocks) of a Card, of Columns, of Tabs
    show_if: Text | None = None
    visible_to: tuple[str, ...] | None = None  # audiences; None: whoever sees the page
    line: int = 1

    @property
    def name(self) -> str:
        """Return the last part of the type: `Markdown`."""
        return self.type.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class OptionsSpec:
    """Where the choices of a field come from. `values` and `expression` act; the other sources are kept."""

    values: tuple[object, ...] | None = None
    expression: Text | None = None
    source: Mapping[str, object] = field(default_factory=dict)  # as written


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """What an app says about one input of its flow."""

    id: str
    label: str = ""
    help: str = ""
    placeholder: str = ""
    show_if: Text | None = None
    fixed: Text | None = None  # computed at submit; what was posted is ignored
    default: object = None  # an editable start value
    options: OptionsSpec | None = None
    sensitive: bool = False
    reveal_to: tuple[str, ...] = ()
    read_only: bool = False
    extra: Mapping[str, object] = field(default_factory=dict)
    line: int = 1


@dataclass(frozen=True, slots=True)
class StepSpec:
    """One step of a form: a title and the fields in it."""

    title: str
    fields: tuple[str, ...]
    description: str = ""


@dataclass(frozen=True, slots=True)
class FormSpec:
    """What the form shows of the flow's inputs; empty: all of them, in the flow's order."""

    steps: tuple[StepSpec, ...] = ()
    fields: Mapping[str, FieldSpec] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AccessSpec:
    """Who may open the app."""

    public: bool = False
    groups: tuple[str, ...] = ()
    listed: bool = True  # `catalog`


@dataclass(frozen=True, slots=True)
class LimitsSpec:
    """How often one person may use the app."""

    per_user: tuple[int, timedelta] | None = None
    running_per_user: int | None = None
    same_inputs_within: timedelta | None = None


@dataclass(frozen=True, slots=True)
class AppSpec:
    """A whole app as written."""

    id: str
    namespace: str
    flow_id: str
    display_name: str
    flow_revision: int | None = None  # None: the newest when someone submits
    execution_id: str = ""  # the page shows this one execution
    title: Text = ""
    description: str = ""
    icon: str = ""
    thumbnail: str = ""
    owner: str = ""
    category: str = ""
    tags: tuple[str, ...] = ()
    access: AccessSpec = field(default_factory=AccessSpec)
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    disabled: bool = False
    form: FormSpec = field(default_factory=FormSpec)
    visibility: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # inputs, outputs, logs, files
    limits: LimitsSpec = field(default_factory=LimitsSpec)
    layout: Mapping[Stage, tuple[BlockSpec, ...]] = field(default_factory=dict)
    extra: Mapping[str, object] = field(default_factory=dict)  # known properties that this release keeps

    @property
    def sensitive(self) -> tuple[str, ...]:
        """Return the ids of the inputs that are masked."""
        return tuple(field_id for field_id, spec in self.form.fields.items() if spec.sensitive)
