"""Lists whose state lives in the address: filters as chips, keyset pages that cost the same however deep."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.dateparse import parse_datetime

if TYPE_CHECKING:
    from orchestrator.models import Execution, Flow

PAGE = 25


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list, and the addresses of the first and the next one (empty: there is none)."""

    rows: Sequence[Any]
    first_url: str
    next_url: str


def newest_first(rows: "QuerySet[Execution]", asked: Mapping[str, str], after: str) -> Page:
    """Return the page of executions behind `after`, newest first."""
    place = _place_of(after)
    if place is not None:
        at, execution_id = place
        rows = rows.filter(Q(created_at__lt=at) | Q(created_at=at, id__lt=execution_id))
    found = list(rows.order_by("-created_at", "-id")[: PAGE + 1])
    last = found[PAGE - 1] if len(found) > PAGE else None
    return _page(found, asked, after, f"{last.created_at.isoformat()}~{last.id}" if last else "")


def by_name(rows: "QuerySet[Flow]", asked: Mapping[str, str], after: str) -> Page:
    """Return the page of flows behind `after`, by namespace and id."""
    namespace, slash, flow_id = after.replace("\x00", "").partition("/")
    if slash:
        rows = rows.filter(Q(namespace__gt=namespace) | Q(namespace=namespace, flow_id__gt=flow_id))
    found = list(rows.order_by("namespace", "flow_id")[: PAGE + 1])
    last = found[PAGE - 1] if len(found) > PAGE else None
    return _page(found, asked, after, f"{last.namespace}/{last.flow_id}" if last else "")


def chips(asked: Mapping[str, str], labels: Mapping[str, str]) -> list[dict[str, str]]:
    """Return a chip for each filter that is on, with the address without it."""
    return [
        {
            "label": f"{labels[name]}: {value}",
            "remove_url": address({other: text for other, text in asked.items() if other != name}),
        }
        for name, value in asked.items()
        if value and name in labels
    ]


def asked_in(query: QueryDict, names: Sequence[str]) -> dict[str, str]:
    """Return the filters of an address, each at most 150 characters of text without NUL."""
    return {name: query.get(name, "").replace("\x00", "").strip()[:150] for name in names}


def address(asked: Mapping[str, str]) -> str:
    """Return the query of an address with the filters that are on."""
    return "?" + urlencode({name: value for name, value in asked.items() if value})


def _page(found: Sequence[Any], asked: Mapping[str, str], after: str, last: str) -> Page:
    return Page(
        rows=found[:PAGE],
        first_url=address(asked) if after else "",
        next_url=address({**asked, "after": last}) if last else "",
    )


def _place_of(after: str) -> tuple[datetime, str] | None:
    when, tilde, execution_id = after.partition("~")
    try:
        at = parse_datetime(when) if tilde else None
    except ValueError:
        return None
    if at is None or at.tzinfo is None or not (execution_id.isascii() and execution_id.isalnum()):
        return None
    return at, execution_id[:22]
