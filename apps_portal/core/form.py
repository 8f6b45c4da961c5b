"""The form of an app: which of the flow's inputs a person sees now, how, and what becomes of what they typed.

One way for every door: `fill_in` decides which fields are there and binds what was given; a field that is not there is
never sent, whatever was posted. `form_of` lays the fields out for a page.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from apps_portal.core.app_spec import AppSpec, FieldSpec
from apps_portal.core.outside import Source, names_in
from orchestrator.core.expressions import ExpressionFailed, truthy
from orchestrator.core.expressions.scope import AT, ZONE
from orchestrator.core.graph import humanised
from orchestrator.core.input_types import FindFile, Unfit
from orchestrator.core.inputs import Bound, Option, bind, options_of, start_value
from orchestrator.core.sentences import say
from orchestrator.core.spec import InputProblem, InputSpec

SEVERAL = frozenset({"MULTISELECT", "ARRAY"})


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice of a field, as a page draws it."""

    value: str
    label: str
    help: str = ""
    selected: bool = False


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was chosen before and is kept until the submit."""

    id: str
    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Context:
    """What a form is filled in with besides what was typed: names for expressions, time, zone and files."""

    at: datetime
    zone: str = "UTC"
    scope: Mapping[str, object] = field(default_factory=dict)
    source: Source = field(default_factory=Source)
    files: FindFile | None = None
    said: Callable[[str], str] = str  # puts a sentence of the core into the reader's language

    def render(self, text: str, scope: Mapping[str, object]) -> object:
        """Evaluate what the author wrote; raises ExpressionFailed."""
        return self.source.evaluate(text, {AT: self.at, ZONE: self.zone, **self.scope, **scope})

    def bind(self, specs: Sequence[InputSpec], raw: Mapping[str, object]) -> Bound:
        """Validate what was given, as every door does."""
        return bind(specs, raw, at=self.at, zone=self.zone, render=self.render, files=self.files)


@dataclass(frozen=True, slots=True)
class Filled:
    """A form after what was given was looked at: what it comes to, what is wrong, which fields are not there."""

    values: Mapping[str, object]
    problems: tuple[InputProblem, ...]
    hidden: frozenset[str]
    raw: Mapping[str, object]  # what was given, without hidden fields, with the fixed ones
    inputs: Mapping[str, object]  # for expressions: every input, null while missing, wrong or hidden


@dataclass(frozen=True, slots=True)
class Field:
    """One field as a page draws it: the shape of templates/components/fields/README.md, and what the server knows."""

    name: str  # the input's id
    type: str
    label: str
    help: str = ""
    placeholder: str = ""
    required: bool = True
    hidden: bool = False
    disabled: bool = False  # shown, but not for changing
    sensitive: bool = False
    value: object = None  # a text; a list of texts for several; a bool; an Upload
    options: tuple[Choice, ...] = ()
    errors: tuple[str, ...] = ()
    widget: str = ""  # empty: by type
    item_type: str = ""
    min: str | None = None
    max: str | None = None
    step: str = ""
    accept: str = ""
    max_size: int | None = None
    custom: bool = False
    zone: str = ""
    stirs: bool = False  # others depend on it: the page asks again when it changes

    @property
    def id(self) -> str:
        """Return the id of its control on the page."""
        return f"f-{self.name.replace('.', '-')}"

    @property
    def error(self) -> str:
        """Return what is wrong with it, in one text."""
        return " ".join(self.errors)

    @property
    def message(self) -> str:
        """Return the same, for the summary on top."""
        return self.error


@dataclass(frozen=True, slots=True)
class Section:
    """Fields under a heading: a step of the form."""

    title: str
    description: str
    fields: tuple[Field, ...]

    @property
    def shown(self) -> bool:
        """Say whether any of its fields is there."""
        return any(not one.hidden for one in self.fields)


@dataclass(frozen=True, slots=True)
class Form:
    """A whole form: sections of fields, and what is wrong on the whole."""

    sections: tuple[Section, ...]

    @property
    def fields(self) -> tuple[Field, ...]:
        """Return all fields, in their order."""
        return tuple(one for section in self.sections for one in section.fields)

    @property
    def wrong(self) -> tuple[Field, ...]:
        """Return the fields with something wrong, for the summary on top."""
        return tuple(one for one in self.fields if one.errors)


def fill_in(app: AppSpec, specs: Sequence[InputSpec], raw: Mapping[str, object], context: Context) -> Filled:
    """Decide which fields are there and bind what was given for them.

    Whether a field is there may depend on others, so it is asked again until the answer stays; fields that would go on
    blinking are left out.
    """
    hidden: frozenset[str] = frozenset()
    seen: list[frozenset[str]] = []
    for _ in range(len(specs) + 2):
        filled = _fill(app, specs, raw, hidden, context)
        now = _hidden(app, specs, filled, context)
        if now == hidden:
            return filled
        seen.append(hidden)
        hidden = now if now not in seen else hidden | now
    return _fill(app, specs, raw, hidden, context)


def _fill(
    app: AppSpec,
    specs: Sequence[InputSpec],
    raw: Mapping[str, object],
    hidden: frozenset[str],
    context: Context,
) -> Filled:
    ids = {spec.id for spec in specs}
    given = {field_id: one for field_id, one in app.form.fields.items() if _is_given(one) and field_id in ids}
    kept = {key: value for key, value in raw.items() if key in ids and key not in hidden and key not in given}
    wrong: list[InputProblem] = []
    if given:
        inputs = with_nulls(specs, context.bind(specs, kept).values)
        for field_id, one in given.items():
            if field_id in hidden:
                continue
            try:
                value = _given_value(one, inputs, context)
            except ExpressionFailed as error:
                wrong.append(InputProblem(field_id, error.message))
            else:
                if value is not None:
                    kept[field_id] = value
    bound = context.bind(specs, kept)
    absent = frozenset(bound.absent) | hidden
    chosen = _outside_of_options(app, specs, context, bound)
    listed = [problem for problem in bound.problems if problem.input_id not in {one.input_id for one in wrong}]
    return Filled(
        values=bound.values,
        problems=(*wrong, *listed, *chosen),
        hidden=absent,
        raw={key: value for key, value in kept.items() if key not in absent},
        inputs=with_nulls(specs, bound.values),
    )


def _given_value(one: FieldSpec, inputs: Mapping[str, object], context: Context) -> object:
    written = one.fixed if one.fixed is not None else one.default
    return context.render(written, {"inputs": inputs}) if isinstance(written, str) else written


def _hidden(app: AppSpec, specs: Sequence[InputSpec], filled: Filled, context: Context) -> frozenset[str]:
    return frozenset(
        spec.id
        for spec in specs
        if (one := app.form.fields.get(spec.id)) is not None
        and one.show_if is not None
        and not _holds(one.show_if, filled.inputs, context)
    )


def _holds(text: str, inputs: Mapping[str, object], context: Context) -> bool:
    """A condition that cannot be answered yet, because what it asks about is missing, does not hold."""
    try:
        return truthy(context.render(text, {"inputs": inputs}))
    except ExpressionFailed:
        return False


def _outside_of_options(
    app: AppSpec,
    specs: Sequence[InputSpec],
    context: Context,
    bound: Bound,
) -> Iterator[InputProblem]:
    """An app may narrow the choices of an input; what it does not offer cannot be sent."""
    known = {problem.input_id for problem in bound.problems}
    inputs = with_nulls(specs, bound.values)
    for spec in specs:
        one = app.form.fields.get(spec.id)
        if one is None or one.options is None or spec.id in known or spec.id in bound.absent:
            continue
        offered = choices(one, spec, inputs, context)
        given = value_at(bound.values, spec.id)
        if offered is None or given is None:
            continue
        allowed = {option.value for option in offered}
        for value in given if isinstance(given, (list, tuple)) else (given,):
            if str(to_text(value, "")) not in allowed:
                message = say("`%(value)s` is not one of the choices.", value=str(value)[:80])
                yield InputProblem(spec.id, message)


def choices(
    one: FieldSpec | None,
    spec: InputSpec,
    inputs: Mapping[str, object],
    context: Context,
) -> list[Option] | None:
    """Return the choices of a field: the app's, else the input's; None where any value will do.

    Choices that cannot be listed now, because they depend on what is not filled in yet, are none.
    """
    if one is not None and one.options is not None:
        if one.options.values is None and one.options.expression is None:
            return None
        spec = replace(spec, values=one.options.values, expression=one.options.expression)
    if spec.values is None and spec.expression is None:
        return None
    try:
        return options_of(spec, context.render, {"inputs": inputs})
    except (Unfit, ExpressionFailed):
        return []


def with_nulls(specs: Sequence[InputSpec], values: Mapping[str, object]) -> dict[str, object]:
    """Return the inputs as expressions see them: nested, every one of them there, null while it has no value."""
    whole: dict[str, object] = {}
    for spec in specs:
        _put(whole, spec.id.split("."), value_at(values, spec.id))
    return whole


def _put(whole: dict[str, object], path: Sequence[str], value: object) -> None:
    for name in path[:-1]:
        inner = whole.setdefault(name, {})
        if not isinstance(inner, dict):
            return
        whole = inner
    whole[path[-1]] = value


def value_at(values: Mapping[str, object], input_id: str) -> object:
    """Return the value of an input, whose id may have dots, from nested values; None when it is not there."""
    found: object = values
    for name in input_id.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(name)
    return found


def start_values(
    app: AppSpec,
    specs: Sequence[InputSpec],
    context: Context,
    given: Mapping[str, object],
) -> dict[str, object]:
    """Return what a fresh form begins with: what is given (by an earlier run), else the app's, else the flow's."""
    start: dict[str, object] = dict(given)
    for spec in specs:
        one = app.form.fields.get(spec.id)
        if spec.id in start or (one is not None and _is_given(one)):
            continue
        begun = spec if one is None or one.default is None else replace(spec, prefill=one.default)
        scope = {"inputs": with_nulls(specs, nested(specs, start))}
        value = start_value(begun, context.render, scope)
        if value is not None:
            start[spec.id] = value
    return start


def nested(specs: Sequence[InputSpec], raw: Mapping[str, object]) -> dict[str, object]:
    """Return raw values by id as nested ones."""
    whole: dict[str, object] = {}
    for spec in specs:
        if spec.id in raw:
            _put(whole, spec.id.split("."), raw[spec.id])
    return whole


def form_of(
    app: AppSpec,
    specs: Sequence[InputSpec],
    filled: Filled,
    context: Context,
    *,
    show_problems: bool,
    uploads: Mapping[str, Upload] | None = None,
) -> Form:
    """Lay the fields out: in the app's steps, those in no step in the last one; without steps in the flow's order."""
    by_id = {
        one.name: one
        for one in (
            _field(app, spec, filled, context, show_problems=show_problems, upload=(uploads or {}).get(spec.id))
            for spec in specs
        )
    }
    stirring = frozenset(_stirring(app, specs))
    by_id = {field_id: replace(one, stirs=field_id.partition(".")[0] in stirring) for field_id, one in by_id.items()}
    if not app.form.steps:
        return Form((Section("", "", tuple(by_id.values())),))
    placed = {field_id for step in app.form.steps for field_id in step.fields}
    rest = tuple(one for field_id, one in by_id.items() if field_id not in placed)
    sections = [
        Section(step.title, step.description, tuple(by_id[name] for name in step.fields if name in by_id))
        for step in app.form.steps
    ]
    last = sections[-1]
    sections[-1] = replace(last, fields=(*last.fields, *rest))
    return Form(tuple(sections))


def with_errors(form: Form, problems: Sequence[InputProblem]) -> Form:
    """Return the form with these problems shown in its fields."""

    def marked(one: Field) -> Field:
        return replace(one, errors=tuple(wrong.message for wrong in problems if wrong.input_id == one.name))

    return Form(tuple(replace(part, fields=tuple(marked(one) for one in part.fields)) for part in form.sections))


def _stirring(app: AppSpec, specs: Sequence[InputSpec]) -> Iterator[str]:
    """Yield the first words of the inputs that something else on the page looks at."""
    for spec in specs:
        yield from (one.partition(".")[0] for one in spec.depends_on)
        one = app.form.fields.get(spec.id)
        texts: list[object] = [spec.condition, spec.expression]
        if one is not None:
            texts += [one.show_if, one.fixed, one.options.expression if one.options else None]
        for name in names_in(texts):
            if len(name) > 1 and name[0] == "inputs":
                yield name[1]


def _field(
    app: AppSpec,
    spec: InputSpec,
    filled: Filled,
    context: Context,
    *,
    show_problems: bool,
    upload: Upload | None,
) -> Field:
    said = app.form.fields.get(spec.id) or FieldSpec(spec.id)
    raw = filled.raw.get(spec.id)
    offered = choices(said, spec, filled.inputs, context)
    errors = [context.said(problem.message) for problem in filled.problems if problem.input_id == spec.id]
    return Field(
        name=spec.id,
        type=spec.type,
        label=said.label or spec.display_name or humanised(spec.id.rpartition(".")[2]),
        help=said.help or spec.description,
        placeholder=said.placeholder,
        required=spec.required and spec.defaults is None and spec.type != "BOOL",
        hidden=spec.id in filled.hidden,
        disabled=_is_given(said),
        sensitive=said.sensitive or spec.type == "SECRET",
        value=upload if spec.type == "FILE" else shown_value(raw, spec.type, context.zone),
        options=_options(offered, to_text(raw, spec.type), spec) if offered is not None else (),
        errors=tuple(errors) if show_problems else (),
        widget=_widget(spec, offered),
        item_type="number" if spec.item_type in {"INT", "FLOAT"} else "text",
        min=_bound_text(spec.minimum),
        max=_bound_text(spec.maximum),
        step="1" if spec.type == "INT" else "",
        accept=",".join(spec.extensions),
        max_size=spec.max_size,
        custom=spec.allow_custom_value,
        zone=context.zone if spec.type == "DATETIME" else "",
    )


def _widget(spec: InputSpec, offered: Sequence[Option] | None) -> str:
    """Return the widget where the type alone does not say it."""
    if spec.type == "SELECT":
        return "radio" if spec.radio else "text" if spec.allow_custom_value else ""
    if spec.type == "STRING" and offered is not None:
        return "select"
    if spec.type == "ARRAY" and spec.item_type == "JSON":
        return "code"
    return ""


def _is_given(said: FieldSpec) -> bool:
    """Say whether the app gives the value, so that what is posted does not count."""
    return said.fixed is not None or said.read_only


def _options(offered: Sequence[Option], value: object, spec: InputSpec) -> tuple[Choice, ...]:
    chosen = {str(one) for one in value} if isinstance(value, (list, tuple)) else {str(value)} if value else set()
    if not chosen and spec.auto_select_first and spec.type == "SELECT" and offered:
        chosen = {offered[0].value}
    made = [Choice(option.value, option.label, option.help, option.value in chosen) for option in offered]
    if spec.allow_custom_value:
        made += [Choice(one, one, selected=True) for one in sorted(chosen - {option.value for option in made})]
    return tuple(made)


def _bound_text(value: object) -> str | None:
    return None if value is None else str(to_text(value, ""))


def shown_value(value: object, kind: str, zone: str) -> object:
    """Return a value as its control wants it: moments in the person's zone, switches as true or false."""
    if kind == "SECRET":
        return ""
    if kind == "BOOL":
        return value is True or str(value).lower() == "true"
    if kind == "DATETIME" and value:
        try:
            at = datetime.fromisoformat(str(value))
        except ValueError:
            return str(value)
        local = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None) if at.tzinfo else at
        return local.isoformat(timespec="seconds").removesuffix(":00")
    return to_text(value, kind)


def to_text(value: object, kind: str) -> object:
    """Return a value as a form holds it: a text, or a list of texts for several choices."""
    if value is None:
        return [] if kind in SEVERAL else ""
    if kind in SEVERAL and isinstance(value, (list, tuple)):
        return [one if isinstance(one, str) else json.dumps(one, ensure_ascii=False, default=str) for one in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (Mapping, list, tuple)):
        return json.dumps(value, ensure_ascii=False, indent=2, default=str)
    isoformat = getattr(value, "isoformat", None)
    return isoformat() if callable(isoformat) else str(value)
