"""What holds for any data."""

import json

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.expressions import ExpressionFailed, Needs, evaluate, problems_in, render, render_tree
from orchestrator.core.expressions.ion import read, write

TEXTS = st.text(max_size=60)
PLAIN = TEXTS.filter(lambda text: "{" not in text)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
PIECES = [
    *"{}%#|~()[]'\"?:.,=-+*/<>! \n",
    *(
        "{{",
        "}}",
        "{%",
        "%}",
        "if ",
        "for ",
        "in ",
        "endif",
        "endfor",
        "else",
        "is ",
        "not ",
        "a",
        "x",
        "1",
        "2.5",
        "'t'",
    ),
    *("upper", "default", "kv", "set ", "macro ", "endmacro", "and ", "..", "??", "raw", "block "),
]
SOUP = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


@given(PLAIN)
def test_a_text_without_braces_renders_to_itself(text):
    assert render(text, {}) == text
    assert evaluate(text, {}) == text


@given(DATA)
def test_data_goes_through_a_single_expression_unchanged(data):
    assert evaluate("{{ x }}", {"x": data}) == data


@given(DATA)
def test_data_is_printed_as_json_that_reads_back(data):
    printed = render("{{ x | toJson }}", {"x": data})
    assert json.loads(printed) == data
    assert evaluate("{{ fromJson(x) }}", {"x": printed}) == data


@given(TEXTS)
def test_a_value_is_never_rendered_twice(text):
    for template in (
        "{{ x }}",
        "{{ x ~ '' }}",
        "{{ y ?? x }}",
        "{% for z in [x] %}{{ z }}{% endfor %}",
        "{{ {'k': x}.k }}",
    ):
        assert render(template, {"x": text}) == text
    assert render_tree(["{{ x }}"], {"x": text}) == [text]


def outcome(template, scope):
    """Return the text that `template` renders to, or the error that ended it."""
    try:
        return render(template, scope)
    except (ExpressionFailed, Needs) as ended:
        return ended


@given(SOUP)
def test_whatever_is_written_gives_a_text_or_a_plain_error(soup):
    ended = outcome(soup, {"a": {"x": [1, "t"]}, "x": 2})
    if isinstance(ended, ExpressionFailed):
        assert ended.message
        assert 1 <= ended.line <= soup.count("\n") + 1
        assert ended.column >= 1
    elif isinstance(ended, Needs):
        assert ended.call.name == "kv"
    else:
        assert isinstance(ended, str)


@given(SOUP)
def test_what_the_check_accepts_can_be_loaded(soup):
    if not problems_in(soup):
        assert "nested" not in str(outcome(soup, {}))


@given(DATA)
def test_ion_reads_what_it_wrote(data):
    assert read(write(data)) == [data]


@given(TEXTS, TEXTS)
def test_encodings_go_there_and_back(text, other):
    text = text.encode("utf-8", "ignore").decode()
    scope = {"x": text, "y": other}
    assert render("{{ x | base64encode | base64decode }}", scope) == text
    assert render("{{ x | urlencode | urldecode }}", scope) == text
    assert evaluate("{{ [x, y, x] | distinct }}", scope) == list(dict.fromkeys([text, other]))
    assert evaluate("{{ ([x, y] | sort) == ([y, x] | rsort | reverse) }}", scope) is True
