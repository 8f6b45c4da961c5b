"""How the inputs of a flow, of a pause's form and of an approval's form are read."""

import re
from collections.abc import Sequence

import re2

from orchestrator.core.sentences import say
from orchestrator.core.similar import did_you_mean
from orchestrator.core.spec import INPUT_TYPES, InputSpec, Path
from orchestrator.core.yaml_fields import Fields, Reading

_OLD_TYPES = {"ENUM": "SELECT", "BOOLEAN": "BOOL"}
_ID = re.compile(r"[a-zA-Z0-9][.a-zA-Z0-9_-]*", re.ASCII)
_COMMON = (
    *("id", "name", "type", "description", "displayName", "required", "defaults", "prefill", "dependsOn"),
    *("condition", "hidden", "group"),
)
_OWN: dict[str, tuple[str, ...]] = {
    "STRING": ("validator",),
    "SECRET": ("validator",),
    "INT": ("min", "max"),
    "FLOAT": ("min", "max"),
    "DURATION": ("min", "max"),
    "DATE": ("after", "before"),
    "TIME": ("after", "before"),
    "DATETIME": ("after", "before"),
    "SELECT": ("values", "options", "expression", "allowCustomValue", "isRadio", "autoSelectFirst"),
    "MULTISELECT": ("values", "options", "expression", "allowCustomValue", "itemType", "autoSelectFirst"),
    "FILE": ("extension", "allowedFileExtensions", "accept", "maxSize"),
    "ARRAY": ("itemType",),
}
_SIZE = re.compile(r"(\d{1,12})(?:\.(\d{1,3}))? ?([KMG]?)i?B?", re.IGNORECASE | re.ASCII)
_NOT_RE2 = re.compile(r"\(\?<?[=!]|\\[1-9]")
_UNITS = {"": 1, "K": 1000, "M": 1000**2, "G": 1000**3}


def read_inputs(reading: Reading, value: object, path: Path, what: str) -> tuple[InputSpec, ...]:
    """Return the list of inputs at `path`; what cannot be read is a problem and left out."""
    found = (
        _read_input(reading.fields(one, (*path, number), say("An input")))
        for number, one in enumerate(reading.items(value, path, what))
    )
    return tuple(spec for spec in found if spec is not None)


def read_type(fields: Fields, key: str = "type") -> str | None:
    """Return the input type that a property names, in its present spelling; None with a problem otherwise."""
    written = fields.text(key)
    if not written:
        return None
    name = written.upper()
    name = _OLD_TYPES.get(name, name)
    if name in INPUT_TYPES:
        return name
    message = say("There is no input type `%(type)s`.", type=written[:80])
    fields.problem(key, message, mend=did_you_mean(written, (*INPUT_TYPES, *_OLD_TYPES)))
    return None


def _read_input(fields: Fields) -> InputSpec | None:
    if not fields.values:
        return None
    input_id = _id_of(fields)
    if not fields.values.get("type"):
        fields.needed("type")
    kind = read_type(fields)
    if kind is None:
        return None
    fields.refuse_unknown((*_COMMON, *_OWN.get(kind, ())))
    depends_on, condition = _dependency(fields)
    display_name = fields.text("displayName") or ""
    if len(display_name) > 64:
        fields.problem("displayName", say("`displayName` must be at most %(limit)s characters.", limit=64))
    bounds = ("after", "before") if kind in {"DATE", "TIME", "DATETIME"} else ("min", "max")
    return InputSpec(
        id=input_id,
        type=kind,
        required=fields.flag("required", default=True),
        defaults=fields.values.get("defaults"),
        prefill=fields.values.get("prefill"),
        display_name=display_name,
        description=fields.text("description") or "",
        depends_on=depends_on,
        condition=condition,
        validator=_validator(fields),
        minimum=_bound(fields, bounds[0], kind),
        maximum=_bound(fields, bounds[1], kind),
        values=_values(fields, kind),
        expression=fields.text("expression"),
        allow_custom_value=fields.flag("allowCustomValue"),
        radio=fields.flag("isRadio"),
        auto_select_first=fields.flag("autoSelectFirst"),
        item_type=_item_type(fields, kind),
        extensions=_extensions(fields),
        max_size=_max_size(fields),
        line=fields.reading.line(fields.path),
        path=fields.path,
    )


