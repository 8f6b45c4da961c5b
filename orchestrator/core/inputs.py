"""Values for inputs: one validator for forms, API, command line, schedules and resumes.

What a person gave is data: it is checked and kept, never rendered. Only what the author wrote (defaults, conditions,
expressions for values) is rendered, by the `render` that the caller gives.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from orchestrator.core.errors import InputInvalid
from orchestrator.core.expressions import AT, ZONE
from orchestrator.core.input_types import READERS, FindFile, FoundFile, SecretText, Setting, Unfit, kept, shown
from orchestrator.core.input_yaml import compiled
from orchestrator.core.sentences import say
from orchestrator.core.spec import InputProblem, InputSpec

__all__ = [
    "Bound",
    "FoundFile",
    "InputProblem",
    "Option",
    "Render",
    "SecretText",
    "Unfit",
    "bind",
    "check_default",
    "check_limits",
    "options_of",
    "raw_from_form",
    "start_value",
]

# (text, scope) -> native value when the text is one single expression, else the rendered text; raises ValueError.
# `scope` has `inputs`, nested as far as they are known, with the moment and the zone for functions.
Render = Callable[[str, Mapping[str, object]], object]

_MISSING = object()
_BLANK_IS_A_VALUE = frozenset({"STRING", "SECRET"})


@dataclass(frozen=True, slots=True)
class Option:
    """One of the values to choose from."""

    value: str
    label: str
    help: str = ""


@dataclass(slots=True)
class Bound:
    """Inputs after validation."""

    values: dict[str, Any] = field(default_factory=dict)  # nested; optional inputs without value are None
    problems: list[InputProblem] = field(default_factory=list)
    absent: set[str] = field(default_factory=set)  # ids of inputs that do not apply: not in `values`

    def checked(self) -> dict[str, Any]:
        """Return the values; raise `InputInvalid` when there are problems."""
        if self.problems:
            raise InputInvalid(self.problems)
        return self.values


def bind(
    specs: Sequence[InputSpec],
    raw: Mapping[str, object],
    *,
    at: datetime,
    zone: str | tzinfo = UTC,
    render: Render | None = None,
    files: FindFile | None = None,
) -> Bound:
    """Validate `raw` (nested or with dotted ids, texts of a form or JSON values) against `specs`.

    Unknown names in `raw` are ignored. Binding the result's own values gives the same values. `render` may raise
    anything but ValueError to be called again later (for instance `Needs`); without it, expressions stay texts.
    """
    zone = ZoneInfo(zone) if isinstance(zone, str) else zone
    binding = _Binding(specs, raw, at, Setting(zone, files), render or _unrendered)
    binding.run()
    return binding.bound


def options_of(
    spec: InputSpec, render: Render | None = None, scope: Mapping[str, object] | None = None
) -> list[Option]:
    """Return what may be chosen for a SELECT or MULTISELECT; raise `Unfit` when its expression gives no list."""
    items: object = spec.values
    if items is None and spec.expression is not None:
        try:
            items = (render or _unrendered)(spec.expression, scope or {"inputs": {}})
            items = json.loads(items) if isinstance(items, str) else items
        except (ValueError, RecursionError) as error:
            raise Unfit(say("The values to choose from cannot be listed: %(why)s", why=shown(str(error)))) from None
    if isinstance(items, Mapping):
        items = [{"value": key, "label": label} for key, label in items.items()]
    if items is None or isinstance(items, str) or not isinstance(items, Sequence):
        raise Unfit(say("The values to choose from are not a list."))
    return [_option(item) for item in items if item is not None]


def start_value(spec: InputSpec, render: Render | None = None, scope: Mapping[str, object] | None = None) -> object:
    """Return what a form shows before anyone typed: `prefill`, else `defaults`, rendered; None for nothing."""
    written = spec.prefill if spec.prefill is not None else spec.defaults
    try:
        return _rendered(written, render or _unrendered, scope or {"inputs": {}})
    except ValueError:
        return None


def raw_from_form(
    specs: Sequence[InputSpec],
    posted: Mapping[str, Sequence[str]],
    shown_ids: Collection[str],
) -> dict[str, object]:
    """Return what `bind` takes for what a form posted: every field's texts by input id.

    Blank fields are left out, so that defaults apply; a box that was shown and not ticked is false.
    """
    raw: dict[str, object] = {}
    for spec in specs:
        texts = [text for text in posted.get(spec.id, ()) if text.strip()]
        if spec.type == "BOOL" and spec.id in shown_ids:
            raw[spec.id] = texts[-1] if texts else "false"
        elif spec.type == "MULTISELECT" and spec.id in shown_ids and (texts or not spec.required):
            raw[spec.id] = texts
        elif spec.type == "ARRAY" and texts and not texts[0].lstrip().startswith("["):
            raw[spec.id] = [line.strip() for text in texts for line in text.splitlines() if line.strip()]
        elif texts:
            raw[spec.id] = texts[-1]
    return raw


def check_default(spec: InputSpec, value: object) -> None:
    """Raise `Unfit` when a default as written cannot be a value of its input; expressions are left alone."""
    if _holds_expression(value):
        return
    if spec.type == "FILE":
        if not isinstance(value, str) or "://" not in value:
            raise Unfit(say("The default of a FILE is the address of a file, like nsfile:///template.csv."))
        return
    dynamic = spec.type in {"SELECT", "MULTISELECT"} and spec.values is None
    _Binding([spec], {}, datetime.min.replace(tzinfo=UTC), Setting(UTC), _unrendered).read(
        replace(spec, allow_custom_value=True) if dynamic else spec,
        value,
    )


class _Binding:
    """One run of `bind`."""

    def __init__(
        self,
        specs: Sequence[InputSpec],
        raw: Mapping[str, object],
        at: datetime,
        setting: Setting,
        render: Render,
    ) -> None:
        self.specs = specs
        self.raw = raw
        self.at = at
        self.setting = setting
        self.render = render
        self.bound = Bound()
        self.found: dict[str, object] = {}  # by id
        self.wrong: set[str] = set()

    @property
    def scope(self) -> Mapping[str, object]:
        return {"inputs": self.nested(), AT: self.at, ZONE: str(self.setting.zone)}

    def run(self) -> None:
        for spec in _in_order(self.specs):
            self.one(spec)
        self.bound.values = self.nested(report=True)

    def one(self, spec: InputSpec) -> None:
        try:
            if not self.applies(spec):
                self.bound.absent.add(spec.id)
                return
            self.found[spec.id] = self.value(spec)
        except Unfit as unfit:
            self.problem(spec, unfit.sentence)
        except ValueError as error:  # what the author wrote could not be rendered
            self.problem(spec, say("This input cannot be evaluated: %(why)s", why=error.args[0] if error.args else ""))

    def problem(self, spec: InputSpec, message: str) -> None:
        self.wrong.add(spec.id)
        self.found[spec.id] = None
        self.bound.problems.append(InputProblem(spec.id, message))

    def applies(self, spec: InputSpec) -> bool:
        if any(one in self.bound.absent for one in spec.depends_on):
            return False
        if spec.condition is None:
            return True
        try:
            held = self.render(spec.condition, self.scope)
        except ValueError:
            if any(one in self.wrong for one in spec.depends_on):
                return False  # its dependency's own problem says enough
            raise
        return held is True or held == "true"

    def value(self, spec: InputSpec) -> object:
        given = _given(self.raw, spec.id)
        blank = given is _MISSING or (given == "" and spec.type not in _BLANK_IS_A_VALUE)
        read = None if blank or given is None else self.read(spec, given)
        if read is None:  # nothing, or a JSON text that says nothing
            default = self.default(spec)
            read = None if default is None else self.read(spec, default)
        if read is None and spec.required:
            raise Unfit(say("A value is required."))
        return read

    def default(self, spec: InputSpec) -> object:
        if spec.defaults is not None:
            return _rendered(spec.defaults, self.render, self.scope)
        if spec.auto_select_first and spec.type in {"SELECT", "MULTISELECT"}:
            options = options_of(spec, self.render, self.scope)
            if options:
                return options[0].value if spec.type == "SELECT" else [options[0].value]
        return None

    def read(self, spec: InputSpec, given: object) -> object:
        match spec.type:
            case "SELECT":
                value = READERS["STRING"](given, self.setting)
                self.check_choice(spec, [value])
                return value
            case "MULTISELECT":
                values = self.read_list(spec, given)
                self.check_choice(spec, values)
                return values
            case "ARRAY":
                return self.read_list(spec, given)
        value = READERS[spec.type](given, self.setting)
        if value is not None:
            check_limits(spec, value, self.setting)
        return kept(value)

    def read_list(self, spec: InputSpec, given: object) -> list[object]:
        items = _as_list(given, lenient=spec.type == "MULTISELECT")
        kind = spec.item_type or "STRING"
        found: list[object] = []
        for number, item in enumerate(items, start=1):
            try:
                found.append(kept(READERS[kind](item, self.setting)))
            except Unfit as unfit:
                raise Unfit(say("Item %(number)s: %(message)s", number=number, message=unfit.sentence)) from None
        return found

    def check_choice(self, spec: InputSpec, values: Sequence[object]) -> None:
        if spec.allow_custom_value:
            return
        allowed = {option.value for option in options_of(spec, self.render, self.scope)}
        for value in values:
            if _choice_text(value) not in allowed:
                raise Unfit(say("`%(value)s` is not one of the values to choose from.", value=shown(value)))

    def nested(self, *, report: bool = False) -> dict[str, Any]:
        """Return the values with dotted ids nested, in the author's order."""
        values: dict[str, Any] = {}
        for spec in self.specs:
            if spec.id not in self.found:
                continue
            *above, last = spec.id.split(".")
            if any(".".join(above[:depth]) in self.found for depth in range(1, len(above) + 1)):
                if report:
                    message = say("`%(id)s` stands inside of another input.", id=spec.id)
                    self.bound.problems.append(InputProblem(spec.id, message))
                continue
            inner = values
            for part in above:
                inner = inner.setdefault(part, {})
            inner[last] = self.found[spec.id]
        return values


