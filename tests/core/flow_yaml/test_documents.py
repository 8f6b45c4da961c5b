"""Reading YAML: what is refused, what values mean, and where they stand."""

import time

import pytest

from orchestrator.core.documents import MAX_ALIASES, MAX_DEPTH, Document, load, load_all
from orchestrator.core.errors import DocumentInvalid


def refused(source: str | bytes) -> list[tuple[int, int, str]]:
    with pytest.raises(DocumentInvalid) as caught:
        load(source)
    return [(problem.line, problem.column, problem.message) for problem in caught.value.problems]


@pytest.mark.parametrize("bracket", ["[", "{a: ", "- ", "? "])
def test_fifty_thousand_nested_brackets_are_a_problem_and_no_crash(bracket: str) -> None:
    begun = time.monotonic()
    assert refused(bracket * 50_000)
    assert time.monotonic() - begun < 2


def test_as_many_levels_as_the_limit_are_read() -> None:
    assert load("[" * MAX_DEPTH + "]" * MAX_DEPTH).value is not None
    assert "deeper" in refused("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))[0][2]


def test_a_bomb_of_aliases_is_refused_before_it_grows() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    for above, name in zip("abcdefgh", "bcdefghi", strict=True):
        bomb += f"{name}: &{name} [{', '.join([f'*{above}'] * 9)}]\n"
    line, _, message = refused(bomb)[0]
    assert line == 5
    assert "aliases" in message


def test_a_bomb_of_merges_is_refused_too() -> None:
    wide = "base: &base {" + ", ".join(f"k{number}: 1" for number in range(2_000)) + "}\n"
    many = "".join(f"m{number}: {{<<: [*base, *base, *base]}}\n" for number in range(60))
    assert "aliases" in refused(wide + many)[0][2]


def test_more_aliases_than_the_limit_are_refused() -> None:
    assert load("a: &a 1\nb: [" + "*a, " * MAX_ALIASES + "]").value["a"] == 1
    assert refused("a: &a 1\nb: [" + "*a, " * (MAX_ALIASES + 1) + "]")


def test_a_source_of_more_than_a_megabyte_is_refused_unread() -> None:
    assert refused("a" * 1_000_001) == [(1, 1, "This is longer than 1000000 characters.")]


def test_values_mean_what_yaml_1_2_says() -> None:
    source = "[1, -2, 2.5, 1e3, true, False, null, ~, 0x1F, 0o17, '1', on, no, Yes, 012, 1:30, 2024-01-01, 1_000, .5]"
    assert load(source).value == [
        *(1, -2, 2.5, 1000.0, True, False, None, None, 31, 15, "1"),
        *("on", "no", "Yes", "012", "1:30", "2024-01-01", "1_000", 0.5),
    ]


def test_numbers_that_json_cannot_hold_stay_texts() -> None:
    assert load("[1e400, .nan, .inf, -.inf]").value == ["1e400", ".nan", ".inf", "-.inf"]
    assert load("9" * 5_000).value == "9" * 5_000


def test_names_are_the_text_that_was_written() -> None:
    assert load("on: 1\n1: a\ntrue: b\n1.10: c\n").value == {"on": 1, "1": "a", "true": "b", "1.10": "c"}


def test_a_name_that_stands_twice_is_refused_with_both_lines() -> None:
    assert refused("a:\n  x: 1\n  y: 2\n  x: 3\nb: 1\n'b': 2\n") == [
        (4, 3, "`x` stands here twice; first in line 2."),
        (6, 1, "`b` stands here twice; first in line 5."),
    ]


def test_merges_give_way_to_what_is_written_and_the_first_wins() -> None:
    source = "one: &one {a: 1, b: 1}\ntwo: &two {a: 2, c: 2}\nall:\n  <<: [*one, *two]\n  b: own\n"
    assert load(source).value["all"] == {"b": "own", "a": 1, "c": 2}
    assert refused("a:\n  <<: text\n")[0][:2] == (2, 7)


def test_an_expression_without_quotes_gets_a_hint() -> None:
    for value in ("{{ inputs.x }}", "{{ inputs.x }} and more", "{{ inputs.x | upper }}", "{{ a['b'] }}"):
        with pytest.raises(DocumentInvalid) as caught:
            load(f"task:\n  message: {value}\n")
        [problem] = caught.value.problems
        assert problem.line == 2
        assert "quotes" in problem.mend, value


def test_what_is_not_yaml_is_told_at_its_place() -> None:
    assert refused("a: b: c")[0][:2] == (1, 5)
    assert refused("a:\n\t- b")[0][:2] == (2, 1)
    assert refused("a: 1\nb: \x01")[0][:2] == (2, 4)
    assert refused(b"\xff\xfea")[0][2] == "This is not UTF-8 text."
    assert refused("\ud800")[0][2] == "This is not UTF-8 text."
    assert refused('a: "\\0"')[0][2] == "A text cannot hold the character U+0000."


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system", "!!binary", "!!timestamp", "!own", "!!set"])
def test_tags_that_make_objects_are_refused(tag: str) -> None:
    assert "is not understood" in refused(f"a: {tag} x")[0][2]


def test_tags_of_plain_kinds_are_understood() -> None:
    assert load("[!!str 1, !!int '2', ! 3, !!float '1.5', !!null '']").value == ["1", 2, "3", 1.5, None]


def test_aliases_stand_for_their_value_and_never_for_themselves() -> None:
    assert load("a: &a {x: 1}\nb: *a\n").value == {"a": {"x": 1}, "b": {"x": 1}}
    assert "inside of itself" in refused("a: &a [*a]")[0][2]
    assert "no `&nothing`" in refused("a: *nothing")[0][2]


def test_several_documents_are_read_only_when_asked_for() -> None:
    assert [document.value for document in load_all("a: 1\n---\nb: 2\n")] == [{"a": 1}, {"b": 2}]
    assert load_all("a: 1\n---\nb: 2\n")[1].position(("b",)) == (3, 4)
    assert refused("a: 1\n---\nb: 2\n")[0][0] == 3
    assert load("").value is None
    assert load("# only a comment\n").value is None


@pytest.fixture
def document() -> Document:
    return load(
        "id: a\n"
        "tasks:\n"
        "  - id: one\n"
        "    message: |\n"
        "      first\n"
        "      second {{ x }}\n"
        "  - {id: two, message: 'quoted {{ y }}'}\n"
        "  - message: >\n"
        "      folded\n"
        "      into {{ z }} one\n"
        "version: 1.10\n",
    )


def test_every_value_and_every_name_knows_its_place(document: Document) -> None:
    assert document.position(("tasks", 1)) == (7, 5)
    assert document.position(("tasks", 1, "message")) == (7, 24)
    assert document.key_position(("tasks", 1, "message")) == (7, 15)
    assert document.position(()) == (1, 1)


def test_what_is_not_there_has_the_place_of_what_is_above_it(document: Document) -> None:
    assert document.position(("tasks", 0, "type", "x")) == document.position(("tasks", 0)) == (3, 5)
    assert document.position(("tasks", 9)) == document.position(("tasks",)) == (3, 3)


def test_a_place_inside_of_a_text_is_found_in_every_style(document: Document) -> None:
    assert document.place_in_text(("tasks", 0, "message"), 2, 8) == (6, 14)
    assert document.place_in_text(("tasks", 1, "message"), 1, 8) == (7, 32)
    assert document.place_in_text(("tasks", 2, "message"), 1, 13) == (10, 12)
    assert document.place_in_text(("id",), 1, 1) == (1, 5)
    assert document.place_in_text(("tasks",), 1, 1) == (3, 3)


def test_a_value_can_be_had_as_it_was_written(document: Document) -> None:
    assert document.value["version"] == 1.1
    assert document.written(("version",)) == "1.10"
    assert document.written(("tasks",)) is None
    assert document.written(("nothing",)) is None
