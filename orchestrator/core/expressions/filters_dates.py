"""Filters for dates; without a zone they use the rendering's own, which is UTC unless the scope says otherwise."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from orchestrator.core.expressions.dates import added, locale_of, moment, written, zone_of
from orchestrator.core.expressions.printing import printed
from orchestrator.core.expressions.problems import Refused
from orchestrator.core.sentences import say

if TYPE_CHECKING:
    from orchestrator.core.expressions.run import Run

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def date(
    run: "Run",
    value: object,
    format_: object = "iso",
    time_zone: object = None,
    existing_format: object = None,
    locale: object = None,
) -> object:
    """Write a date in a named format or a Java pattern."""
    if value is None:
        return None
    zone, language = zone_of(time_zone, run.zone), locale_of(locale)
    return written(moment(value, zone, existing_format, language), printed(format_), zone, language)


def date_add(
    run: "Run",
    value: object,
    amount: object,
    unit: object,
    format_: object = "iso",
    time_zone: object = None,
    existing_format: object = None,
    locale: object = None,
) -> object:
    """Move a date by some DAYS, HOURS, MONTHS ..., and write it."""
    if value is None:
        return None
    if not isinstance(amount, int) or abs(amount) > 10**15:
        raise Refused(say("`dateAdd` takes a whole number."))
    zone, language = zone_of(time_zone, run.zone), locale_of(locale)
    at = moment(value, zone, existing_format, language).astimezone(zone)
    return written(added(at, amount, printed(unit)), printed(format_), zone, language)


def _timestamp(unit: timedelta, *, as_text: bool) -> Callable[..., object]:
    def timestamp(run: "Run", value: object, existing_format: object = None, time_zone: object = None) -> object:
        if value is None:
            return None
        at = moment(value, zone_of(time_zone, run.zone), existing_format)
        since = (at - _EPOCH) // unit
        return str(since) if as_text else since

    return timestamp


def _timestamp_nano(run: "Run", value: object, existing_format: object = None, time_zone: object = None) -> object:
    micros = _timestamp(timedelta(microseconds=1), as_text=False)(run, value, existing_format, time_zone)
    return None if micros is None else f"{micros}000"


FILTERS: dict[str, Callable[..., object]] = {
    "date": date,
    "dateAdd": date_add,
    "timestamp": _timestamp(timedelta(seconds=1), as_text=False),
    "timestampMilli": _timestamp(timedelta(milliseconds=1), as_text=False),
    "timestampMicro": _timestamp(timedelta(microseconds=1), as_text=True),
    "timestampNano": _timestamp_nano,
}
