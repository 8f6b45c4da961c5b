"""What can be written between `{{` and `}}`: operators, precedences, tags, and what they give."""

# ruff: noqa: E501 - a case is one line, so that template and result are seen together

import pytest

from orchestrator.core.expressions import (
    Call,
    ExpressionFailed,
    Needs,
    compile_template,
    evaluate,
    problems_in,
    render,
    render_tree,
    truthy,
)

SCOPE = {
    "inputs": {"name": "Ada", "n": 3, "none": None, "flag": True, "list": ["a", "b"], "price": 1.5},
    "outputs": {
        "a-b": {"x": [1, {"y": "deep"}]},
        "check": {"value": 1},
        "each": {"s 1": {"value": "one"}},
    },
    "taskrun": {"value": "s 1"},
    "vars": {"first": "{{ vars.second }}", "second": "{{ inputs.name }}", "third": "x"},
    "parents": [{"taskrun": {"value": "inner"}}, {"taskrun": {"value": "outer"}}],
    "wanted": "name",
}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("Hello {{ inputs.name }}!", "Hello Ada!"),
        ("{{inputs['name']}}", "Ada"),
        ("{{ inputs[wanted] }}", "Ada"),
        ("{{ outputs['a-b'].x[1].y }}", "deep"),
        ("{{ outputs.each[taskrun.value].value }}", "one"),
        ("{{ parents[1].taskrun.value }}", "outer"),
        # printing
        ("{{ inputs.none }}", ""),
        ("{{ true }} {{ false }} {{ 1 }} {{ 1.5 }}", "true false 1 1.5"),
        ("{{ inputs.list }}", '["a","b"]'),
        ("{{ outputs.check }}", '{"value":1}'),
        ("{{ {'ä': null} }}", '{"ä":null}'),
        # missing values
        ("{{ inputs.none ?? 'x' }}", "x"),
        ("{{ nothing.at.all ?? 'x' }}", "x"),
        ("{{ outputs.x.y.z ?? outputs['a-b'].x[0] }}", "1"),
        ("{{ a ?? b ?? 'c' }}", "c"),
        ("{{ inputs.none ??? 'x' }}", ""),
        ("{{ inputs.nope ??? 'x' }}", "x"),
        ("{{ inputs.nope | default('x') }}", "x"),
        ("{{ '' | default('x') }}", "x"),
        ("{{ inputs.nope is defined }}", "false"),
        ("{{ inputs.name is defined }}", "true"),
        ("{{ inputs.nope is not defined ? 'a' : 'b' }}", "a"),
        ("{{ outputs[missing].child is defined ? null : inputs.name }}", "Ada"),
        # precedence, as in the field
        ("{{ 'a' ~ 'b' | upper }}", "AB"),
        ("{{ inputs.nope ?? 'a' | upper }}", "A"),
        ("{{ inputs.nope ?? 'a' == 'a' }}", "true"),
        ("{{ inputs.name ?? 'x' | lower }}", "ada"),
        ("{{ inputs.name ?? 'x' ~ '!' }}", "Ada!"),
        ("{{ 1 + 2 * 3 }}", "7"),
        ("{{ (1 + 2) * 3 }}", "9"),
        ("{{ -5 | abs }}", "5"),
        ("{{ not inputs.flag == false }}", "true"),
        ("{{ not inputs.flag or true }}", "true"),
        ("{{ 1 + 1 == 2 and 'b' ~ 'c' == 'bc' }}", "true"),
        ("{{ inputs.n > 2 ? inputs.n < 5 ? 'mid' : 'big' : 'small' }}", "mid"),
        # operators
        ("{{ 7 / 2 }} {{ -7 / 2 }} {{ 7.0 / 2 }}", "3 -3 3.5"),
        ("{{ 7 % 3 }} {{ -7 % 3 }}", "1 -1"),
        ("{{ 'a' + 1 }}", "a1"),
        ("{{ [1] + [2] + 3 }}", "[1,2,3]"),
        ("{{ [1, 2, 3] - 2 }}", "[1,3]"),
        ("{{ 1 == 1.0 }} {{ 1 == '1' }} {{ true == 1 }} {{ null == null }}", "true false false true"),
        ("{{ 1 equals 1 }} {{ 1 != 2 }}", "true true"),
        ("{{ null > 1 }} {{ 'b' > 'a' }} {{ 2 >= 2 }}", "false true true"),
        ("{{ true && !false || false }}", "true"),
        ("{{ ['a', 'b'] contains 'a' }} {{ ['a', 'b'] contains ['a', 'c'] }}", "true false"),
        ("{{ 'hello' contains 'ell' }} {{ {'k': 1} contains 'k' }} {{ null contains 1 }}", "true true false"),
        ("{{ 'a' in ['a'] }} {{ 1 in ['1'] }} {{ 'v' isIn {'k': 'v'} }} {{ 'x' not in ['a'] }}", "true true true true"),
        ("{{ 1..4 }} {{ 'a'..'c' }}", '[1,2,3,4] ["a","b","c"]'),
        ("{{ 'It\\'s' ~ \"a \\\"b\\\"\" }}", "It'sa \"b\""),
        ("{{ '\\d+\\n' }}", "\\d+\\n"),
        ("{{ 'a\\\\b' }}", "a\\b"),
        ('{{ "Hi #{inputs.name}, #{1 + 1}!" }}', "Hi Ada, 2!"),
        ("{{ {a: 1, 'b': [true, null]} }}", '{"a":1,"b":[true,null]}'),
        ("{{ {'a': {'b': 1}}.a.b }}", "1"),
        ("{{ [1, [2]][1][0] }}", "2"),
        # tests
        ("{{ 2 is even }} {{ 3 is odd }} {{ [] is empty }} {{ null is null }}", "true true true true"),
        ("{{ {} is map }} {{ [] is iterable }} {{ '{}' is json }} {{ '{' is json }}", "true true true false"),
        ("{{ ' ' is not empty }}", "false"),
        # tags
        ("{% if inputs.n == 3 %}three{% else %}other{% endif %}", "three"),
        ("{% if false %}a{% elseif inputs.flag %}b{% else %}c{% endif %}", "b"),
        ("{% for x in inputs.list %}{{ loop.index }}{{ x }}{{ loop.last ? '' : ',' }}{% endfor %}", "0a,1b"),
        ("{% for x in [1,2] %}{{ loop.index0 }}/{{ loop.length }}/{{ loop.revindex }}/{{ loop.first }} {% endfor %}",
         "0/2/1/true 1/2/0/false "),
        ("{% for e in {'k': 'v'} %}{{ e.key }}={{ e.value }}{% endfor %}", "k=v"),
        ("{% for x in [] %}x{% else %}empty{% endfor %}", "empty"),
        ("{% for x in null %}x{% endfor %}", ""),
        ("{% for a in [1,2] %}{% for b in [1,2] %}{{ a }}{{ b }}{{ loop.index }} {% endfor %}{{ loop.index }};{% endfor %}",
         "110 121 0;210 221 1;"),
        ("{% set total = 0 %}{% for x in [1,2,3] %}{% set total = total + x %}{% endfor %}{{ total }}", "6"),
        ("{% filter upper | replace({'A': '*'}) %}abc {{ inputs.name }}{% endfilter %}", "*BC *D*"),
        ("{% macro hi(who, mark='!') %}Hi {{ who }}{{ mark }}{% endmacro %}{{ hi('Bob') }}{{ hi(mark='?', who='Eve') }}",
         "Hi Bob!Hi Eve?"),
        ("{{ twice(2) }}{% macro twice(x) %}{{ x * 2 }}{% endmacro %}", "4"),
        ("{% block \"post\" %}content{% endblock %}+{{ block('post') }}", "content+content"),
        ("{% raw %}{{ x }}{% endraw %}{% verbatim %}{% if %}{% endverbatim %}", "{{ x }}{% if %}"),
        ("a{%-  raw%}{{ var }}{%endraw -%} b", "a{{ var }}b"),
        ("{% scope %}{% set hidden = 1 %}{% endscope %}{{ hidden ?? 'gone' }}", "gone"),
        ("a {# nothing {{ x #} b {{ 1 }}", "a  b 1"),
        ("a  {{- 1 -}}  b", "a1b"),
        ("{%- if true -%} x {%- endif -%} ", "x"),
        # rendering again only when asked
        ("{{ vars.first }}", "{{ vars.second }}"),
        ("{{ renderOnce(vars.first) }}", "{{ inputs.name }}"),
        ("{{ render(vars.first, recursive=false) }}", "{{ inputs.name }}"),
        ("{{ render(vars.first) }}", "Ada"),
        ("{{ render({'k': [vars.first]}) }}", '{"k":["Ada"]}'),
    ],
)  # fmt: skip
def test_an_expression_gives_what_the_field_gives(template, expected):
    assert render(template, SCOPE) == expected


