"""Values for inputs: what each type accepts, how it is kept, and what people are told."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from orchestrator.core.errors import InputInvalid
from orchestrator.core.expressions import evaluate
from orchestrator.core.inputs import Bound, FoundFile, SecretText, Unfit, bind, options_of, raw_from_form, start_value
from orchestrator.core.spec import InputSpec

NOON = datetime(2024, 6, 1, 12, tzinfo=UTC)


def render(text: str, scope: Mapping[str, object]) -> object:
    return evaluate(text, scope)


def bound(*specs: InputSpec, zone: str = "UTC", files: Any = None, **raw: object) -> Bound:
    return bind(specs, raw, at=NOON, zone=zone, render=render, files=files)


def value_of(type_: str, given: object, **attributes: Any) -> object:
    result = bound(InputSpec(id="x", type=type_, **attributes), x=given)
    assert not result.problems, result.problems
    return result.values["x"]


def message_for(type_: str, given: object, **attributes: Any) -> str:
    result = bound(InputSpec(id="x", type=type_, **attributes), x=given)
    [problem] = result.problems
    assert problem.input_id == "x"
    return problem.message


@pytest.mark.parametrize(
    ("type_", "given", "kept"),
    [
        ("STRING", "text", "text"),
        ("STRING", "", ""),
        ("STRING", 12, "12"),
        ("STRING", True, "true"),
        ("INT", "12", 12),
        ("INT", " -3 ", -3),
        ("INT", 12.0, 12),
        ("FLOAT", "0.5", 0.5),
        ("FLOAT", 2, 2.0),
        ("FLOAT", "1e3", 1000.0),
        ("BOOL", "TRUE", True),
        ("BOOL", "on", True),
        ("BOOL", True, True),
        ("BOOL", "yes", False),
        ("BOOL", "1", False),
        ("DATE", "2024-02-29", "2024-02-29"),
        ("TIME", "18:30", "18:30:00"),
        ("TIME", "18:30:15.5", "18:30:15.500000"),
        ("DATETIME", "2013-08-09T14:19:00Z", "2013-08-09T14:19:00Z"),
        ("DATETIME", "2013-08-09T14:19+02:00", "2013-08-09T12:19:00Z"),
        ("DATETIME", "2013-08-09 14:19:00.123456789Z", "2013-08-09T14:19:00.123456Z"),
        ("DURATION", "pt90m", "PT1H30M"),
        ("JSON", '{"a": [1, null]}', {"a": [1, None]}),
        ("JSON", [1, 2], [1, 2]),
        ("JSON", "3", 3),
        ("YAML", "a: [1, no]", {"a": [1, "no"]}),
        ("YAML", "just words", "just words"),
        ("URI", "https://example.com/a?b=c", "https://example.com/a?b=c"),
        ("EMAIL", "alice@example.com", "alice@example.com"),
        ("FILE", "portico:///main/a.csv", "portico:///main/a.csv"),
        ("ARRAY", '["1", "2"]', ["1", "2"]),
        ("ARRAY", ["a"], ["a"]),
    ],
)
def test_a_value_is_read_and_kept_in_one_form(type_: str, given: object, kept: object) -> None:
    value = value_of(type_, given)
    assert value == kept
    assert type(value) is type(kept)


@pytest.mark.parametrize(
    ("type_", "given", "part"),
    [
        ("INT", "12.5", "`12.5` is not a whole number."),
        ("INT", True, "not a whole number"),
        ("INT", 2**63, "not a whole number"),
        ("INT", "9" * 5_000, "not a whole number"),
        ("FLOAT", "NaN", "not a number"),
        ("FLOAT", "1e999", "not a number"),
        ("FLOAT", 10**400, "not a number"),
        ("BOOL", [True], "true or false"),
        ("DATE", "2023-02-29", "not a date"),
        ("DATE", "2024-02-29T00:00", "not a date"),
        ("TIME", "25:00", "not a time"),
        ("TIME", "12:00.5", "not a time"),
        ("DATETIME", "2024-02-29", "not a date and time"),
        ("DATETIME", "0001-01-01T00:00:00+10:00", "not a date and time"),
        ("DURATION", "1 hour", "not a duration"),
        ("JSON", "{broken", "This is not JSON."),
        ("JSON", '"text"', "A text alone"),
        ("JSON", "NaN", "This is not JSON."),
        ("JSON", "[" * 100_000, "This is not JSON."),
        ("JSON", "9" * 5_000, "This is not JSON."),
        ("JSON", {1: 2}, "names in a map"),
        ("YAML", "a: b: c", "Line 1"),
        ("YAML", "[" * 100_000, "deeper"),
        ("YAML", "'1'", "A text alone"),
        ("URI", "http:/bla", "not an address"),
        ("URI", "javascript:alert(1)", "not an address"),
        ("EMAIL", "alice@", "not an e-mail address"),
        ("EMAIL", "a@b@c.de", "not an e-mail address"),
        ("FILE", "/etc/passwd", "not a stored file"),
        ("FILE", "portico:///a/../../b", "not a stored file"),
        ("FILE", 5, "must be a file"),
        ("ARRAY", "a, b", "must be a list"),
        ("STRING", {"a": 1}, "must be a text"),
        ("STRING", "a\0b", "cannot be kept"),
        ("STRING", "\ud800", "cannot be kept"),
    ],
)
def test_what_is_not_of_the_type_is_told_in_a_sentence(type_: str, given: object, part: str) -> None:
    message = message_for(type_, given)
    assert part in message
    assert len(message) < 200
    message.encode()


def test_a_moment_without_offset_is_one_of_the_persons_zone() -> None:
    spec = InputSpec(id="x", type="DATETIME")
    assert bound(spec, zone="Europe/Vienna", x="2024-07-01T10:00").values == {"x": "2024-07-01T08:00:00Z"}
    assert bound(spec, zone="America/New_York", x="2024-07-01T10:00").values == {"x": "2024-07-01T14:00:00Z"}


def test_a_validator_must_match_the_whole_text() -> None:
    assert value_of("STRING", "A12", validator=r"A\d+") == "A12"
    assert "pattern" in message_for("STRING", "xA12", validator=r"A\d+")
    assert "pattern" in message_for("STRING", "A12\n", validator=r"A\d+")


def test_a_pattern_that_would_never_end_elsewhere_ends_here() -> None:
    assert "pattern" in message_for("STRING", "a" * 5_000 + "b", validator=r"(a+)+")


@pytest.mark.parametrize(
    ("type_", "low", "high", "inside", "below", "above"),
    [
        ("INT", 10, 20, ("10", "20"), 9, 21),
        ("FLOAT", 0.1, 0.5, (0.1, 0.5), 0.09, 0.51),
        ("DATE", "2023-01-01", "2023-12-31", ("2023-01-01", "2023-12-31"), "2022-12-31", "2024-01-01"),
        ("TIME", "01:00:00", "11:59:59", ("01:00", "11:59:59"), "00:59", "12:00"),
        (
            "DATETIME",
            "2023-01-01T00:00:00Z",
            "2023-12-31T23:59:59Z",
            ("2023-01-01T00:00:00Z",),
            "2022-12-31T23:59:59Z",
            "2024-01-01T00:00:00Z",
        ),
        ("DURATION", "PT10S", "PT20S", ("PT10S", "PT20S"), "PT9.9S", "PT1M"),
    ],
)
def test_limits_include_their_ends(
    type_: str,
    low: object,
    high: object,
    inside: tuple[object, ...],
    below: object,
    above: object,
) -> None:
    for given in inside:
        value_of(type_, given, minimum=low, maximum=high)
    assert message_for(type_, below, minimum=low, maximum=high)
    assert message_for(type_, above, minimum=low, maximum=high) != message_for(type_, below, minimum=low, maximum=high)


def test_a_required_input_needs_a_value_and_an_optional_one_is_null() -> None:
    result = bound(InputSpec(id="a", type="INT"), InputSpec(id="b", type="INT", required=False))
    assert [(problem.input_id, problem.message) for problem in result.problems] == [("a", "A value is required.")]
    assert result.values == {"a": None, "b": None}
    with pytest.raises(InputInvalid, match=r"a: A value is required\."):
        result.checked()


def test_blank_form_fields_count_as_no_value_except_for_texts() -> None:
    result = bound(InputSpec(id="n", type="INT", required=False), InputSpec(id="t", type="STRING"), n="", t="")
    assert result.checked() == {"n": None, "t": ""}


def test_defaults_are_read_like_values_and_rendered_because_the_author_wrote_them() -> None:
    first = InputSpec(id="first", type="INT", defaults="5")
    second = InputSpec(id="second", type="STRING", defaults="{{ inputs.first + 1 }}", depends_on=("first",))
    assert bound(second, first).checked() == {"second": "6", "first": 5}
    assert bound(second, first, second=None, first=7).checked() == {"second": "8", "first": 7}


def test_a_json_text_that_says_null_is_no_value() -> None:
    spec = InputSpec(id="x", type="JSON", defaults=[1])
    assert bound(spec, x="null").checked() == bound(spec, x=None).checked() == {"x": [1]}


def test_what_a_person_typed_is_never_rendered() -> None:
    assert value_of("STRING", "{{ secret('KEY') }}") == "{{ secret('KEY') }}"
    assert value_of("JSON", {"a": "{{ 1 + 1 }}"}) == {"a": "{{ 1 + 1 }}"}


def test_prefill_is_only_a_start_for_the_form() -> None:
    spec = InputSpec(id="x", type="STRING", required=False, prefill="Vienna", defaults=None)
    assert bound(spec).values == {"x": None}
    assert start_value(spec) == "Vienna"
    assert start_value(InputSpec(id="y", type="INT", defaults="{{ 1 + 1 }}"), render, {"inputs": {}}) == 2


def test_dotted_ids_make_nested_values_and_are_read_both_ways() -> None:
    specs = (InputSpec(id="a.b", type="INT"), InputSpec(id="a.c.d", type="INT"), InputSpec(id="e", type="INT"))
    nested = {"a": {"b": 1, "c": {"d": 2}}, "e": 3}
    assert bind(specs, nested, at=NOON).checked() == nested
    assert bind(specs, {"a.b": "1", "a.c.d": "2", "e": 3, "unknown": 4}, at=NOON).checked() == nested


def test_an_input_inside_of_another_is_a_problem_and_overwrites_nothing() -> None:
    result = bound(InputSpec(id="a", type="JSON"), InputSpec(id="a.b", type="INT"), **{"a": {"x": 1}, "a.b": 2})
    assert result.values == {"a": {"x": 1}}
    assert [problem.input_id for problem in result.problems] == ["a.b"]


def test_an_input_whose_condition_is_not_exactly_true_is_absent() -> None:
    kind = InputSpec(id="kind", type="STRING")
    for condition, there in (("{{ inputs.kind == 'a' }}", True), ("{{ inputs.kind }}", False), ("true", True)):
        extra = InputSpec(id="extra", type="INT", depends_on=("kind",), condition=condition)
        result = bound(extra, kind, kind="a", extra="not validated" if not there else 1)
        assert ("extra" in result.values) is there, condition
        assert result.absent == (set() if there else {"extra"})
        assert not result.problems


def test_what_depends_on_an_absent_input_is_absent() -> None:
    specs = (
        InputSpec(id="c", type="INT", depends_on=("b",)),
        InputSpec(id="b", type="INT", depends_on=("a",), condition="{{ inputs.a }}"),
        InputSpec(id="a", type="BOOL"),
    )
    assert bound(*specs, a="false").absent == {"b", "c"}
    assert bound(*specs, a="true", b=1, c=2).checked() == {"c": 2, "b": 1, "a": True}


def test_a_wrong_input_does_not_make_its_dependants_wrong() -> None:
    specs = (
        InputSpec(id="n", type="INT"),
        InputSpec(id="more", type="INT", depends_on=("n",), condition="{{ inputs.n + 1 > 2 }}"),
    )
    assert [problem.input_id for problem in bound(*specs, n="many").problems] == ["n"]


def test_a_condition_that_cannot_be_evaluated_is_told_to_the_person() -> None:
    broken = InputSpec(id="x", type="INT", condition="{{ nothing.here }}")
    [problem] = bound(broken, x=1).problems
    assert "cannot be evaluated" in problem.message


def test_inputs_that_wait_for_each_other_are_still_bound() -> None:
    specs = (InputSpec(id="a", type="INT", depends_on=("b",)), InputSpec(id="b", type="INT", depends_on=("a",)))
    assert bound(*specs, a=1, b=2).checked() == {"a": 1, "b": 2}


def test_what_has_to_be_fetched_first_is_asked_for_and_not_swallowed() -> None:
    class Needs(Exception):
        pass

    def needing(text: str, scope: Mapping[str, object]) -> object:
        raise Needs(text, scope)

    with pytest.raises(Needs):
        bind([InputSpec(id="x", type="STRING", defaults="{{ kv('a') }}")], {}, at=NOON, render=needing)


def test_a_choice_must_be_one_of_the_values() -> None:
    labelled = ({"label": "First", "value": "1"}, "2")
    assert value_of("SELECT", "1", values=labelled) == "1"
    assert value_of("SELECT", 2, values=labelled) == "2"
    assert "`First` is not one of the values" in message_for("SELECT", "First", values=labelled)
    assert "not one of" in message_for("SELECT", "3", values=labelled, required=False)
    assert value_of("SELECT", "own", values=labelled, allow_custom_value=True) == "own"


def test_several_choices_are_a_list_however_they_come() -> None:
    for given in (["x", "y"], '["x", "y"]'):
        assert value_of("MULTISELECT", given, values=("x", "y", "z")) == ["x", "y"]
    assert value_of("MULTISELECT", "x", values=("x", "y")) == ["x"]
    assert "not one of" in message_for("MULTISELECT", ["x", "no"], values=("x", "y"), required=False)
    assert value_of("MULTISELECT", ["1"], values=("1", "2"), item_type="INT") == [1]


def test_values_to_choose_from_can_be_worked_out() -> None:
    spec = InputSpec(id="x", type="SELECT", expression="{{ inputs.all }}", depends_on=("all",))
    everything = InputSpec(id="all", type="ARRAY", item_type="STRING")
    assert bound(spec, everything, all=["a", "b"], x="b").checked() == {"x": "b", "all": ["a", "b"]}
    assert bound(spec, everything, all=["a", "b"], x="c").problems
    assert [option.value for option in options_of(spec, render, {"inputs": {"all": ["a", 2]}})] == ["a", "2"]
    with pytest.raises(Unfit):
        options_of(spec, render, {"inputs": {"all": "not a list"}})


def test_the_first_value_can_be_chosen_by_itself() -> None:
    assert bound(InputSpec(id="x", type="SELECT", values=("a", "b"), auto_select_first=True)).checked() == {"x": "a"}
    many = InputSpec(id="x", type="MULTISELECT", values=("a", "b"), auto_select_first=True)
    assert bound(many).checked() == {"x": ["a"]}


def test_an_item_of_a_list_that_is_wrong_is_named() -> None:
    assert message_for("ARRAY", ["1", "s1"], item_type="INT") == "Item 2: `s1` is not a whole number."
    assert value_of("ARRAY", '["2024-01-01"]', item_type="DATE") == ["2024-01-01"]


def test_a_secret_hides_itself_and_is_not_repeated_in_messages() -> None:
    value = value_of("SECRET", "hunter2")
    assert isinstance(value, SecretText)
    assert "hunter2" not in repr({"password": value})
    assert "hunter2" not in message_for("SECRET", "hunter2", validator="[a-z]+")


def test_a_file_is_looked_up_and_held_to_its_limits() -> None:
    known = {"upload-1": FoundFile("portico:///main/up/1", name="Data.CSV", size=2_000)}

    def find(value: str) -> FoundFile:
        if value not in known:
            raise ValueError(value)
        return known[value]

    def given(value: str, **attributes: Any) -> Bound:
        return bound(InputSpec(id="f", type="FILE", **attributes), files=find, f=value)

    assert given("upload-1", extensions=(".csv", ".txt"), max_size=2_000).checked() == {"f": "portico:///main/up/1"}
    assert given("upload-1", extensions=(".pdf",)).problems[0].message == "The file's name must end in .pdf."
    assert given("upload-1", max_size=1_999).problems[0].message == "The file is larger than 1.999 KB."
    assert given("portico:///someone/elses").problems[0].message.startswith("This file is not there any more")


def test_a_form_becomes_values() -> None:
    specs = (
        InputSpec(id="name", type="STRING"),
        InputSpec(id="agree", type="BOOL"),
        InputSpec(id="hidden", type="BOOL"),
        InputSpec(id="many", type="MULTISELECT", required=False, values=("a", "b")),
        InputSpec(id="lines", type="ARRAY", item_type="INT"),
        InputSpec(id="json", type="ARRAY", item_type="INT"),
        InputSpec(id="blank", type="STRING", defaults="kept"),
    )
    posted = {"name": ["Alice"], "many": ["a", "b"], "lines": ["1\n 2\n"], "json": ["[3]"], "blank": [" "]}
    shown = {"name", "agree", "many", "lines", "json", "blank"}
    raw = raw_from_form(specs, posted, shown)
    assert raw == {"name": "Alice", "agree": "false", "many": ["a", "b"], "lines": ["1", "2"], "json": "[3]"}
    assert raw_from_form(specs, {"agree": ["on"]}, shown) == {"agree": "on", "many": []}
