"""The catalog: the apps an actor may see, found by words, category and tag, and what they may do with each."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import F, Func, Q, QuerySet, TextField
from django.utils import timezone

from apps_portal.access import apps_visible_to, is_open, may_run, open_now, runnable
from apps_portal.models import App, Submission
from apps_portal.search import words_beginning
from orchestrator.core.states import State
from tenants.access import visible_to
from tenants.actor import Actor

PAGE = 60
RECENT = 6


@dataclass(frozen=True, slots=True)
class Card:
    """An app as the catalog shows it."""

    app: App
    may_run: bool
    open: bool
    last: Submission | None = None  # the actor's own last use

    @property
    def last_state(self) -> State | None:
        """Return the state of the actor's last run of it."""
        execution = self.last.execution if self.last else None
        return State(execution.state) if execution else None


@dataclass(frozen=True, slots=True)
class Shelf:
    """One page of the catalog and what it can be sifted by."""

    cards: tuple[Card, ...]
    categories: tuple[str, ...]
    tags: tuple[str, ...]
    total: int
    next_after: str = ""  # keyset: show what comes after this name


def search(
    actor: Actor,
    text: str = "",
    *,
    category: str = "",
    tag: str = "",
    after: str = "",
    limit: int = PAGE,
) -> Shelf:
    """Return the apps that `actor` may see, by name; only builders see those that are switched off or not listed."""
    listed = apps_visible_to(actor).filter(_on_show(actor))
    found = listed
    query = words_beginning(text)
    if query is not None:
        found = found.filter(search=query)
    elif text.strip():
        found = found.none()
    if category:
        found = found.filter(category=category)
    if tag:
        found = found.filter(tags__contains=[tag])
    total = found.count()
    page = list(_after(found, after).select_related("flow").order_by("display_name", "uid")[: limit + 1])
    more = len(page) > limit
    page = page[:limit]
    return Shelf(
        cards=tuple(cards_of(actor, page)),
        categories=_categories(listed),
        tags=_tags(listed),
        total=total,
        next_after=f"{page[-1].display_name}\n{page[-1].uid}" if more else "",
    )


def recent(actor: Actor, limit: int = RECENT) -> list[Card]:
    """Return the apps the actor used last, newest first, as far as they may still run them."""
    if actor.user_id is None:
        return []
    used = (
        Submission.objects.in_tenant(actor)
        .filter(user_id=actor.user_id)
        .order_by("-number")
        .values_list("app_id", flat=True)
    )
    ids = list(dict.fromkeys(used[:200]))[: limit * 2]
    apps = {app.pk: app for app in _usable(actor).filter(pk__in=ids).select_related("flow")}
    return cards_of(actor, [apps[pk] for pk in ids if pk in apps][:limit])


def suggested(actor: Actor, limit: int = 3) -> list[Card]:
    """Return a few apps the actor may run, for someone who has not used any."""
    return cards_of(actor, list(_usable(actor).select_related("flow").order_by("-updated_at")[:limit]))


def cards_of(actor: Actor, apps: Sequence[App]) -> list[Card]:
    """Return the cards of `apps` in their order, with the actor's last use of each; one query for all."""
    last: dict[int, Submission] = {}
    if apps and actor.user_id is not None:
        rows = (
            Submission.objects.in_tenant(actor)
            .filter(user_id=actor.user_id, app__in=apps)
            .order_by("app_id", "-number")
            .distinct("app_id")
            .select_related("execution")
        )
        last = {row.app_id: row for row in rows}
    return [Card(app, may_run(actor, app), is_open(app), last.get(app.pk)) for app in apps]


def find(actor: Actor, text: str, limit: int) -> list[App]:
    """Return apps the actor may run whose words begin with what was typed, for the palette."""
    query = words_beginning(text)
    rows = _usable(actor)
    rows = rows.filter(search=query) if query is not None else rows
    return list(rows.order_by("display_name")[:limit])


def _usable(actor: Actor) -> QuerySet[App]:
    return App.objects.in_tenant(actor).filter(runnable(actor), open_now(), listed=True, deleted_at=None)


def _on_show(actor: Actor) -> Q:
    """Builders see all of theirs; for others an app must be listed, switched on and within its dates."""
    now = timezone.now()
    dates = (Q(starts_at=None) | Q(starts_at__lte=now)) & (Q(ends_at=None) | Q(ends_at__gt=now))
    return Q(listed=True, disabled=False) & dates | visible_to(actor, "app.update", starter_field=None)


def _after(rows: QuerySet[App], after: str) -> QuerySet[App]:
    name, _, uid = after.partition("\n")
    if not uid:
        return rows
    return rows.filter(Q(display_name__gt=name) | Q(display_name=name, uid__gt=uid))


def _categories(rows: QuerySet[App]) -> tuple[str, ...]:
    return tuple(rows.exclude(category="").order_by("category").values_list("category", flat=True).distinct()[:50])


def _tags(rows: QuerySet[App]) -> tuple[str, ...]:
    each = Func(F("tags"), function="unnest", output_field=TextField())
    return tuple(rows.annotate(tag=each).order_by("tag").values_list("tag", flat=True).distinct()[:50])