def test_the_right_side_of_a_coalescing_is_not_asked_when_the_left_has_a_value():
    assert render("{{ inputs.name ?? kv('never') }}", SCOPE) == "Ada"
    assert render("{{ inputs.name | default(kv('never')) }}", SCOPE) == "Ada"
    assert render("{{ true ? 1 : kv('never') }}{{ false and kv('never') }}", SCOPE) == "1false"


def test_a_text_without_expressions_is_left_alone():
    for text in ("plain", "{ not one }", "# {# a comment #}", "}}", "a\r\nb\n"):
        assert render(text, {}) == text
        assert compile_template(text).literal


def test_line_breaks_around_expressions_stay():
    assert render("a\r\n{{ 1 }}\n", {}) == "a\r\n1\n"


@pytest.mark.parametrize(
    ("template", "line", "column", "message"),
    [
        ("{{ inputs.nmae }}", 1, 4, "Unable to find `inputs.nmae` used in the expression `{{ inputs.nmae }}` at line 1."),
        ("a\n  {{ outputs.chek.value }}", 2, 6, "Did you mean `check`?"),
        ("{{ inputz.name }}", 1, 4, "Did you mean `inputs`?"),
        ("{{ inputs.list[7] }}", 1, 4, "The list has 2 items"),
        ("{{ inputs.name.length }}", 1, 4, "Only maps and lists have something inside."),
        ("{{ inputs.none.x }}", 1, 4, "is null"),
        ("{{ 'a' - 1 }}", 1, 8, "`-` needs two numbers, not a text and a number."),
        ("{{ 1 / 0 }}", 1, 6, "divided by 0"),
        ("{{ 1 < 'a' }}", 1, 6, "cannot be compared"),
        ("{% for x in 5 %}{% endfor %}", 1, 8, "A loop goes through a list or a map, not a number."),
        ("{{ inputs.name | date }}", 1, 18, "is not a date"),
        ("{{ render('{{ inputs.x }}') }}", 1, 4, "`{{ inputs.x }}`"),
    ],
)  # fmt: skip
def test_an_error_names_the_place_and_what_exists_near(template, line, column, message):
    with pytest.raises(ExpressionFailed) as failed:
        render(template, SCOPE)
    assert message in str(failed.value)
    assert (failed.value.line, failed.value.column) == (line, column)
    assert failed.value.expression


