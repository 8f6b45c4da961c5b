"""Read an app's layout: stages and their blocks."""

from collections.abc import Callable, Iterator, Mapping

from apps_portal.core import blocks
from apps_portal.core.app_spec import BlockSpec, Stage
from apps_portal.core.blocks import BlockType, Kind, Property
from apps_portal.core.reading import audiences, check_expressions, condition, template
from orchestrator.core.durations import write_duration
from orchestrator.core.sentences import say
from orchestrator.core.similar import did_you_mean
from orchestrator.core.spec import Path
from orchestrator.core.yaml_fields import Fields, Reading

Part = tuple[str, tuple[BlockSpec, ...]]  # a title and the blocks below it
_RESULT_TYPES = (
    *("STRING", "ENUM", "SELECT", "INT", "FLOAT", "BOOLEAN", "BOOL", "DATETIME", "DATE", "TIME", "DURATION", "FILE"),
    *("JSON", "URI", "SECRET", "ARRAY", "MULTISELECT", "YAML", "EMAIL"),
)


def read_layout(app: Fields) -> Mapping[Stage, tuple[BlockSpec, ...]]:
    """Return the blocks of each stage that the app writes."""
    stages: dict[Stage, tuple[BlockSpec, ...]] = {}
    for number, written in enumerate(app.items("layout")):
        entry = app.reading.fields(written, (*app.at("layout"), number), say("An entry of `layout`"))
        entry.refuse_unknown(("on", "blocks"))
        stage = _stage(entry)
        shown = _blocks(app.reading, entry.items("blocks"), entry.at("blocks"))
        if stage in stages:
            entry.problem("on", say("`%(stage)s` has two entries; there can be one.", stage=stage))
        elif stage is not None:
            stages[stage] = shown
    return stages


def _stage(entry: Fields) -> Stage | None:
    written = entry.needed("on")
    if not written:
        return None
    try:
        return Stage(written.upper())
    except ValueError:
        mend = did_you_mean(written, tuple(Stage)) or say("Stages are %(stages)s.", stages=", ".join(Stage))
        entry.problem("on", say("There is no stage `%(stage)s`.", stage=written[:80]), mend=mend)
        return None


def _blocks(reading: Reading, written: object, path: Path) -> tuple[BlockSpec, ...]:
    found = (
        _block(reading, one, (*path, number)) for number, one in enumerate(reading.items(written, path, "`blocks`"))
    )
    return tuple(block for block in found if block is not None)


def _block(reading: Reading, written: object, path: Path) -> BlockSpec | None:
    fields = reading.fields(written, path, say("A block"))
    if not isinstance(written, dict):
        return None
    type_written = fields.needed("type")
    if not type_written:
        return None
    name = blocks.canonical(type_written)
    known = blocks.BLOCKS.get(name)
    if known is None:
        mend = did_you_mean(name, blocks.BLOCKS)
        fields.problem("type", say("There is no block `%(type)s`.", type=type_written[:80]), mend=mend)
        return None
    fields.refuse_unknown((*blocks.COMMON, *known.properties))
    if not known.acts:
        message = say("The block %(name)s is kept, but this release does not show it yet.", name=known.name)
        fields.problem("type", message, warning=True)
    properties, parts = _properties(fields, known)
    return BlockSpec(
        type=name,
        properties=properties,
        parts=parts,
        show_if=condition(fields),
        visible_to=audiences(fields, "visibleTo") if "visibleTo" in fields.values else None,
        line=reading.line(path),
    )


def _properties(fields: Fields, known: BlockType) -> tuple[dict[str, object], tuple[Part, ...]]:
    properties: dict[str, object] = {}
    parts: list[Part] = []
    for key, prop in known.properties.items():
        if fields.values.get(key) is None:
            if prop.required:
                message = say("The block %(name)s needs `%(key)s`.", name=known.name, key=key)
                fields.reading.problem(fields.path, message)
            elif prop.default is not None:
                properties[key] = prop.default
        elif prop.kind is Kind.BLOCKS:
            parts.append(("", _blocks(fields.reading, fields.items(key), fields.at(key))))
        elif prop.kind is Kind.PARTS:
            parts.extend(_parts(fields, key))
        else:
            properties[key] = _READERS[prop.kind](fields, key, prop)
    return properties, tuple(parts)


def _parts(fields: Fields, key: str) -> Iterator[Part]:
    for number, written in enumerate(fields.items(key)):
        path = (*fields.at(key), number)
        if isinstance(written, list):
            yield "", _blocks(fields.reading, written, path)
        else:
            part = fields.reading.fields(written, path, say("A part"))
            part.refuse_unknown(("title", "blocks"))
            yield template(part, "title"), _blocks(fields.reading, part.items("blocks"), part.at("blocks"))


def _value(fields: Fields, key: str, _prop: Property) -> object:
    check_expressions(fields.reading, fields.values[key], fields.at(key))
    return fields.values[key]


def _choice(fields: Fields, key: str, prop: Property) -> object:
    written = (fields.text(key) or "").lower()
    found = [choice for choice in prop.choices if choice.lower() == written]
    return found[0] if found else fields.choice(key, prop.choices) or prop.default


def _pause(fields: Fields, key: str, prop: Property) -> object:
    found = fields.duration(key)
    return prop.default if found is None else write_duration(found)


def _filter(fields: Fields, key: str, _prop: Property) -> object:
    chosen = fields.reading.fields(fields.map(key), fields.at(key), "`filter`")
    chosen.refuse_unknown(("include", "exclude", "logLevel", "taskIds"))
    return {
        "include": chosen.texts("include"),
        "exclude": chosen.texts("exclude"),
        "logLevel": chosen.choice("logLevel", blocks.LEVELS) or "",
        "taskIds": chosen.texts("taskIds"),
    }


def _results(fields: Fields, key: str, _prop: Property) -> object:
    results = []
    for number, written in enumerate(fields.items(key)):
        result = fields.reading.fields(written, (*fields.at(key), number), say("A result"))
        result.refuse_unknown(("displayName", "value", "type", "description"))
        name, kind = result.needed("displayName"), result.needed("type").upper()
        if kind and kind not in _RESULT_TYPES:
            mend = did_you_mean(kind, _RESULT_TYPES)
            result.problem("type", say("There is no type `%(type)s`.", type=kind[:80]), mend=mend)
        if result.values.get("value") is None:
            fields.reading.problem(result.path, say("`%(key)s` is missing.", key="value"))
        check_expressions(fields.reading, result.values.get("value"), result.at("value"))
        description = result.text("description") or ""
        results.append({"name": name, "value": result.values.get("value"), "type": kind, "description": description})
    return tuple(results)


_READERS: Mapping[Kind, Callable[[Fields, str, Property], object]] = {
    Kind.TEXT: lambda fields, key, _prop: template(fields, key),
    Kind.PLAIN: lambda fields, key, _prop: fields.text(key) or "",
    Kind.NUMBER: lambda fields, key, prop: fields.whole(key, least=1) or prop.default,
    Kind.BOOL: lambda fields, key, prop: fields.flag(key, default=bool(prop.default)),
    Kind.NAMES: lambda fields, key, _prop: fields.texts(key),
    Kind.VALUE: _value,
    Kind.CHOICE: _choice,
    Kind.DURATION: _pause,
    Kind.FILTER: _filter,
    Kind.RESULTS: _results,
}
