"""Read what an app says about its form: steps and fields."""

from collections.abc import Iterator

from apps_portal.core.app_spec import FieldSpec, FormSpec, OptionsSpec, StepSpec
from apps_portal.core.reading import audiences, check_expressions, condition, template
from orchestrator.core.sentences import say
from orchestrator.core.yaml_fields import Fields

_FIELD = (
    *("label", "help", "placeholder", "showIf", "fixed", "default", "options", "sensitive", "readOnly", "message"),
)
_SOURCES = ("values", "expression", "sql", "http", "flow", "kv")
_ACTING_SOURCES = frozenset({"values", "expression"})
_OPTIONS = (
    *_SOURCES,
    *(
        "url",
        "parameters",
        "headers",
        "method",
        "body",
        "path",
        "username",
        "password",
        "namespace",
        "inputs",
        "output",
    ),
    *("value", "label", "help", "search", "cache", "staleFor"),
)


def read_form(app: Fields) -> FormSpec:
    """Return the app's `form`; an empty one when it says nothing."""
    form = app.reading.fields(app.map("form"), app.at("form"), "`form`")
    form.refuse_unknown(("steps", "fields"))
    fields = form.map("fields")
    path = form.at("fields")
    return FormSpec(
        steps=tuple(_steps(form)),
        fields={
            field_id: _field(app.reading.fields(written or {}, (*path, field_id), say("A field")), field_id)
            for field_id, written in fields.items()
        },
    )


def _steps(form: Fields) -> Iterator[StepSpec]:
    seen: set[str] = set()
    for number, written in enumerate(form.items("steps")):
        step = form.reading.fields(written, (*form.at("steps"), number), say("A step"))
        step.refuse_unknown(("title", "fields", "description"))
        ids = step.texts("fields")
        for at, field_id in enumerate(ids):
            if field_id in seen:
                message = say("`%(id)s` stands in two steps.", id=field_id[:80])
                step.reading.problem((*step.at("fields"), at), message)
            seen.add(field_id)
        yield StepSpec(step.text("title") or "", ids, step.text("description") or "")


def _field(field: Fields, field_id: str) -> FieldSpec:
    field.refuse_unknown(_FIELD)
    check_expressions(field.reading, field.values.get("default"), field.at("default"))
    if "fixed" in field.values and "default" in field.values:
        field.problem("default", say("A fixed field has no start value: take `fixed` or `default`."))
    sensitive, reveal_to = _sensitive(field)
    return FieldSpec(
        id=field_id,
        label=field.text("label") or "",
        help=field.text("help") or "",
        placeholder=field.text("placeholder") or "",
        show_if=condition(field),
        fixed=template(field, "fixed") if "fixed" in field.values else None,
        default=field.values.get("default"),
        options=_options(field),
        sensitive=sensitive,
        reveal_to=reveal_to,
        read_only=field.flag("readOnly"),
        extra={key: field.values[key] for key in ("message",) if key in field.values},
        line=field.reading.line(field.path),
    )


def _sensitive(field: Fields) -> tuple[bool, tuple[str, ...]]:
    value = field.values.get("sensitive")
    if not isinstance(value, dict):
        return field.flag("sensitive"), ()
    sensitive = field.reading.fields(value, field.at("sensitive"), "`sensitive`")
    sensitive.refuse_unknown(("revealTo",))
    return True, audiences(sensitive, "revealTo")


def _options(field: Fields) -> OptionsSpec | None:
    value = field.values.get("options")
    if value is None:
        return None
    if isinstance(value, list):
        return OptionsSpec(values=tuple(value), source={"values": value})
    options = field.reading.fields(value, field.at("options"), say("`options`"))
    options.refuse_unknown(_OPTIONS)
    sources = [source for source in _SOURCES if source in options.values]
    if len(sources) != 1:
        message = say("`options` needs one source: values, expression, sql, http, flow or kv.")
        field.problem("options", message)
        return None
    source = sources[0]
    if "{{" in str(options.values.get("sql")):
        message = say("Expressions inside `sql` would let a person change the query.")
        options.problem("sql", message, mend=say("Use `:name` in it and give the value under `parameters`."))
    if source not in _ACTING_SOURCES:
        message = say("The source `%(source)s` is kept, but this release does not read it yet.", source=source)
        options.reading.problem(options.at(source), message, at_key=True, warning=True)
    return OptionsSpec(
        values=tuple(options.items("values")) if source == "values" else None,
        expression=template(options, "expression") if source == "expression" else None,
        source=options.values,
    )
