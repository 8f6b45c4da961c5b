"""What the properties of a task type are made of, and the sentences that tell what is wrong in them.

Properties are validated twice by the same model: as written (expressions may stand anywhere) and after rendering.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from orchestrator.core.sentences import Sentence, say

Found = tuple[
    tuple[str | int, ...], Sentence
]  # where (keys and indexes from the task's own properties), and what is wrong

WRITTEN: Mapping[str, bool] = {"written": True}  # validation context of text that is not rendered yet


def is_expression(value: object) -> bool:
    """Tell whether `value` is text that rendering may change."""
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def as_text(value: object) -> str:
    """Turn a natively evaluated value into the text an expression prints: maps and lists as JSON, null as nothing."""
    match value:
        case str():
            return value
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime() | date() | time():
            return value.isoformat()
        case Mapping() | list() | tuple():
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=as_text)
        case _:
            return str(value)


class _MayBeExpression:
    """Lets a property hold an expression until it is rendered; afterwards only the real type is left.

    Text that should be a map or a list is read as JSON, because an expression inside other text prints JSON.
    """

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401
        return core_schema.with_info_wrap_validator_function(self._read, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [handler(schema), {"type": "string", "pattern": r"\{[{%]"}], "x-dynamic": True}

    @staticmethod
    def _read(
        value: object,
        handler: core_schema.ValidatorFunctionWrapHandler,
        info: core_schema.ValidationInfo[Any],
    ) -> object:
        if info.context and info.context.get("written") and is_expression(value):
            return value
        try:
            return handler(value)
        except ValidationError:
            structure = _json_structure(value)
            if structure is None:
                raise
            return handler(structure)


def _json_structure(value: object) -> object:
    if not isinstance(value, str) or value.lstrip()[:1] not in {"[", "{"}:
        return None
    try:
        return json.loads(value)
    except ValueError:
        return None


_T = TypeVar("_T")
Dynamic = Annotated[_T, _MayBeExpression()]
Text = Annotated[str, BeforeValidator(as_text, json_schema_input_type=str)]  # always text, whatever an expression gave
TextOrNone = Annotated[str | None, BeforeValidator(as_text, json_schema_input_type=str)]  # None only when absent


class TaskProperties(BaseModel):
    """Base of every type's own properties: camelCase in the flow's text, nothing unknown."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)


def sentences(error: ValidationError) -> list[Found]:
    """Return where a model refused its data and why, one sentence for each place."""
    by_place: dict[tuple[str | int, ...], Sentence] = {}
    for problem in error.errors(include_url=False):
        place = tuple(part for part in problem["loc"] if not _names_a_branch(part))
        if problem["type"] == "missing":  # said of what should hold it, which has a place in the text
            by_place.setdefault(place[:-1], say("`%(key)s` is missing.", key=place[-1]))
            continue
        sentence = _sentence(problem["type"], problem["msg"], problem.get("ctx") or {}, place)
        before = by_place.get(place)
        by_place[place] = say("%(one)s Or: %(other)s", one=before, other=sentence) if before else sentence
    return list(by_place.items())


def _names_a_branch(part: str | int) -> bool:
    """Tell pydantic's own names of union branches and wrappers from keys that an author wrote."""
    return isinstance(part, str) and ("[" in part or "(" in part or part in _BRANCHES)


_BRANCHES = frozenset({"str", "int", "bool", "float", "list", "dict", "timedelta", "none"})

_KINDS = {
    "string": say("a text"),
    "int": say("a whole number"),
    "float": say("a number"),
    "bool": say("true or false"),
    "list": say("a list"),
    "dict": say("a map"),
    "model": say("a map"),
    "time_delta": say("a duration like PT30S"),
}


def _sentence(kind: str, message: str, facts: Mapping[str, object], place: Sequence[object]) -> Sentence:
    if kind == "extra_forbidden":
        return say("There is no property `%(key)s` here.", key=str(place[-1])[:80])
    if kind in {"literal_error", "enum"}:
        return say("This must be one of %(choices)s.", choices=facts.get("expected", ""))
    if kind == "value_error":
        return say("%(message)s", message=facts.get("error", message))
    for ending in ("_type", "_parsing"):
        if (wanted := _KINDS.get(kind.removesuffix(ending))) and kind.endswith(ending):
            return say("This must be %(kind)s.", kind=wanted)
    return say("%(message)s.", message=message.rstrip("."))
