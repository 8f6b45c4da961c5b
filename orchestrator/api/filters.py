"""`filters[field][OP]=value`, `page`, `size` and `sort`, as the field's clients write them, as conditions on rows."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Model, Q, QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_datetime, parse_duration
from django.utils.translation import gettext as _

from orchestrator.core.states import State
from tenants.errors import Invalid

COUNTED = 10_000
LARGEST_PAGE = 200
DEEPEST = 10_000
_FILTER = re.compile(r"filters\[([A-Za-z_]+)\]\[([A-Z_]+)\](?:\[([^\]]{1,200})\])?")
_OLD_NAMES = ("q", "namespace", "flowId", "state", "labels", "startDate", "endDate", "timeRange")

Condition = Callable[[str, list[str], str], Q]


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is wanted."""

    number: int
    size: int

    @property
    def rows(self) -> slice:
        """The rows of this page."""
        return slice((self.number - 1) * self.size, self.number * self.size)


def page_of(query: QueryDict, usual: int = 10) -> Page:
    """Read `page` (from 1) and `size`."""
    number, size = _whole(query, "page", 1), _whole(query, "size", usual)
    if size > LARGEST_PAGE:
        raise Invalid.in_field("size", _("At most %(most)s results at once.") % {"most": LARGEST_PAGE})
    if number * size > DEEPEST:
        raise Invalid.in_field("page", _("This is too deep into the list; narrow it down with filters."))
    return Page(number, size)


def sorted_by(rows: QuerySet[Any], query: QueryDict, fields: Mapping[str, str], usual: Iterable[str]) -> QuerySet[Any]:
    """Order `rows` as `sort=field:asc` says (several, in order); `fields` are the names clients may use."""
    order: list[str] = []
    for wanted in [part for text in query.getlist("sort") for part in text.split(",") if part]:
        name, _colon, direction = wanted.partition(":")
        if name not in fields or direction.lower() not in {"", "asc", "desc"}:
            raise Invalid.in_field("sort", _("There is no order %(sort)s here.") % {"sort": wanted[:80]})
        order.append(f"{'-' if direction.lower() == 'desc' else ''}{fields[name]}")
    return rows.order_by(*(order or usual), "pk")


def total_of(rows: "QuerySet[Model]") -> int:
    """Count `rows`, at most 10,000: beyond that a count costs more than it tells."""
    return len(rows.order_by().values_list("pk", flat=True)[:COUNTED])


def condition_of(query: QueryDict, known: Mapping[str, Condition]) -> Q:
    """Return all filters of a query as one condition; raises Invalid for a field or an operation that is unknown."""
    condition = Q()
    for name in query:
        match = _FILTER.fullmatch(name)
        if match is not None:
            field, operation, key = match[1], match[2], match[3] or ""
        elif name in _OLD_NAMES and name in known:
            field, operation, key = name, "IN" if name == "state" else "EQUALS", ""
        elif name.startswith("filters"):
            raise Invalid.in_field("filters", _("%(name)s is not a filter.") % {"name": name[:80]})
        else:
            continue
        if field not in known:
            raise Invalid.in_field("filters", _("There is no filter %(name)s here.") % {"name": field})
        values = [value.replace("\x00", "") for value in query.getlist(name)]
        condition &= known[field](operation, values, key)
    return condition


def text(column: str) -> Condition:
    """Return the filter of a text column."""

    def condition(operation: str, values: list[str], _key: str) -> Q:
        value = values[-1]
        many = [part for one in values for part in one.split(",")]
        match operation:
            case "EQUALS":
                return Q(**{column: value})
            case "NOT_EQUALS":
                return ~Q(**{column: value})
            case "IN":
                return Q(**{f"{column}__in": many})
            case "NOT_IN":
                return ~Q(**{f"{column}__in": many})
            case "CONTAINS":
                return Q(**{f"{column}__contains": value})
            case "STARTS_WITH":
                return Q(**{f"{column}__startswith": value})
            case "ENDS_WITH":
                return Q(**{f"{column}__endswith": value})
            case "PREFIX":  # a namespace and all below it
                return Q(**{column: value}) | Q(**{f"{column}__gte": f"{value}.", f"{column}__lt": f"{value}/"})
        raise _unknown(operation)

    return condition


