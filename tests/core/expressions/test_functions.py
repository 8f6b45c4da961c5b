"""Functions: data, the context, loops' outputs, chance, dates, and those whose values come from outside."""

# ruff: noqa: E501 - a case is one line, so that template and result are seen together

import random
from datetime import UTC, datetime

import pytest

from orchestrator.core.expressions import AT, RANDOM, ZONE, Call, ExpressionFailed, Needs, evaluate, render

NOON = datetime(2026, 3, 31, 12, 0, 0, 5000, tzinfo=UTC)
LOOPS = {
    "outputs": {
        "get": {"o": {"i": {"value": "inner value"}}},
        "loop": {"a": {"value": 1}, "b": {"value": 2}, "c": {"value": 3}},
        "around": {"x": {"value": "of parent"}},
        "list": [{"outputs": {"uri": "u1"}}, {"outputs": {}}, "broken"],
    },
    "parents": [{"taskrun": {"value": "o"}}],
    "taskrun": {"value": "i"},
}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ fromJson('{\"a\": [1]}').a[0] }} {{ json('[true]')[0] }}", "1 true"),
        ("{{ yaml('a: {b: [1, x]}').a.b }}", '[1,"x"]'),
        ("{{ fromIon('{a:1,\\'b c\\':\"x\"} {a:2}', allRows=true) }} {{ fromIon('{a:1.5e0}').a }}",
         '[{"a":1,"b c":"x"},{"a":2}] 1.5'),
        ("{{ range(1, 3) }} {{ range(0, 10, 5) }} {{ range('a', 'c') }} {{ range(3, 1, -1) }}",
         '[1,2,3] [0,5,10] ["a","b","c"] [3,2,1]'),
        ("{{ max(1, 3, 2) }} {{ min([4, 2.5]) }} {{ max('a', 'b') }}", "3 2.5 b"),
        ("{{ isWeekend('2026-03-28') }} {{ isWeekend('2026-03-31T23:00:00Z') }}", "true false"),
        ("{{ dayOfWeek('2025-01-06T00:30:00+02:00') }}", "MONDAY"),
        ("{{ dayOfMonth('2026-03-31') }} {{ monthOfYear('2026-03-31') }} {{ hourOfDay('2026-03-31T07:00:00Z') }}", "31 3 7"),
        ("{{ isDayWeekInMonth('2026-03-02', 'monday', 'FIRST') }} {{ isDayWeekInMonth('2026-03-31', 'TUESDAY', 'LAST') }}",
         "true true"),
        ("{{ isDayWeekInMonth('2026-03-03', 'monday', 'FIRST') }}", "false"),
        ("{{ isLastWorkingDay('2026-05-29') }} {{ isLastWorkingDay('2026-05-31') }}", "true false"),
        ("{{ isLastWorkingDay('2026-05-31', 'SUNDAY') }}", "true"),
        ("{{ isDateAfter('2026-01-01T01:00:00Z', '2026-01-01T01:30:00+01:00') }}", "true"),
        ("{{ isDateBefore('2026-01-01', '2026-01-02') }} {{ isDateBetween('2026-01-02', '2026-01-01', '2026-01-03') }}",
         "true true"),
    ],
)  # fmt: skip
def test_a_function_gives_what_the_field_gives(template, expected):
    assert render(template, {}) == expected


def test_now_is_the_instant_of_the_scope():
    scope = {AT: NOON}
    assert render("{{ now() }}", scope) == "2026-03-31T12:00:00.005000Z"
    assert (
        render("{{ now('iso_local_date') }} {{ now(timeZone='Asia/Tokyo', format='HH:mm') }}", scope)
        == "2026-03-31 21:00"
    )
    assert render("{{ now() }}", {**scope, ZONE: "Europe/Berlin"}) == "2026-03-31T14:00:00.005000+02:00"
    with pytest.raises(ExpressionFailed, match="time is not known"):
        render("{{ now() }}", {})


def test_outputs_of_the_same_round_are_found():
    assert render("{{ currentEachOutput(outputs.get).value }}", LOOPS) == "inner value"
    assert render("{{ currentOutput(outputs.get).value ?? 'none' }}", {**LOOPS, "taskrun": {"value": "z"}}) == "none"
    assert evaluate("{{ loopOutputs(outputs.list, 'uri') }}", LOOPS) == ["u1", None, None]
    assert render("{{ outputFromIteration(outputs.loop, 'b').value }}", LOOPS) == "2"
    with pytest.raises(ExpressionFailed, match="out of bounds"):
        render("{{ outputFromIteration([1], 5) }}", LOOPS)


