"""Templates written to break out, to crash the process or to use it up: each ends soon, with a plain error."""

import time

import pytest

from orchestrator.core.expressions import ExpressionFailed, Needs, compile_template, evaluate, render

SCOPE = {"x": "a" * 500_000, "n": 5, "list": list(range(1000)), "text": "text", "m": {"k": "v"}, "null": None}
SOON = 5.0  # seconds; most take milliseconds, the machine may be busy

DOUBLED = "{% set a = 'xxxxxxxxxx' %}" + "{% set a = a ~ a %}" * 40 + "{{ a }}"
DOUBLED_LIST = "{% set a = [1, 2, 3] %}" + "{% set a = a | merge(a) %}" * 40 + "{{ a | length }}"
LAUGHS = "{% set a = ['ha'] %}" + "{% set a = [a, a, a, a, a, a, a, a, a, a] %}" * 12

BREAK_OUT = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ ''.__class__ }}",
    "{{ ''['__class__'] }}",
    "{{ m.items }}",
    "{{ m['__class__'] }}",
    "{{ list.append }}",
    "{{ text.format }}",
    "{{ '{0.__class__}'.format(1) }}",
    "{{ '%s' | format('x') }}",
    "{{ text | attr('__class__') }}",
    "{{ text | map(attribute='__class__') }}",
    "{{ lipsum.__globals__ }}",
    "{{ cycler }}",
    "{{ namespace() }}",
    "{{ self }}",
    "{{ self._TemplateReference__context }}",
    "{{ caller }}",
    "{{ varargs }}{{ kwargs }}",
    "{{ context }}",
    "{{ environment }}",
    "{{ names }}",
    "{{ truth }}",
    "{{ __builtins__ }}",
    "{{ __import__('os') }}",
    "{{ loop }}",
    "{% for i in [1] %}{{ loop.__class__ }}{% endfor %}",
    "{% macro m2() %}{{ caller() }}{% endmacro %}{{ m2() }}",
    "{% macro m2() %}x{% endmacro %}{{ m2.__globals__ }}",
    "{% macro m2() %}x{% endmacro %}{{ m2 }}",
    "{{ range.__self__ }}",
    "{{ now }}",
    "{{ block.__class__ }}",
    "{{ block('nope') }}",
    "{{ super() }}",
    "{% import 'os' as os %}",
    "{% include '/etc/passwd' %}",
    "{% from 'x' import y %}",
    "{% extends m %}",
    "{{ debug() }}",
    "{% debug %}",
    "{% set m.k = 1 %}",
    "{% set loop.x = 1 %}",
    "{{ m.update({'k': 1}) }}",
    "{{ list.clear() }}",
    "{{ (text)() }}",
    "{{ m['k']() }}",
    "{{ text\uff0eupper }}",
    "{{ te\u200bxt }}",
    "{{ text | upper\u0000 }}",
    "{{ \U0001d4ed }}",
    "{{ \ufb01 }}",
    "{{ '\\' ~ __import__('os') ~ '\\' }}",
    "{{ text', 0) or __import__('os').system('id') # }}",
    "{% for x', 0)]: __import__('os') # in [1] %}{% endfor %}",
]

