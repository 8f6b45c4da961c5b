"""What PostgreSQL refuses in JSON is taken out, and nothing else is changed."""

import json

from hypothesis import given
from hypothesis import strategies as some

from orchestrator.json_text import clean, dump, too_deep

TEXTS = some.text(alphabet=some.sampled_from("\\u0a\x00\ud800\udfff😀 \"'{"), max_size=20)
VALUES = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | TEXTS,
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


def is_storable(text: str) -> bool:
    text.encode()
    return "\x00" not in text


@given(VALUES)
def test_any_value_becomes_json_that_can_be_stored(value: object) -> None:
    text = dump(value)
    assert is_storable(text)
    assert is_storable(json.dumps(json.loads(text), ensure_ascii=False).replace("\\\\", "").replace("\\u0000", "\x00"))


@given(some.text(alphabet=some.characters(exclude_characters="\x00", exclude_categories=["Cs"])))
def test_whole_texts_stay_as_they_are(text: str) -> None:
    assert clean(text) == text
    assert json.loads(dump([text, {text: text}])) == [text, {text: text}]


def test_a_written_escape_is_no_nul_character() -> None:
    assert json.loads(dump(r"a\u0000b")) == r"a\u0000b"
    assert json.loads(dump("a\x00b")) == "ab"


def test_levels_are_counted() -> None:
    value: object = 1
    for _ in range(100):
        value = [value]
    assert not too_deep(value)
    assert too_deep({"a": value})
    assert not too_deep({"a": "text", "b": [1, {"c": ()}]})
