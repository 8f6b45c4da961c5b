"""What is wrong with an app beside its flow: unknown fields, inputs it hides but must not, misspelt names."""

from collections.abc import Iterable, Iterator, Mapping

from apps_portal.core.app_spec import AppSpec, BlockSpec, FieldSpec
from apps_portal.core.outside import names_in
from orchestrator.core.sentences import say
from orchestrator.core.similar import did_you_mean
from orchestrator.core.spec import FlowSpec, InputSpec, Path, Places, Problem


def problems(app: AppSpec, flow: FlowSpec, places: Places) -> list[Problem]:
    """Return what is wrong with `app` as a page of `flow`, in the order of the text."""
    found = [*_fields(app, flow, places), *_steps(app, flow, places), *_names(app, flow, places)]
    return sorted(found, key=lambda problem: (problem.line, problem.column))


def no_flow(app: AppSpec, others: Iterable[str], places: Places) -> Problem:
    """Return the problem of an app whose flow does not exist; `others` are the flows of its namespace."""
    message = say("There is no flow `%(flow)s` in %(place)s.", flow=app.flow_id, place=app.namespace)
    return _at(places, ("flowId",), message, did_you_mean(app.flow_id, others))


def _at(
    places: Places, path: Path, message: str, mend: str = "", *, key: bool = False, warning: bool = False
) -> Problem:
    line, column = places.key_position(path) if key else places.position(path)
    return Problem(message, line, column, path, mend, warning)


def _fields(app: AppSpec, flow: FlowSpec, places: Places) -> Iterator[Problem]:
    inputs = {spec.id: spec for spec in flow.inputs}
    for field_id, field in app.form.fields.items():
        path: Path = ("form", "fields", field_id)
        spec = inputs.get(field_id)
        if spec is None:
            message = say("The flow has no input `%(id)s`.", id=field_id[:80])
            yield _at(places, path, message, did_you_mean(field_id, inputs), key=True)
            continue
        if field.show_if is not None and field.fixed is None and _must_be_given(spec):
            message = say("The flow needs `%(id)s`, so it cannot be hidden.", id=field_id)
            mend = say("Give the input a default in the flow, make it not required, or use its `dependsOn`.")
            yield _at(places, (*path, "showIf"), message, mend)
        yield from _narrowed(field, spec, path, places)


def _must_be_given(spec: InputSpec) -> bool:
    return spec.required and spec.defaults is None and spec.condition is None and not spec.depends_on


def _narrowed(field: FieldSpec, spec: InputSpec, path: Path, places: Places) -> Iterator[Problem]:
    """An app may offer fewer choices than the input accepts, never more."""
    if field.options is None:
        return
    where = (*path, "options")
    if spec.type not in {"SELECT", "MULTISELECT", "STRING", "INT", "FLOAT", "ARRAY", "EMAIL", "URI"}:
        message = say("A field of type %(type)s has no options.", type=spec.type)
        yield _at(places, where, message)
    elif field.options.values is not None and spec.values is not None and not spec.allow_custom_value:
        accepted = {value_of(option) for option in spec.values}
        for value in field.options.values:
            if value_of(value) not in accepted:
                message = say("The input `%(id)s` does not accept `%(value)s`.", id=spec.id, value=value_of(value)[:80])
                yield _at(places, where, message, did_you_mean(value_of(value), accepted))


def value_of(option: object) -> str:
    """Return the value of an option written as a text or as {label, value}."""
    if isinstance(option, Mapping):
        option = option.get("value", option.get("id", option.get("label")))
    if isinstance(option, bool):
        return "true" if option else "false"
    return "" if option is None else str(option)


def _steps(app: AppSpec, flow: FlowSpec, places: Places) -> Iterator[Problem]:
    inputs = {spec.id for spec in flow.inputs}
    for number, step in enumerate(app.form.steps):
        for at, field_id in enumerate(step.fields):
            if field_id not in inputs:
                path: Path = ("form", "steps", number, "fields", at)
                message = say("The flow has no input `%(id)s`.", id=field_id[:80])
                yield _at(places, path, message, did_you_mean(field_id, inputs))


def _names(app: AppSpec, flow: FlowSpec, places: Places) -> Iterator[Problem]:
    """Names of inputs that do not exist; only warnings, because an expression may ask whether they do."""
    known = {spec.id.partition(".")[0] for spec in flow.inputs}
    for path, value in _texts(app):
        for name in names_in(value):
            if len(name) > 1 and name[0] == "inputs" and name[1] not in known:
                message = say("The flow has no input `%(id)s`.", id=name[1][:80])
                yield _at(places, path, message, did_you_mean(name[1], known), warning=True)


def _texts(app: AppSpec) -> Iterator[tuple[Path, object]]:
    yield ("title",), app.title
    for field_id, field in app.form.fields.items():
        for key, value in (("showIf", field.show_if), ("fixed", field.fixed), ("default", field.default)):
            yield ("form", "fields", field_id, key), value
    for number, blocks in enumerate(app.layout.values()):
        for at, block in enumerate(blocks):
            yield from ((("layout", number, "blocks", at), value) for value in _texts_of(block))


def _texts_of(block: BlockSpec) -> Iterator[object]:
    yield block.show_if
    yield from block.properties.values()
    for title, inner in block.parts:
        yield title
        for one in inner:
            yield from _texts_of(one)