USE_UP = [
    "{{ 'x' * 2000000000 }}",
    "{{ [1] * 2000000000 }}",
    "{{ 9 ** 9 ** 9 }}",
    "{{ '%999999999d' % 1 }}",
    "{{ text | center(2000000000) }}",
    "{{ 1..2000000000 }}",
    "{{ range(0, 2000000000) }}",
    "{{ range(1, 10, 0) }}",
    "{{ (1..1000) | join(x) }}",
    "{{ x | replace({'a': x}) }}",
    "{{ x | replace({'': x}) | replace({'a': 'bbbb'}) }}",
    "{{ x | regexReplace('a', 'bbbb') }}",
    "{{ x | regexReplace('(a)', '$1$1$1$1') }}",
    "{{ x | regexReplace('', 'bbbb') }}",
    "{{ x | regexReplace('a.*b|a', 'c') }}",
    "{{ x | regexMatch('(a+)+$') ? x | regexMatch('((a{1,100}){1,100}){1,100}b') : '' }}",
    "{{ x | split('a.*b|a') | length }}",
    "{{ x | indent(1000000000) }}",
    "{{ ('\n' ~ x) | indent(1000, x) }}",
    "{{ x ~ x ~ x }}",
    "{{ x + x + x }}",
    "{{ [x, x, x] }}",
    "{{ {'a': x, 'b': x, 'c': x} | toJson }}",
    "{{ [x, x, x] | join('') }}",
    "{{ 5 | numberFormat('#,##0." + "0" * 1000 + "') }}",
    "{{ '1e999999999' | number('BIGDECIMAL') | numberFormat('0') }}",
    "{{ ('9' ~ '9' ~ x) | number }}",
    "{{ ('[' ~ x) | fromJson }}",
    "{{ nanoId(2000000000) }}",
    "{{ '2026-01-01' | dateAdd(999999999999, 'YEARS') }}",
    "{{ '2026-01-01' | date(format=x) }}",
    "{{ '2026-01-01' | date(existingFormat=x) }}",
    "{{ 9223372036854775807 * 9223372036854775807 }}",
    "{% for a in 1..90000 %}{% for b in 1..90000 %}{% endfor %}{% endfor %}",
    "{% for a in 1..99999 %}{{ x }}{% endfor %}",
    "{% for a in 1..99999 %}{% if x | upper == x %}{% endif %}{% endfor %}",
    "{% for a in 1..99999 %}{% if x == x ~ '' %}{% endif %}{% endfor %}",
    "{% for a in 1..99999 %}{% set y = list | sort | reverse %}{% endfor %}",
    "{% for a in 1..99999 %}{% if list contains list %}{% endif %}{% endfor %}",
    "{% for a in 1..99999 %}{% set y = x | sha512 %}{% endfor %}",
    "{% for a in 1..99999 %}{% set y = list | yaml %}{% endfor %}",
    "{% for a in 1..99999 %}{% set y = x | urlencode %}{% endfor %}",
    "{% for a in 1..99999 %}{% set y = 1..90000 %}{% endfor %}",
    "{% for a in 1..99999 %}{% set y = list | jq('.[]') %}{% endfor %}",
    "{{ list | jq('[.[] as $x]') }}",
    "{{ list | jq('[., ., ., .] | [., ., ., .] | [., ., ., .] | [., ., ., .] | [., ., ., .] | [., ., ., .]') }}",
    "{{ list | jq('.[] + .[] + .[] + .[]') | length }}",
    "{{ list | jq('" + "[" * 500 + "]" * 500 + "') }}",
    "{{ list | jq('range(1000000000)') }}",
    DOUBLED,
    DOUBLED_LIST,
    LAUGHS + "{{ a }}",
    LAUGHS + "{{ a | toJson | length }}",
    LAUGHS + "{{ a == a }}",
    LAUGHS + "{{ [a] contains a }}",
    LAUGHS + "{{ a | flatten | length }}",
    LAUGHS + "{{ a | string }}",
    LAUGHS + "{{ kv(a) }}",
    "{% set a = [] %}{% for i in 1..99999 %}{% set a = [a] %}{% endfor %}{{ a }}",
    "{% set a = {} %}{% for i in 1..99999 %}{% set a = {'a': a} %}{% endfor %}{{ a | toJson }}",
    "{% set a = '' %}{% for i in 1..99999 %}{% set a = a ~ x %}{% endfor %}",
    "{% macro m2(i) %}{{ m2(i) }}{% endmacro %}{{ m2(1) }}",
    "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}",
    "{% macro big() %}{% for i in 1..9999 %}{{ x }}{% endfor %}{% endmacro %}{% set y = big() %}",
    "{% block 'b' %}{{ block('b') }}{% endblock %}",
    "{% filter upper %}{% for i in 1..9999 %}{{ x }}{% endfor %}{% endfilter %}",
    "{{ render('{{ render(\"{{ x }}\") }}' ~ x) ~ render(x ~ x) ~ x ~ x }}",
    "{% for i in 1..99999 %}{{ render('{{ x | upper | lower | length }}') }}{% endfor %}",
    "{{ yaml('" + "[" * 50_000 + "') }}",
    "{{ yaml('" + "a: &a [x,x]\nb: &b [*a,*a]" * 5 + "') }}",
    "{{ fromIon('" + "[" * 50_000 + "') }}",
    "{{ fromJson('" + "[" * 50_000 + "') }}",
    "{{ text | number('" + "9" * 10_000 + "') }}",
]

