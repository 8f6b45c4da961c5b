"""Filters, each with what the field's own documentation and behaviour say."""

# ruff: noqa: E501 - a case is one line, so that template and result are seen together

import hashlib
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from orchestrator.core.expressions import ExpressionFailed, evaluate, render

AT = datetime(2013, 9, 8, 16, 19, 12, 123456, timezone(timedelta(hours=1)))
SCOPE = {
    "at": AT,
    "local": AT.replace(tzinfo=None),
    "day": date(2013, 9, 8),
    "seconds": 1378653552,
    "none": None,
    "map": {"b": 1, "a": [2]},
    "people": [{"name": "Alice", "age": 40}, {"name": "Bob", "age": 30}],
}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ 'Hello world' | abbreviate(7) }}{{ 'abc' | abbreviate(3) }}", "Hell...abc"),
        ("{{ 'hello wOrld' | capitalize }} {{ 'hello wOrld' | title }}", "Hello wOrld Hello WOrld"),
        ("{{ 'Ab' | upper }}{{ 'Ab' | lower }}{{ '  a ' | trim }}", "ABaba"),
        ("{{ 'aé' | base64encode }} {{ 'YcOp' | base64decode }}", "YcOp aé"),
        ("{{ \"it's\" | escapeChar('single') }} {{ 'a\"b' | escapeChar('double') }}", 'it\\\'s a\\"b'),
        ("{{ \"it's\" | escapeChar('shell') }}", "it'\\''s"),
        ("{{ {'k': [\"'\"]} | escapeChar('single') }}", '{"k":["\\\\\'"]}'),
        ("{{ 'aabbc' | replace({'aa': '1', 'b': '2'}) }}", "122c"),
        ("{{ 'a1b22' | replace({'[0-9]+': '#'}, regexp=true) }}", "a#b#"),
        ("{{ 'aa1bb2' | regexReplace('([0-9])', '[$1]') }}", "aa[1]bb[2]"),
        ("{{ 'order-12345' | regexMatch('\\d+') }} {{ none | regexMatch('.') }}", "true false"),
        ("{{ 'order-12345-x' | regexExtract('order-(\\d+)', group=1) }}{{ 'x' | regexExtract('\\d') }}", "12345"),
        ("{{ 'Tést  is a--Title!' | slugify }}", "test-is-a-title"),
        ("{{ 'a.b.c' | substringBefore('.') }} {{ 'a.b.c' | substringBeforeLast('.') }}", "a a.b"),
        ("{{ 'a.b.c' | substringAfter('.') }} {{ 'a.b.c' | substringAfterLast('.') }}", "b.c c"),
        ("{{ 'abc' | substringBefore('x') }}|{{ 'abc' | substringAfter('x') }}|", "abc||"),
        ("{{ 'abc' | startsWith('ab') }} {{ 'abc' | endsWith(value='x') }}", "true false"),
        ("{{ 'a b&c/é' | urlencode }} {{ 'a+b%26c' | urldecode }}", "a+b%26c%2F%C3%A9 a b&c"),
        ("{{ 'a,b,,c,' | split(',') }} {{ 'a1b2c' | split('[0-9]') }} {{ 'a,b,c' | split(',', 2) }}",
         '["a","b","","c"] ["a","b","c"] ["a","b,c"]'),
        ("{{ [1, 'b', null, true] | join('-') }}", "1-b--true"),
        ("{{ 'a\nb' | indent(2) }}|{{ 'a\nb' | nindent(2, '>') }}", "a\n  b|\n>>a\n>>b"),
        ("{{ 1234567.891 | numberFormat('#,##0.00') }} {{ 1.232654 | numberFormat('#.##') }}", "1,234,567.89 1.23"),
        ("{{ 5 | numberFormat('000') }} {{ 0.256 | numberFormat('#%') }} {{ -3.5 | numberFormat('0.0') }}", "005 26% -3.5"),
        ("{{ 'abc' | md5 }}", hashlib.md5(b"abc").hexdigest()),
        ("{{ 'abc' | sha1 }}", hashlib.sha1(b"abc").hexdigest()),
        ("{{ 'abc' | sha256 }}", hashlib.sha256(b"abc").hexdigest()),
        ("{{ 'abc' | sha512 }}", hashlib.sha512(b"abc").hexdigest()),
        ("{{ 12 | string | className }} {{ map | className }}", "java.lang.String java.util.LinkedHashMap"),
        ("{{ 'a\nb' | condense }}", "ab"),
        # data
        ("{{ -3 | abs }} {{ 2.5 | abs }}", "3 2.5"),
        ("{{ [1,2,3,4,5] | chunk(2) }}", "[[1,2],[3,4],[5]]"),
        ("{{ [1, 1, '1', 1.0, {'a': 1}, {'a': 1}, true] | distinct }}", '[1,"1",{"a":1},true]'),
        ("{{ [3, 4] | first }}{{ [3, 4] | last }}{{ 'xyz' | first }}{{ [] | first }}", "34x"),
        ("{{ [1, [2, [3]], []] | flatten }}", "[1,2,[3]]"),
        ("{{ map | keys }} {{ map | values }} {{ ['x'] | keys }}", '["b","a"] [1,[2]] [0]'),
        ("{{ 'abc' | length }}{{ [1] | length }}{{ map | length }}{{ none | length }}", "3120"),
        ("{{ [1] | merge([2]) }} {{ {'a': 1, 'b': 1} | merge({'b': 2}) }}", '[1,2] {"a":1,"b":2}'),
        ("{{ [3, 1, 2] | sort }} {{ ['b', 'a'] | rsort }} {{ [1, 2] | reverse }}", '[1,2,3] ["b","a"] [2,1]'),
        ("{{ [1,2,3,4] | slice(1, 3) }} {{ 'abcd' | slice(2) }}", "[2,3] cd"),
        ("{{ '12' | number + 1 }} {{ '1.50' | number('FLOAT') }} {{ '1.50' | number('BIGDECIMAL') }}", "13 1.5 1.50"),
        ("{{ '12' | number('INT') | className }} {{ '1.5' | number | className }}", "java.lang.Integer java.lang.Double"),
        ("{{ map | toJson }} {{ 'a' | json }} {{ none | toJson }}", '{"b":1,"a":[2]} "a" null'),
        ("{{ map | yaml }}", "b: 1\na:\n- 2\n"),
        ("{{ {'a': 'x', 'b-c': [1, 1.5, null, true]} | toIon }}", "{a:\"x\",'b-c':[1,1.5e0,null,true]}"),
        # null stays null
        ("{{ none | upper }}{{ none | sort }}{{ none | date }}{{ none | jq('.') }}{{ none | replace({}) }}", ""),
        # dates
        ("{{ at | date }}", "2013-09-08T15:19:12.123456Z"),
        ("{{ at | date(timeZone='Europe/Paris') }}", "2013-09-08T17:19:12.123456+02:00"),
        ("{{ at | date(format=\"iso_sec\", timeZone=\"Europe/Paris\") }}", "2013-09-08T17:19:12+02:00"),
        ("{{ local | date('yyyy-MM-dd HH:mm:ss.SSSSSSXXX', timeZone='Europe/Paris') }}", "2013-09-08 16:19:12.123456+02:00"),
        ("{{ local | date('yyyy-MM-dd HH:mm:ss.SSSSSSXXX', timeZone='UTC') }}", "2013-09-08 16:19:12.123456Z"),
        ("{{ seconds | date(timeZone='UTC') }}", "2013-09-08T15:19:12.000000Z"),
        ("{{ day | date('iso_sec') }}", "2013-09-08T12:00:00Z"),
        ("{{ 'July 24, 2001' | date('yyyy-MM-dd', existingFormat='MMMM dd, yyyy') }}", "2001-07-24"),
        ("{{ '2013-09-08T17:19:12' | date(timeZone='Europe/Paris') }}", "2013-09-08T17:19:12.000000+02:00"),
        ("{{ '2013-09-08' | date(timeZone='Europe/Paris') }}", "2013-09-08T00:00:00.000000+02:00"),
        ("{{ '2013-09-08T17:19+02:00[Europe/Paris]' | date('VV HH:mm') }}", "UTC 15:19"),
        ("{{ 'Tue, 08 Feb 2022 19:38:26 GMT' | date(existingFormat='rfc_1123_date_time', timeZone='Europe/Paris') }}",
         "2022-02-08T20:38:26.000000+01:00"),
        ("{{ '31/12/24 11:05 PM' | date('iso_sec', existingFormat='dd/MM/yy hh:mm a') }}", "2024-12-31T23:05:00Z"),
        ("{{ at | date(\"EEEE, d MMM yyyy 'at' h 'o''clock' a\", 'UTC') }}", "Sunday, 8 Sep 2013 at 3 o'clock PM"),
        ("{{ at | date('EEEE d MMMM', locale='de_DE') }}", "Sonntag 8 September"),
        ("{{ at | date('D w Q e YYYY uu k K n A xx O Z') }}", "251 36 3 7 2013 13 15 3 123456000 55152123 +0000 GMT +0000"),
        ("{{ at | date('iso_local_date') }} {{ at | date('iso_week_date') }}", "2013-09-08 2013-W36-7Z"),
        ("{{ at | date('iso_instant') }} {{ at | date('sql') }}", "2013-09-08T15:19:12.123456Z 2013-09-08 15:19:12.123456"),
        ("{{ at | date('medium') }} {{ at | date('short') }}", "Sep 8, 2013, 3:19:12 PM 9/8/13, 3:19 PM"),
        ("{{ at | dateAdd(-1, 'DAYS', timeZone='Europe/Paris') }}", "2013-09-07T17:19:12.123456+02:00"),
        ("{{ '2024-01-31' | dateAdd(1, 'MONTHS', 'iso_local_date') }}", "2024-02-29"),
        ("{{ '2026-03-28T12:00:00' | dateAdd(1, 'DAYS', 'iso_sec', 'Europe/Berlin') }}", "2026-03-29T12:00:00+02:00"),
        ("{{ '2026-03-28T12:00:00' | dateAdd(24, 'HOURS', 'iso_sec', 'Europe/Berlin') }}", "2026-03-29T13:00:00+02:00"),
        ("{{ at | timestamp }} {{ at | timestampMilli }}", "1378653552 1378653552123"),
        ("{{ at | timestampMicro }} {{ at | timestampNano }}", "1378653552123456 1378653552123456000"),
        ("{{ (at | timestamp) > (at | dateAdd(-1, 'DAYS') | timestamp) }}", "true"),
        # jq always answers a list
        ("{{ people | jq('.[0].name') }} {{ people | jq('.[0].name') | first }}", '["Alice"] Alice'),
        ("{{ '{\"a\": [1, 2]}' | jq('.a[]') }} {{ map | jq('.none') }}", "[1,2] [null]"),
    ],
)  # fmt: skip
def test_a_filter_gives_what_the_field_gives(template, expected):
    assert render(template, SCOPE) == expected


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ map | upper }}", "A text is needed here, not a map."),
        ("{{ 'x' | base64decode }}", "not base64"),
        ("{{ '2026-13-01' | date }}", "`2026-13-01` is not a date"),
        ("{{ '2026-01-01' | date('yyyy-bb') }}", "`b` is not a letter of date patterns."),
        ("{{ '2026-01-01' | date(timeZone='Mars/Olympus') }}", "is not a time zone"),
        ("{{ 'x' | date(existingFormat='yyyy') }}", "`x` is not a date in the pattern `yyyy`."),
        ("{{ '31.02.2026' | date(existingFormat='dd.MM.yyyy') }}", "not a date of the calendar"),
        ("{{ at | dateAdd(1, 'MOONS') }}", "is not a unit"),
        ("{{ at | date(locale='xx') }}", "`en` and `de`"),
        ("{{ 'x' | regexMatch('(?=a)') }}", "is not a regular expression that can be used here"),
        ("{{ 'x' | regexExtract('x', 3) }}", "no group 3"),
        ("{{ [1, 'a'] | sort }}", "Only items of one kind can be sorted."),
        ("{{ [{}] | sort }}", "no order"),
        ("{{ [1] | chunk(0) }}", "1 or more"),
        ("{{ [1] | slice(2) }}", "`slice` needs positions"),
        ("{{ 'x' | number }}", "`x` is not a number"),
        ("{{ '9' ~ '9999999999999999999' | number }}", "too large"),
        ("{{ 'x' | escapeChar('y') }}", "`single`, `double` and `shell`"),
        ("{{ 1 | numberFormat('x0y0') }}", "is not a number pattern"),
        ("{{ '{' | jq('.') }}", "The text is not JSON"),
        ("{{ map | jq('.a | foo') }}", "jq's `foo` is not available here."),
        ("{{ map | jq('.a as $x') }}", "not understood"),
        ("{{ map | jq('.b.c') }}", "jq cannot look for `c` in a number."),
        ("{{ map | jq('.[') }}", "not understood at its end"),
    ],
)
def test_a_filter_says_what_is_wrong(template, message):
    with pytest.raises(ExpressionFailed) as failed:
        render(template, SCOPE)
    assert message in failed.value.message


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        (".", [[{"name": "Alice", "age": 40}, {"name": "Bob", "age": 30}]]),
        (".[].name", ["Alice", "Bob"]),
        (".[-1].age", [30]),
        (".[0:1] | length", [1]),
        ('.[0]["name"], .[1]."name"', ["Alice", "Bob"]),
        ("length", [2]),
        ("map(.age)", [[40, 30]]),
        ("map(.age) | add", [70]),
        ("map(select(.age > 35)) | .[0].name", ["Alice"]),
        ('.[] | select(.name == "Bob" and .age <= 30) | .age', [30]),
        ("[.[] | .age * 2 - 1]", [[79, 59]]),
        ("map({name, old: (.age > 35)})", [[{"name": "Alice", "old": True}, {"name": "Bob", "old": False}]]),
        ("sort_by(.age) | first | .name", ["Bob"]),
        ("group_by(.age > 35) | map(length)", [[1, 1]]),
        (".[0] | keys", [["age", "name"]]),
        (".[0] | to_entries | map(.key) | join(\"-\")", ["name-age"]),
        ("map(.name | ascii_downcase) | contains([\"bob\"])", [True]),
        (".[0].nope // \"none\"", ["none"]),
        (".[5]?.x?", [None]),
        (".[0].name | test(\"^A\")", [True]),
        ("map(.age) | max, min", [40, 30]),
        ("[.[].age] | map(tostring) | join(\",\") | split(\",\") | map(tonumber)", [[40, 30]]),
        ("any(.age > 35), all(.age > 35)", [True, False]),
        (".[0] | has(\"name\"), has(\"x\")", [True, False]),
        ("[range(3)] | reverse | unique", [[0, 1, 2]]),
        ("map(type), (.[0].name | type)", [["object", "object"], "string"]),
        ("empty", []),
        ("-1, 1.5, true, null, \"a\"", [-1, 1.5, True, None, "a"]),
    ],
)  # fmt: skip
def test_jq_answers_like_jq(query, answer):
    assert evaluate("{{ people | jq(q) }}", {**SCOPE, "q": query}) == answer


def test_values_of_other_kinds_are_printed_as_iso():
    scope = {"at": datetime(2026, 3, 1, 8, tzinfo=UTC), "for": timedelta(hours=1, seconds=3), "cost": Decimal("1.50")}
    assert render("{{ at }} {{ cost }} {{ [at] }}", scope) == '2026-03-01T08:00:00Z 1.50 ["2026-03-01T08:00:00Z"]'
    assert render("{{ x }}", {"x": scope["for"]}) == "PT1H3S"
    assert render("{{ cost * 2 }} {{ cost == 1.5 }}", scope) == "3.00 true"