def test_outputs_of_other_rounds_and_of_the_task_around_are_found():
    scope = {**LOOPS, "parents": [], "task": {"id": "loop"}, "taskrun": {"value": "c", "iteration": 2}}
    assert (
        render("{{ iterationOutput() }} {{ iterationOutput('loop', 0) }} {{ iterationOutputs(1) }}", scope) == "2 1 2"
    )
    around = {**LOOPS, "parent": {"task": {"id": "around"}, "taskrun": {"value": "x"}}}
    assert render("{{ parentOutput().value }}", around) == "of parent"


def test_tasks_are_found_by_their_state():
    tasks = {"a": {"state": "FAILED"}, "b": {"x": {"state": "SUCCESS"}, "y": {"state": "FAILED"}}}
    assert evaluate("{{ tasksWithState('failed') }}", {"tasks": tasks}) == [
        {"taskId": "a", "state": "FAILED"},
        {"taskId": "b", "state": "FAILED", "value": "y"},
    ]


def test_chance_comes_from_outside_when_it_is_given():
    template = "{{ uuid() }} {{ id() }} {{ nanoId() }} {{ randomInt(1, 100) }} {{ randomPort() }}"
    once, twice = (render(template, {RANDOM: random.Random(7)}) for _ in range(2))
    assert once == twice
    assert once != render(template, {})
    assert len(str(evaluate("{{ ksuid() }}", {AT: NOON}))) == 27
    assert {evaluate("{{ randomInt(1, 3) }}", {}) for _ in range(60)} == {1, 2}


def test_environment_variables_are_those_of_the_scope():
    assert render("{{ env('TEST') }}{{ env('nope', 'x') }}", {"envs": {"test": "1"}}) == "1x"


@pytest.mark.parametrize(
    "template",
    [
        "{{ secret('K') }}", "{{ kv('k') }}", "{{ read('a.txt') }}", "{{ fileURI('a') }}", "{{ fileSize(x) }}",
        "{{ fileExists('a') }}", "{{ isFileEmpty('a') }}", "{{ http(uri='https://x', method='POST') }}", "{{ errorLogs() }}",
        "{{ subflow('ns', 'id', inputs={'a': 1}) }}", "{{ encrypt('k', 'p') }}", "{{ decrypt('k', 'c') }}",
        "{{ appLink() }}", "{{ isPublicHoliday('2026-01-01', 'DE') }}",
    ],
)  # fmt: skip
def test_what_needs_the_world_outside_is_asked_for(template):
    with pytest.raises(Needs) as needs:
        evaluate(template, {"x": "portico:///a"})
    assert evaluate(template, {"x": "portico:///a"}, {needs.value.call: "value"}) == "value"


def test_several_values_are_asked_for_one_after_the_other():
    fetched: dict[Call, object] = {}
    template = "{{ secret('a') ~ secret('b') ~ secret('a') }}"
    for _ in range(2):
        with pytest.raises(Needs) as needs:
            render(template, {}, fetched)
        fetched[needs.value.call] = needs.value.call.given["key"].upper()
    assert render(template, {}, fetched) == "ABA"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ fromJson('{') }}", "The text is not JSON"),
        ("{{ yaml('a: [') }}", "The text is not YAML"),
        ("{{ fromIon('{a:') }}", "not Ion"),
        ("{{ currentEachOutput('x') }}", "A map is needed here, not a text."),
        ("{{ loopOutputs('not', 'uri') }}", "A list is needed"),
        ("{{ iterationOutput() }}", "inside of a loop"),
        ("{{ randomInt(5, 5) }}", "smaller one first"),
        ("{{ dayOfWeek('x') }}", "is not a date"),
        ("{{ isLastWorkingDay('2026-01-01', 'FUNDAY') }}", "is not a day"),
        ("{{ max([]) + 1 }}", "two numbers, not null and a number"),
    ],
)
def test_a_function_says_what_is_wrong(template, message):
    with pytest.raises(ExpressionFailed) as failed:
        render(template, {})
    assert message in failed.value.message