DEEP = [
    "{{ " + "(" * 50_000 + "1" + ")" * 50_000 + " }}",
    "{{ " + "[" * 50_000 + "]" * 50_000 + " }}",
    "{{ " + "{a:" * 50_000 + "1" + "}" * 50_000 + " }}",
    "{{ " + "not " * 50_000 + "1 }}",
    "{{ " + "!" * 50_000 + "1 }}",
    "{{ " + "-" * 50_000 + "1 }}",
    "{{ 1" + " + 1" * 20_000 + " }}",
    "{{ n" + ".a" * 20_000 + " }}",
    "{{ n" + "[0]" * 10_000 + " }}",
    "{{ text" + " | upper" * 20_000 + " }}",
    "{{ 1" + " ? 1 : 1" * 10_000 + " }}",
    "{{ " + "1 ? " * 10_000 + "1 }}",
    "{{ a" + " ?? a" * 20_000 + " }}",
    "{{ true" + " and true" * 20_000 + " }}",
    "{{ " + "upper(" * 10_000 + ")" * 10_000 + " }}",
    "{% if 1 %}" * 10_000 + "{% endif %}" * 10_000,
    "{% for a in [1] %}" * 30 + "x" + "{% endfor %}" * 30,
    "{% scope %}" * 1_000 + "{% endscope %}" * 1_000,
    "{% filter upper %}" * 1_000 + "{% endfilter %}" * 1_000,
    "{{ a }}" * 100_000,
    "{{ 1 }}" + "x" * 2_000_000,
    "{{",
    "{%",
    "{{" * 50_000,
    "{%" * 50_000,
    "{{ 1 }}" + "{# " * 50_000,
    "{% raw %}" * 50_000,
    "{{ '" + "\\" * 99_999 + " }}",
    '{{ "' + "#{" * 50_000 + '" ~ x ~ x ~ x }}',
    '{{ "#{' + "(" * 5_000 + ")" * 5_000 + '}" }}',
    "{{ " + "a" * 900_000 + " }}",
    "{{ " + "9" * 900_000 + " }}",
    "{{ " + "'a' ~ " * 3_000 + "x }}{{ x }}{{ x }}",
]


def ends_with_an_error(template):
    started = time.process_time()
    with pytest.raises(ExpressionFailed):
        evaluate(template, SCOPE)
    assert time.process_time() - started < SOON


@pytest.mark.parametrize("template", BREAK_OUT)
def test_nothing_of_python_can_be_reached(template):
    ends_with_an_error(template)


@pytest.mark.parametrize("template", USE_UP, ids=lambda template: template[:60])
def test_no_template_uses_the_machine_up(template):
    ends_with_an_error(template)


