"""Functions, and the names of those whose values are fetched from outside."""

import calendar
import random
import secrets
import string
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from orchestrator.core.documents import load
from orchestrator.core.errors import DocumentInvalid
from orchestrator.core.expressions import ion
from orchestrator.core.expressions.bounds import text_fits
from orchestrator.core.expressions.dates import day_of, locale_of, moment, written, zone_of
from orchestrator.core.expressions.filters_data import list_of, read_json
from orchestrator.core.expressions.operators import before, span
from orchestrator.core.expressions.printing import json_text, kind_of, printed
from orchestrator.core.expressions.problems import Refused
from orchestrator.core.expressions.scope import RANDOM
from orchestrator.core.sentences import say

if TYPE_CHECKING:
    from orchestrator.core.expressions.run import Run

MAX_RENDERINGS = 100  # of one text by `render()`, as in the field
WEEKDAYS = tuple(day.upper() for day in calendar.day_name)
_BASE62 = string.digits + string.ascii_letters

# Functions that need the world outside: name -> (arguments in order, how many of them are required).
FETCHED: dict[str, tuple[tuple[str, ...], int]] = {
    "secret": (("key", "namespace", "subkey"), 1),
    "kv": (("key", "namespace", "errorOnMissing"), 1),
    "read": (("path", "namespace", "version"), 1),
    "fileURI": (("path", "namespace", "version"), 1),
    "fileSize": (("path", "namespace", "version"), 1),
    "fileExists": (("path", "namespace"), 1),
    "isFileEmpty": (("path", "namespace"), 1),
    "http": (("uri", "method", "query", "body", "contentType", "headers", "options", "accept"), 1),
    "errorLogs": ((), 0),
    "subflow": (("namespace", "id", "inputs", "labels", "timeout", "revision"), 2),
    "encrypt": (("key", "plaintext"), 2),
    "decrypt": (("key", "encrypted"), 2),
    "appLink": (("appId", "baseUrl"), 0),
    "isPublicHoliday": (("date", "countryCode", "subDivision"), 2),
}


# -- data


def from_json(string_: object) -> object:
    """Read JSON."""
    return None if string_ is None else read_json(printed(string_))


def from_yaml(string_: object) -> object:
    """Read YAML."""
    if string_ is None:
        return None
    try:
        return load(printed(string_)).value
    except DocumentInvalid as invalid:
        raise Refused(say("The text is not YAML: %(reason)s", reason=invalid.problems[0].message)) from None