@pytest.mark.parametrize(
    ("template", "line", "column", "message"),
    [
        ("{{ a", 1, 1, "`{{` is not closed. Write `}}` where it ends."),
        ("{{ (a }}", 1, 4, "`(` is closed by `}`."),
        ("{{ a) }}", 1, 5, "There is a `)` too many."),
        ("{{ 'a }}", 1, 4, "The text is not closed."),
        ("{{ a b }}", 1, 6, "The expression should end here, not go on with `b`."),
        ("{{ }}", 1, 4, "A value is expected here"),
        ("{{ a $ b }}", 1, 6, "`$` cannot be read here."),
        ("{{ a ** b }}", 1, 7, "A value is expected here, not `*`."),
        ("{{ a.b() }}", 1, 7, "Methods cannot be called."),
        ("{{ a | uper }}", 1, 8, "There is no filter `uper`. Did you mean `upper`?"),
        ("{{ nwo() }}", 1, 4, "There is no function `nwo`. Did you mean `now`?"),
        ("{{ a is emty }}", 1, 9, "There is no test `emty`. Did you mean `empty`?"),
        ("{{ a | date(formt='x') }}", 1, 8, "`date` has no argument `formt`. Did you mean `format`?"),
        ("{{ a | upper(1) }}", 1, 8, "`upper` takes no arguments."),
        ("{{ a | chunk }}", 1, 8, "`chunk` expects the argument `size`."),
        ("{{ kv() }}", 1, 4, "`kv` expects the argument `key`."),
        ("{% if a %}x", 1, 4, "`if` is not closed."),
        ("{% endif %}", 1, 4, "There is nothing that `endif` could belong to."),
        ("x\n{% fro a in b %}", 2, 4, "There is no tag `fro`. Did you mean `for`?"),
        ("{% include 'x' %}", 1, 4, "The tag `include` is not available."),
        ("{% extends 'x' %}", 1, 4, "The tag `extends` is not available."),
        ("{% for %}{% endfor %}", 1, 8, "A name is expected here"),
        ("{# open {{ x }}", 1, 1, "The comment is not closed."),
        ("{{ outputs.a-b. }}", 1, 17, "A name is expected after the dot"),
        ("{{ 99999999999999999999 }}", 1, 4, "The number is too large."),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_found_without_running(template, line, column, message):
    (problem,) = problems_in(template)
    assert message in f"{problem.message} {problem.mend}"
    assert (problem.line, problem.column) == (line, column)
    with pytest.raises(ExpressionFailed):
        compile_template(template)


def test_a_good_template_has_no_problems():
    assert problems_in("{{ a.b ?? 'c' }}") == []


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ inputs.n }}", 3),
        ("{{ inputs.list }}", ["a", "b"]),
        ("{{ inputs.flag }}", True),
        ("{{ inputs.none }}", None),
        ("{{ inputs.n + 1 }}", 4),
        ("{{ inputs.n }} ", "3 "),
        ("{{ inputs.list }}\n", ["a", "b"]),
        ("n={{ inputs.n }}", "n=3"),
        ("{{ 1 }}{{ 2 }}", "12"),
        ("{% if true %}1{% endif %}", "1"),
        ("7", "7"),
    ],
)
def test_a_single_expression_keeps_its_kind(template, value):
    result = evaluate(template, SCOPE)
    assert result == value
    assert type(result) is type(value)


