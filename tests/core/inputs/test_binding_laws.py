"""Laws of binding: whatever is given, an answer; what was accepted once is accepted again and stays the same."""

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.inputs import Bound, bind
from orchestrator.core.spec import INPUT_TYPES, InputSpec

NOON = datetime(2024, 6, 1, 12, tzinfo=UTC)
ITEMS = [type_ for type_ in INPUT_TYPES if type_ not in {"ARRAY", "SELECT", "MULTISELECT"}]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)
TEXTS = st.one_of(
    st.text(max_size=30),
    st.integers().map(str),
    st.floats().map(str),
    st.booleans().map(str),
    st.dates().map(str),
    st.times().map(str),
    st.datetimes(timezones=st.sampled_from([None, UTC, ZoneInfo("Europe/Vienna")])).map(
        lambda moment: moment.isoformat()
    ),
    JSON.map(json.dumps),
    st.from_regex(r"P(\d{1,3}D)?(T(\d{1,3}H)?(\d{1,3}M)?(\d{1,3}(\.\d{1,6})?S)?)?", fullmatch=True),
    st.emails(),
    st.sampled_from(["a", "b", "on", "https://example.com/x", "portico:///a/b.csv", "~", "'x'", "- a", "a: 1", "\0"]),
)


@st.composite
def spec(draw: st.DrawFn, input_id: str = "x") -> InputSpec:
    type_ = draw(st.sampled_from(INPUT_TYPES))
    return InputSpec(
        id=input_id,
        type=type_,
        required=draw(st.booleans()),
        item_type=draw(st.sampled_from(ITEMS)) if type_ == "ARRAY" else None,
        values=("a", "b", {"label": "C", "value": "1"}) if type_ in {"SELECT", "MULTISELECT"} else None,
        allow_custom_value=draw(st.booleans()),
        defaults=draw(st.none() | TEXTS.filter(lambda text: "{" not in text)),
    )


def bound(specs: list[InputSpec], raw: dict[str, Any], zone: str = "Europe/Vienna") -> Bound:
    return bind(specs, raw, at=NOON, zone=zone)


@given(spec(), TEXTS | JSON)
def test_what_was_accepted_is_accepted_again_and_stays_the_same(one: InputSpec, value: object) -> None:
    first = bound([one], {"x": value})
    if first.problems:
        assert all(problem.message.encode() for problem in first.problems)
        return
    again = bound([one], first.values, zone="Asia/Tokyo")
    assert not again.problems
    assert again.values == first.values


@given(spec(), TEXTS | JSON)
def test_what_was_accepted_can_be_kept_as_json(one: InputSpec, value: object) -> None:
    first = bound([one], {"x": value})
    if not first.problems:
        kept = json.loads(json.dumps(first.values, allow_nan=False))
        assert "\\u0000" not in json.dumps(kept)
        assert bound([one], kept).values == first.values


@settings(max_examples=max(20, settings.default.max_examples // 3))
@given(
    st.lists(st.sampled_from(["a", "b", "c.d", "c.e", "c.f.g"]), unique=True).flatmap(
        lambda ids: st.tuples(*(spec(input_id) for input_id in ids)),
    ),
    st.dictionaries(st.sampled_from(["a", "b", "c", "c.d", "c.e", "z"]), TEXTS | JSON),
)
def test_every_input_is_bound_absent_or_wrong(specs: tuple[InputSpec, ...], raw: dict[str, Any]) -> None:
    result = bound(list(specs), raw)
    wrong = {problem.input_id for problem in result.problems}
    for one in specs:
        value: Any = result.values
        for part in one.id.split("."):
            value = value[part]
        assert value is not None or not one.required or one.id in wrong
    assert not result.absent