def _id_of(fields: Fields) -> str:
    key = "name" if "id" not in fields.values and "name" in fields.values else "id"
    input_id = fields.needed(key)
    if input_id and not _ID.fullmatch(input_id):
        message = say("An input's id has letters, digits, `.`, `_` and `-` only and begins with a letter or a digit.")
        fields.problem(key, message)
    elif len(input_id) > 256:
        fields.problem(key, say("`%(key)s` must be at most %(limit)s characters.", key=key, limit=256))
    elif ".." in input_id or input_id.endswith("."):
        fields.problem(key, say("A name is missing beside a dot of this id."))
    return input_id


def _dependency(fields: Fields) -> tuple[tuple[str, ...], str | None]:
    if fields.values.get("dependsOn") is None:
        return (), None
    depends = fields.reading.fields(fields.values["dependsOn"], fields.at("dependsOn"), "`dependsOn`")
    depends.refuse_unknown(("inputs", "condition"))
    return depends.texts("inputs"), depends.text("condition")


def _validator(fields: Fields) -> str | None:
    pattern = fields.text("validator")
    if pattern is not None:
        try:
            compiled(pattern)
        except re2.error as error:
            message = say("This is not a regular expression: %(why)s.", why=_words(error))
            mend = say("RE2 knows no look-around and no back-references.") if _NOT_RE2.search(pattern) else ""
            fields.problem("validator", message, mend=mend)
            return None
    return pattern


def compiled(pattern: str) -> re2._Regexp:
    """Return the compiled pattern (RE2: its time grows with the text only); raise `re2.error`."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    return re2.compile(pattern, options)


def _words(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)


def _bound(fields: Fields, key: str, kind: str) -> object:
    if key not in _OWN.get(kind, ()):
        return None
    return fields.values.get(key)


def _values(fields: Fields, kind: str) -> tuple[object, ...] | None:
    if kind not in {"SELECT", "MULTISELECT"}:
        return None
    key = "options" if "options" in fields.values and "values" not in fields.values else "values"
    if fields.values.get(key) is None:
        if not fields.values.get("expression"):
            fields.reading.problem(fields.path, say("`values` or `expression` is missing."))
        return None
    if fields.values.get("expression") is not None:
        fields.problem("expression", say("Give either `values` or `expression`, not both."))
    items = fields.items(key)
    if not items and isinstance(fields.values[key], list):
        fields.problem(key, say("`%(key)s` must not be empty.", key=key))
    return tuple(_option(fields, key, number, item) for number, item in enumerate(items))


def _option(fields: Fields, key: str, number: int, item: object) -> object:
    path = (*fields.at(key), number)
    if not isinstance(item, dict):
        return fields.reading.text(item, path, say("A value")) or ""
    option = fields.reading.fields(item, path, say("A value"))
    option.refuse_unknown(("label", "value", "help"))
    value = option.needed("value")
    found = {"label": option.text("label") or value, "value": value}
    return {**found, "help": option.text("help")} if option.values.get("help") is not None else found


def _item_type(fields: Fields, kind: str) -> str | None:
    if kind not in {"ARRAY", "MULTISELECT"}:
        return None
    if fields.values.get("itemType") is None:
        if kind == "ARRAY":
            fields.needed("itemType")
        return "STRING"
    item_type = read_type(fields, "itemType")
    if item_type in {"ARRAY", "MULTISELECT", "SELECT"}:
        fields.problem("itemType", say("`itemType` cannot be `%(type)s`.", type=item_type))
        return None
    return item_type


def _extensions(fields: Fields) -> tuple[str, ...]:
    found: Sequence[str] = fields.texts("allowedFileExtensions") or fields.texts("accept")
    if not found:
        alone = fields.text("extension")
        found = (alone,) if alone and alone != ".upl" else ()
    return tuple(f".{extension.lstrip('.').lower()}" for extension in found)


def _max_size(fields: Fields) -> int | None:
    written = fields.text("maxSize")
    if written is None:
        return None
    found = _SIZE.fullmatch(written.strip())
    if found is None:
        fields.problem("maxSize", say("`maxSize` must be a size like 500 KB or 20 MB."))
        return None
    return int(float(f"{found[1]}.{found[2] or 0}") * _UNITS[found[3].upper()])