def test_a_tree_is_rendered_keys_and_all():
    tree = {"{{ wanted }}": ["{{ inputs.n }}", 1, None, {"k": "{{ inputs.list }}"}]}
    assert render_tree(tree, SCOPE) == {"name": ["3", 1, None, {"k": '["a","b"]'}]}


@pytest.mark.parametrize(
    ("value", "holds"),
    [
        ("", False), ("false", False), ("0", False), ("-0", False), (None, False), (False, False), (0, False), (0.0, False),
        ("true", True), ("0.0", True), (" ", True), ("no", True), ("False", True), (True, True), (1, True), ([], True),
    ],
)  # fmt: skip
def test_a_condition_holds_unless_it_is_on_the_fields_short_list(value, holds):
    assert truthy(value) is holds


def test_a_template_knows_what_it_reads():
    reads = {
        "{{ outputs.a.value }} {{ inputs.x }}": {("outputs", "a"), ("inputs", "x")},
        "{{ outputs['a-b'] }} {{ taskrun.value }}": {("outputs", "a-b"), ("taskrun", "value")},
        "{{ outputs[inputs.x] }}": {("outputs",), ("inputs", "x")},
        "{{ outputs }}": {("outputs",)},
        "{% for o in outputs.list.items %}{{ o.x }}{{ loop.index }}{% endfor %}": {("outputs", "list")},
        "{% macro m(p) %}{{ p.x }}{{ vars.a }}{% endmacro %}{{ m(flow.id) }}": {("vars", "a"), ("flow", "id")},
        "{{ (a ?? b.c) | default(d.e) }}": {("a",), ("b", "c"), ("d", "e")},
        "{{ currentEachOutput(outputs.get).x }}": {("outputs", "get"), ("parents",), ("taskrun", "value")},
    }
    for template, names in reads.items():
        assert compile_template(template).names == names, template
    assert {("outputs",), ("inputs",), ("vars", "x")} <= compile_template("{{ render(vars.x) }}").names