@pytest.mark.parametrize("template", DEEP, ids=lambda template: template[:30])
def test_no_nesting_crashes_the_reader(template):
    ends_with_an_error(template)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{% for a in 1..90000 %}{% for b in 1..90000 %}{% endfor %}{% endfor %}", "more than 100000 rounds"),
        ("{% for a in 1..9000 %}{% set y = x | upper %}{% endfor %}", "too much work"),
        ("{{ " + "(" * 41 + "1" + ")" * 41 + " }}", "at most 40 deep within one another"),
        ("{{ " + "not " * 61 + "1 }}", "nested too deeply"),
        ("{{ 1" + " + 1" * 121 + " }}", "too long to be one"),
        ("{% if 1 %}" * 16 + "{% endif %}" * 16, "Tags may stand at most 15 deep"),
        ("{{ 1 }}" * 17_000, "at most 50000 words and signs"),
        ("{{ 1 }}" + " " * 1_000_000, "at most 1000000 characters"),
        ("{{ x ~ x ~ x }}", "longer than 1000000 characters"),
        ("{{ x }}{{ x }}{{ x }}", "longer than 1000000 characters"),
        ("{{ [x, x, x] }}", "more than 200000 values or 1000000 characters"),
        ("{{ 4611686018427387904 * 2 }}", "The number is too large."),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "more than 20 deep"),
    ],
    ids=lambda value: value[:40],
)
def test_each_limit_says_which_it_is(template, message):
    with pytest.raises(ExpressionFailed) as failed:
        render(template, SCOPE)
    assert message in failed.value.message


def test_every_kind_of_tag_and_bracket_that_is_allowed_can_also_be_run():
    """The limits of the reader are below those of Python's own compiler."""
    assert render("{{ " + "(" * 39 + "1" + ")" * 39 + " }}", {}) == "1"
    assert render("{{ 1" + " + 1" * 80 + " }}", {}) == "81"
    assert render("{{ " + "[" * 30 + "]" * 30 + " | length }}", {}) == "1"
    assert render("{{ a" + " ?? a" * 80 + " ?? 'x' }}", {}) == "x"
    assert render("{{ 'a'" + " | upper" * 80 + " }}", {}) == "A"
    assert render("{{ 1" + " ? 1 : 1" * 20 + " }}", {}) == "1"
    assert render("{{ 'a'" + " ~ 'a'" * 5_000 + " }}", {}) == "a" * 5_001
    assert render("{% for a in [1] %}{% if 1 %}" * 7 + "x" + "{% endif %}{% endfor %}" * 7, {}) == "x"


def test_a_name_is_only_itself():
    """Letters that Python would take for one another are different names here."""
    assert render("{{ \ufb01 }}{{ fi }}", {"\ufb01": "ligature", "fi": "letters"}) == "ligatureletters"
    assert render("{{ names }}{{ context }}{{ self }}", {"names": 1, "context": 2, "self": 3}) == "123"


def test_what_people_typed_is_never_run():
    for typed in ("{{ secret('KEY') }}", "{% for i in 1..9 %}x{% endfor %}", "{{ 7 * 7 }}", "#{7 * 7}", "${7 * 7}"):
        scope = {"inputs": {"typed": typed, "list": [typed], "map": {typed: typed}}}
        assert render("{{ inputs.typed }}", scope) == typed
        assert render("{{ inputs.typed | trim }} {{ inputs.typed ~ '' }}", scope) == f"{typed} {typed}"
        assert evaluate("{{ inputs.list }}", scope) == [typed]
        assert evaluate("{{ inputs.map }}", scope) == {typed: typed}
        assert render("{% for x in inputs.list %}{{ x }}{% endfor %}", scope) == typed
        assert render("{% set x = inputs.typed %}{{ x }}{% filter trim %}{{ x }}{% endfilter %}", scope) == typed * 2


def test_the_scope_cannot_be_changed():
    scope = {"m": {"k": [1]}, "list": [3, 1, 2]}
    render("{% set m = {'k': [2]} %}{% for list in [1] %}{% endfor %}{{ list | sort }}{{ m.k + [1] }}", scope)
    render("{% set list = list + [4] %}{{ list - 3 }}{{ list | reverse }}{{ list | merge([5]) }}", scope)
    assert scope == {"m": {"k": [1]}, "list": [3, 1, 2]}


def test_long_and_changing_templates_do_not_fill_the_memory():
    for number in range(200):
        compile_template("x" * 9_000 + f"{{{{ {number} }}}}")
    with pytest.raises(Needs):
        render("{{ kv('x') }}", {})