def from_ion(string_: object, all_rows: object = None) -> object:
    """Read Ion: the first value, or all of them as a list."""
    if string_ is None:
        return None
    text = printed(string_)
    text_fits(len(text) // 8)
    values = ion.read(text)
    if all_rows:
        return values
    return values[0] if values else None


def range_(start: object, end: object, increment: object = 1) -> object:
    """Return the numbers, or letters, from `start` to `end`, both included."""
    return span(start, end, increment)


def smallest(a: object, b: object = None, c: object = None, d: object = None, e: object = None) -> object:
    """Return the smallest of some values, or of a list."""
    return _outermost((a, b, c, d, e), before)


def largest(a: object, b: object = None, c: object = None, d: object = None, e: object = None) -> object:
    """Return the largest of some values, or of a list."""
    return _outermost((a, b, c, d, e), lambda one, other: before(other, one))


def _outermost(given: tuple[object, ...], better: Callable[[object, object], bool]) -> object:
    values = [
        item for item in (list_of(given[0]) if isinstance(given[0], (list, tuple)) else given) if item is not None
    ]
    best = values[0] if values else None
    for value in values[1:]:
        if better(value, best):
            best = value
    return best


# -- rendering and the context


def render(run: "Run", to_render: object, recursive: object = None) -> object:
    """Render a text, or every text in a structure, again and again until nothing changes."""
    return _again(run, to_render, 1 if recursive is False else MAX_RENDERINGS)


def render_once(run: "Run", to_render: object) -> object:
    """Render a text, or every text in a structure, once."""
    return _again(run, to_render, 1)


def _again(run: "Run", value: object, times: int) -> object:
    if isinstance(value, Mapping):
        return {_again(run, key, times): _again(run, item, times) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_again(run, item, times) for item in value]
    for turn in range(times + 1):
        if not isinstance(value, str) or ("{{" not in value and "{%" not in value):
            return value
        if turn == times:
            break
        rendered = run.rendered(value)
        if rendered == value:
            return value
        value = rendered
    if times == MAX_RENDERINGS:
        raise Refused(say("The text was rendered %(times)s times and still has expressions.", times=times))
    return value


def fetch_context(run: "Run") -> object:
    """Return the whole context."""
    return run.public_names()


def print_context(run: "Run") -> object:
    """Return the whole context as JSON."""
    return json_text(run.public_names())


def env(run: "Run", name: object, default_: object = None) -> object:
    """Return an environment variable that the installation shows to flows."""
    envs = run.scope.get("envs")
    return envs.get(printed(name).lower(), default_) if isinstance(envs, Mapping) else default_


# -- outputs of loops


def _map_of(value: object) -> Mapping[object, object]:
    if isinstance(value, Mapping):
        return value
    raise Refused(say("A map is needed here, not %(kind)s.", kind=kind_of(value)))


def _value_of(thing: object) -> object:
    taskrun = thing.get("taskrun") if isinstance(thing, Mapping) else None
    return taskrun.get("value") if isinstance(taskrun, Mapping) else None


def _own_iterations(run: "Run", outputs: object) -> Mapping[object, object]:
    """Go down the values of all loops around this task, the outermost first."""
    parents = run.scope.get("parents")
    for parent in reversed(parents if isinstance(parents, (list, tuple)) else []):
        if isinstance(parent, Mapping) and parent.get("taskrun") is not None:
            outputs = _map_of(outputs).get(_value_of(parent))
    return _map_of(outputs)


def current_each_output(run: "Run", outputs: object) -> object:
    """Return the output that a task before this one made in the same round of the loops around both."""
    return _own_iterations(run, outputs).get(_value_of(run.scope))


def iteration_output(run: "Run", task_id: object = None, iteration: object = None) -> object:
    """Return the value that a task made in another round of this loop; without arguments: this task, one round ago."""
    taskrun = run.scope.get("taskrun")
    own = taskrun.get("iteration") if isinstance(taskrun, Mapping) else None
    if not isinstance(own, int):
        raise Refused(say("`iterationOutput` is for tasks inside of a loop."))
    wanted = own - 1 if iteration is None else int(printed(iteration))
    name = printed(_map_of(run.scope.get("task")).get("id") if task_id is None else task_id)
    outputs = _map_of(run.scope.get("outputs", {})).get(name)
    if outputs is None:
        return None
    rounds = list(_own_iterations(run, outputs).values())
    if not 0 <= wanted < len(rounds):
        raise Refused(say("There is no output of round %(round)s yet.", round=wanted))
    return _map_of(rounds[wanted]).get("value")


def iteration_outputs(run: "Run", iteration: object = None, task_id: object = None) -> object:
    """Return what `iterationOutput` does, with its arguments the other way round."""
    return iteration_output(run, task_id, iteration)


def output_from_iteration(outputs: object, iteration: object) -> object:
    """Return one round's entry from a list or a map of outputs."""
    wanted = printed(iteration)
    if isinstance(outputs, (list, tuple)):
        if not wanted.isdecimal() or int(wanted[:9]) >= len(outputs):
            raise Refused(
                say("Round %(round)s is out of bounds: there are %(count)s.", round=wanted, count=len(outputs))
            )
        return outputs[int(wanted)]
    entries = _map_of(outputs)
    if wanted not in entries:
        raise Refused(say("Round %(round)s is not found in outputs.", round=wanted))
    return entries[wanted]


def loop_outputs(outputs: object, key: object) -> object:
    """Return one output of every round of a loop, null where a round has none."""
    if key is None:
        raise Refused(say("`loopOutputs` needs the name of an output."))
    found: list[object] = []
    for entry in list_of(outputs):
        values = entry.get("outputs") if isinstance(entry, Mapping) else None
        found.append(values.get(printed(key)) if isinstance(values, Mapping) else None)
    return found


def parent_output(run: "Run", index: object = None) -> object:
    """Return the outputs of the task around this one, or of one further out (0 is the outermost)."""
    parent = run.scope.get("parent")
    if index is not None:
        parents = list_of(run.scope.get("parents", []))
        if not isinstance(index, int) or not 0 <= index < len(parents):
            raise Refused(say("There are %(count)s parents.", count=len(parents)))
        parent = parents[-1 - index]
    name = _map_of(_map_of(parent).get("task")).get("id")
    outputs = _map_of(run.scope.get("outputs", {})).get(name)
    value = _value_of(parent)
    return _map_of(outputs).get(value) if outputs is not None and value is not None else outputs


def tasks_with_state(run: "Run", state: object) -> object:
    """Return the tasks that are in a state, as a list of `taskId`, `state` and, for rounds of a loop, `value`."""
    wanted = printed(state).upper()
    found: list[object] = []
    for task_id, details in _map_of(run.scope.get("tasks", {})).items():
        for key, value in _map_of(details).items():
            if key == "state" and printed(value).upper() == wanted:
                found.append({"taskId": task_id, "state": wanted})
            elif isinstance(value, Mapping) and printed(value.get("state", "")).upper() == wanted:
                found.append({"taskId": task_id, "state": wanted, "value": key})
    return found


# -- chance


def _chance(run: "Run") -> random.Random:
    given = run.scope.get(RANDOM)
    return given if isinstance(given, random.Random) else secrets.SystemRandom()


def uuid(run: "Run") -> object:
    """Return a new random UUID."""
    return str(UUID(int=_chance(run).getrandbits(128), version=4))


def friendly_id(run: "Run") -> object:
    """Return a new short id of letters and digits."""
    number, text = _chance(run).getrandbits(128), ""
    while number:
        number, digit = divmod(number, 62)
        text = _BASE62[digit] + text
    return text


def nano_id(run: "Run", length: object = 21, alphabet: object = None) -> object:
    """Return a new id of `length` characters of an alphabet."""
    letters = printed(alphabet) if alphabet else _BASE62 + "_-"
    if not isinstance(length, int) or not 1 <= length <= 1_000 or len(letters) > 1_000:
        raise Refused(say("`nanoId` has 1 to 1000 characters."))
    chance = _chance(run)
    return "".join(chance.choice(letters) for _ in range(length))


def ksuid(run: "Run") -> object:
    """Return a new id that sorts by time: 27 letters and digits."""
    seconds = int(run.at.timestamp()) - 1_400_000_000
    number, text = (max(seconds, 0) << 128) | _chance(run).getrandbits(128), ""
    for _ in range(27):
        number, digit = divmod(number, 62)
        text = (string.digits + string.ascii_uppercase + string.ascii_lowercase)[digit] + text
    return text


def random_int(run: "Run", lower: object, upper: object) -> object:
    """Return a whole number from `lower` up to, not including, `upper`."""
    if not isinstance(lower, int) or not isinstance(upper, int) or lower >= upper:
        raise Refused(say("`randomInt` needs two whole numbers, the smaller one first."))
    return _chance(run).randrange(lower, upper)


def random_port(run: "Run") -> object:
    """Return a number that may be a free port; whether it is free is not looked at."""
    return _chance(run).randrange(49152, 65536)


# -- dates


def now(
    run: "Run", format_: object = None, time_zone: object = None, existing_format: object = None, locale: object = None
) -> object:
    """Return the instant of this rendering, in a format; without one as ISO 8601 in the zone."""
    del existing_format  # taken, and without meaning, as in the field
    return written(
        run.at, "iso" if format_ is None else printed(format_), zone_of(time_zone, run.zone), locale_of(locale)
    )


def is_weekend(date_: object) -> object:
    """Say whether a date is a Saturday or a Sunday."""
    return day_of(date_).isoweekday() > 5


def day_of_week(date_: object) -> object:
    """Return the name of the day in capitals: MONDAY ..."""
    return WEEKDAYS[day_of(date_).weekday()]


def day_of_month(date_: object) -> object:
    """Return the day of the month."""
    return day_of(date_).day


def month_of_year(date_: object) -> object:
    """Return the number of the month."""
    return day_of(date_).month


def hour_of_day(run: "Run", date_: object) -> object:
    """Return the hour that is written in a date, from 0 to 23."""
    return moment(date_, run.zone).hour


def is_day_week_in_month(date_: object, day_of_week: object, position: object) -> object:
    """Say whether a date is the FIRST, SECOND, THIRD, FOURTH or LAST of a weekday in its month."""
    day = day_of(date_)
    place = printed(position).upper()
    order = {"FIRST": 1, "SECOND": 2, "THIRD": 3, "FOURTH": 4, "LAST": 0}
    if place not in order:
        raise Refused(say("The position is FIRST, SECOND, THIRD, FOURTH or LAST."))
    if WEEKDAYS[day.weekday()] != _weekday(day_of_week):
        return False
    return (day + timedelta(days=7)).month != day.month if place == "LAST" else (day.day + 6) // 7 == order[place]


def is_last_working_day(date_: object, working_days: object = None) -> object:
    """Say whether a date is the last working day (Monday to Friday, or those given) of its month."""
    named = printed(working_days).replace(",", " ").split() if working_days else WEEKDAYS[:5]
    working = {_weekday(name) for name in named}
    day = day_of(date_)
    last = date(day.year, day.month, calendar.monthrange(day.year, day.month)[1])
    while WEEKDAYS[last.weekday()] not in working:
        last -= timedelta(days=1)
    return day == last


def _weekday(name: object) -> str:
    text = printed(name).strip().upper()
    if text not in WEEKDAYS:
        raise Refused(say("`%(day)s` is not a day such as MONDAY.", day=text[:30]))
    return text


def _instant(run: "Run", value: object) -> datetime:
    return moment(value, run.zone)


def is_date_after(run: "Run", date_: object, after: object) -> object:
    """Say whether a date is after another."""
    return _instant(run, date_) > _instant(run, after)


def is_date_before(run: "Run", date_: object, before_: object) -> object:
    """Say whether a date is before another."""
    return _instant(run, date_) < _instant(run, before_)


def is_date_between(run: "Run", date_: object, after: object, before_: object) -> object:
    """Say whether a date is after one and before another."""
    return _instant(run, after) < _instant(run, date_) < _instant(run, before_)


FUNCTIONS: dict[str, Callable[..., object]] = {
    "currentEachOutput": current_each_output,
    "currentOutput": current_each_output,
    "dayOfMonth": day_of_month,
    "dayOfWeek": day_of_week,
    "env": env,
    "fetchContext": fetch_context,
    "fromIon": from_ion,
    "fromJson": from_json,
    "hourOfDay": hour_of_day,
    "id": friendly_id,
    "isDateAfter": is_date_after,
    "isDateBefore": is_date_before,
    "isDateBetween": is_date_between,
    "isDayWeekInMonth": is_day_week_in_month,
    "isLastWorkingDay": is_last_working_day,
    "isWeekend": is_weekend,
    "iterationOutput": iteration_output,
    "iterationOutputs": iteration_outputs,
    "json": from_json,
    "ksuid": ksuid,
    "loopOutputs": loop_outputs,
    "max": largest,
    "min": smallest,
    "monthOfYear": month_of_year,
    "nanoId": nano_id,
    "now": now,
    "outputFromIteration": output_from_iteration,
    "parentOutput": parent_output,
    "printContext": print_context,
    "randomInt": random_int,
    "randomPort": random_port,
    "range": range_,
    "render": render,
    "renderOnce": render_once,
    "tasksWithState": tasks_with_state,
    "uuid": uuid,
    "yaml": from_yaml,
}