def test_a_template_says_whether_it_is_one_single_expression():
    assert compile_template("{{ a }}").single
    assert not compile_template("{{ a }} ").single
    assert not compile_template("{{ a }}{{ b }}").single


def test_a_value_from_outside_is_asked_for_and_then_used():
    with pytest.raises(Needs) as needs:
        render("{{ kv('my-key', namespace=inputs.name).field ?? 'none' }}", SCOPE)
    call = needs.value.call
    assert (call.name, call.given) == ("kv", {"key": "my-key", "namespace": "Ada"})
    fetched = {Call("kv", (), (("key", "my-key"), ("namespace", "Ada"))): {"field": "found"}}
    assert render("{{ kv('my-key', namespace=inputs.name).field ?? 'none' }}", SCOPE, fetched) == "found"
    assert render("{{ kv(namespace='Ada', key='my-key').field }}", {}, fetched) == "found"


def test_calls_with_maps_are_the_same_call_when_their_maps_are_equal():
    with pytest.raises(Needs):
        render("{{ http('https://x', headers={'a': '1', 'b': ['2']}) }}", {})
    again = Call("http", (), (("uri", "https://x"), ("headers", {"b": ["2"], "a": "1"})))
    assert render("{{ http('https://x', headers={'a': '1', 'b': ['2']}) }}", {}, {again: "ok"}) == "ok"


def test_what_could_not_be_fetched_fails_at_its_place():
    fetched = {needs_of("{{ kv('k', errorOnMissing=true) }}"): LookupError("The key 'k' does not exist.")}
    with pytest.raises(ExpressionFailed, match="The key 'k' does not exist") as failed:
        render("a {{ kv('k', errorOnMissing=true) }}", {}, fetched)
    assert failed.value.column == 6


def needs_of(template):
    with pytest.raises(Needs) as needs:
        render(template, {})
    return needs.value.call


def test_endless_rendering_is_ended():
    with pytest.raises(ExpressionFailed, match="still has expressions"):
        render("{{ render(vars.a) }}", {"vars": {"a": "{{ vars.b }}", "b": "{{ vars.a }}"}})
    with pytest.raises(ExpressionFailed, match="deep"):
        render("{{ render(vars.a) }}", {"vars": {"a": "{{ render(vars.a) }}"}})


def test_after_an_error_inside_a_part_the_outside_is_as_before():
    template = (
        "{% macro broken(x) %}{% for y in [1] %}{{ missing }}{% endfor %}{% endmacro %}"
        "{% set x = 'kept' %}{% for y in ['a', 'b'] %}{{ broken(1) ?? 'saved' }}{{ x }}{{ y }}{{ loop.index }} {% endfor %}"
    )
    assert render(template, {}) == "savedkepta0 savedkeptb1 "


def test_private_names_of_the_scope_stay_private():
    scope = {"$at": "secret", "a": 1}
    assert render("{{ printContext() }}{{ fetchContext() }}", scope) == '{"a":1}{"a":1}'
    with pytest.raises(ExpressionFailed) as failed:
        render("{{ at }}", scope)
    assert "$at" not in str(failed.value)