def check_limits(spec: InputSpec, value: object, setting: Setting) -> None:
    """Raise `Unfit` when a value that was read breaks the input's own limits."""
    if spec.validator is not None and isinstance(value, str) and not compiled(spec.validator).fullmatch(value):
        raise Unfit(say("This must match the pattern `%(pattern)s`.", pattern=spec.validator))
    moments = spec.type in {"DATE", "TIME", "DATETIME"}
    for bound, below in ((spec.minimum, True), (spec.maximum, False)):
        if bound is None:
            continue
        limit: Any = READERS[spec.type](bound, setting)
        if (value < limit) if below else (value > limit):
            raise Unfit(_limit_sentence(kept(limit), below=below, moments=moments))
    if isinstance(value, FoundFile):
        _check_file(spec, value)


def _check_file(spec: InputSpec, file: FoundFile) -> None:
    name = (file.name or file.uri).lower()
    if spec.extensions and not name.endswith(spec.extensions):
        raise Unfit(say("The file's name must end in %(endings)s.", endings=", ".join(spec.extensions)))
    if spec.max_size is not None and file.size is not None and file.size > spec.max_size:
        raise Unfit(say("The file is larger than %(size)s.", size=_size(spec.max_size)))


def _size(number: int) -> str:
    for unit, factor in (("GB", 1000**3), ("MB", 1000**2), ("KB", 1000)):
        if number >= factor:
            return f"{number / factor:g} {unit}"
    return f"{number} B"