def state(operation: str, values: list[str], _key: str) -> Q:
    """Filter by state; an unknown state is a mistake, not an empty list."""
    many = [part for one in values for part in one.split(",")]
    for name in many:
        if name not in State.__members__:
            raise Invalid.in_field("filters.state", _("There is no state %(name)s.") % {"name": name[:40]})
    match operation:
        case "EQUALS" | "IN":
            return Q(state__in=many)
        case "NOT_EQUALS" | "NOT_IN":
            return ~Q(state__in=many)
    raise _unknown(operation)


def labels(operation: str, values: list[str], key: str) -> Q:
    """Filter by label: `filters[labels][EQUALS][key]=value`, or `key:value` without the last brackets."""
    wanted: dict[str, str] = {}
    for value in values:
        name, found = (key, value) if key else value.split(":", 1) if ":" in value else (value, "")
        wanted[name] = found
    match operation:
        case "EQUALS":
            return Q(labels__contains=wanted)
        case "NOT_EQUALS":
            return ~Q(labels__contains=wanted)
    raise _unknown(operation)


def moment(column: str, usual: str) -> Condition:
    """Return the filter of a time; EQUALS means `usual` (gte or lte), as the field has it."""
    lookups = {
        "EQUALS": usual,
        "GREATER_THAN_OR_EQUAL_TO": "gte",
        "GREATER_THAN": "gt",
        "LESS_THAN_OR_EQUAL_TO": "lte",
        "LESS_THAN": "lt",
    }

    def condition(operation: str, values: list[str], _key: str) -> Q:
        if operation not in lookups:
            raise _unknown(operation)
        try:
            at = parse_datetime(values[-1].replace(" ", "+"))
        except ValueError:
            at = None
        if at is None:
            raise Invalid.in_field(
                "filters",
                _("%(value)s is not a time such as 2026-01-31T08:00:00Z.")
                % {
                    "value": values[-1][:40],
                },
            )
        return Q(**{f"{column}__{lookups[operation]}": at if timezone.is_aware(at) else timezone.make_aware(at)})

    return condition


def within(column: str) -> Condition:
    """Return the filter `timeRange`: an ISO 8601 duration back from now."""

    def condition(_operation: str, values: list[str], _key: str) -> Q:
        try:
            span = parse_duration(values[-1])
        except (ValueError, OverflowError):
            span = None
        if span is None or not timedelta(0) < span < timedelta(days=36_500):
            raise Invalid.in_field(
                "filters.timeRange",
                _("%(value)s is not a duration such as PT24H.")
                % {
                    "value": values[-1][:40],
                },
            )
        return Q(**{f"{column}__gte": timezone.now() - span})

    return condition


def anything(_operation: str, _values: list[str], _key: str) -> Q:
    """Accept a filter that says nothing here, such as `scope`."""
    return Q()


def words(*columns: str) -> Condition:
    """Return the filter `q`: every word stands in one of the columns."""

    def condition(_operation: str, values: list[str], _key: str) -> Q:
        found = Q()
        for word in values[-1].split()[:10]:
            one = Q()
            for column in columns:
                one |= Q(**{f"{column}__icontains": word})
            found &= one
        return found

    return condition


def _whole(query: QueryDict, name: str, usual: int) -> int:
    written = query.get(name) or str(usual)
    if not (written.isascii() and written.isdecimal() and int(written[:9]) > 0 and len(written) < 9):
        raise Invalid.in_field(name, _("This must be a whole number of at least 1."))
    return int(written)


def _unknown(operation: str) -> Invalid:
    return Invalid.in_field("filters", _("%(operation)s cannot be used here.") % {"operation": operation})