def _limit_sentence(limit: object, *, below: bool, moments: bool) -> str:
    if moments:
        earliest = say("This must not be before %(limit)s.", limit=limit)
        return earliest if below else say("This must not be after %(limit)s.", limit=limit)
    return (
        say("This must be at least %(limit)s.", limit=limit)
        if below
        else say("This must be at most %(limit)s.", limit=limit)
    )


def _in_order(specs: Sequence[InputSpec]) -> Iterator[InputSpec]:
    """Yield each input after those that it depends on; in a circle, as written."""
    by_id = {spec.id: spec for spec in specs}
    done: set[str] = set()
    for first in specs:
        stack = [first]
        while stack:
            spec = stack[-1]
            waits = [one for one in spec.depends_on if one in by_id and one not in done]
            waits = [one for one in waits if all(one != open_.id for open_ in stack)]
            if waits and spec.id not in done:
                stack.append(by_id[waits[0]])
                continue
            stack.pop()
            if spec.id not in done:
                done.add(spec.id)
                yield spec


def _given(raw: Mapping[str, object], input_id: str) -> object:
    if input_id in raw:
        return raw[input_id]
    inner: object = raw
    for part in input_id.split("."):
        if not isinstance(inner, Mapping) or part not in inner:
            return _MISSING
        inner = inner[part]
    return inner


def _as_list(given: object, *, lenient: bool) -> Sequence[object]:
    if isinstance(given, (list, tuple)):
        return given
    if isinstance(given, str):
        if lenient and not given.lstrip().startswith("["):
            return [given]
        try:
            found = json.loads(given)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, list):
            return found
    raise Unfit(say("This must be a list."))


def _option(item: object) -> Option:
    if isinstance(item, Mapping):
        value = _choice_text(item.get("value", ""))
        return Option(value, str(item.get("label") or value), str(item.get("help") or ""))
    return Option(_choice_text(item), _choice_text(item))


def _choice_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _rendered(value: object, render: Render, scope: Mapping[str, object]) -> object:
    """Render what the author wrote; texts without expressions stay as they are."""
    if isinstance(value, str):
        return render(value, scope) if "{{" in value or "{%" in value else value
    if isinstance(value, dict):
        return {key: _rendered(item, render, scope) for key, item in value.items()}
    if isinstance(value, list):
        return [_rendered(item, render, scope) for item in value]
    return value


def _holds_expression(value: object) -> bool:
    if isinstance(value, str):
        return "{{" in value or "{%" in value
    if isinstance(value, dict):
        return any(_holds_expression(item) for item in value.values())
    return isinstance(value, list) and any(_holds_expression(item) for item in value)


def _unrendered(text: str, _scope: Mapping[str, object]) -> object:
    return text
