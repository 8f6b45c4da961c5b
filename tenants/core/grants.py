"""What one actor may do, as a value, and the one rule that reads it.

`visible_to` in tenants/access.py is the same rule written as a condition on rows; a property test holds the two equal.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from tenants.core.namespaces import covers, outermost


class Reason(StrEnum):
    """Why a verdict says what it says."""

    SYSTEM = "system"  # the engine's own act
    PLACE = "place"  # a binding reaches the namespace
    OWN = "own"  # a binding for own runs reaches it, and the actor started this one
    SHARED = "shared"  # this app is shared with the actor
    NOT_OWN = "not_own"  # only a binding for own runs reaches it, and somebody else started this one
    MISSING = "missing"  # nothing gives the action here


@dataclass(frozen=True, slots=True)
class Verdict:
    """Yes or no, why, and through which place or app (`company.team`, `app:7`; empty: the whole tenant)."""

    ok: bool
    reason: Reason
    through: str = ""

    def __bool__(self) -> bool:
        return self.ok


@dataclass(frozen=True, slots=True)
class Reach:
    """How far one action goes: in places, in places for own runs only, and for single shared apps."""

    places: frozenset[str] = frozenset()
    own_places: frozenset[str] = frozenset()
    apps: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.places or self.own_places or self.apps)


NOWHERE = Reach()
EVERYWHERE = Reach(places=frozenset({""}))


@dataclass(frozen=True, slots=True)
class Held:
    """A role's actions held in a place: one binding as the rule sees it."""

    actions: frozenset[str]
    place: str
    own_only: bool = False


@dataclass(frozen=True, slots=True)
class Grants:
    """All that one actor may do in one tenant. `user_id` says whose runs are "own"; `system` may everything."""

    user_id: int | None = None
    by_action: Mapping[str, Reach] = field(default_factory=lambda: MappingProxyType({}))
    system: bool = False

    def reach(self, action: str) -> Reach:
        """Return how far `action` goes."""
        return EVERYWHERE if self.system else self.by_action.get(action, NOWHERE)

    def allowed(
        self,
        action: str,
        namespace: str,
        started_by: int | None = None,
        app_id: int | None = None,
    ) -> Verdict:
        """Decide `action` on a thing in `namespace` (empty: on the tenant), started by a user, belonging to an app."""
        if self.system:
            return Verdict(ok=True, reason=Reason.SYSTEM)
        reach = self.by_action.get(action, NOWHERE)
        for place in reach.places:
            if covers(place, namespace):
                return Verdict(ok=True, reason=Reason.PLACE, through=place)
        if app_id is not None and app_id in reach.apps:
            return Verdict(ok=True, reason=Reason.SHARED, through=f"app:{app_id}")
        for place in reach.own_places:
            if covers(place, namespace):
                own = started_by is not None and started_by == self.user_id
                return Verdict(ok=own, reason=Reason.OWN if own else Reason.NOT_OWN, through=place)
        return Verdict(ok=False, reason=Reason.MISSING)

    def anywhere(self, action: str) -> bool:
        """Say whether the actor holds `action` at all, wherever."""
        return bool(self.reach(action))

    def holds(self, held: Held) -> bool:
        """Say whether the actor holds all of `held` themselves, for everybody's runs: the test before giving it on."""
        return all(any(covers(place, held.place) for place in self.reach(action).places) for action in held.actions)

    def holds_share(self, action: str, app_id: int, namespace: str) -> bool:
        """Say whether the actor may pass on `action` for one app in `namespace`."""
        reach = self.reach(action)
        return app_id in reach.apps or any(covers(place, namespace) for place in reach.places)

    def narrowed(self, actions: Iterable[str] | None, place: str) -> "Grants":
        """Return what is left within a token's scope: these actions (None: all), in `place` and below.

        Shares carry no namespace, so a scope with a place drops them.
        """
        chosen = None if actions is None else frozenset(actions)
        if chosen is None and not place:
            return self
        if self.system:
            raise ValueError("the engine's own acts have no scope")
        return Grants(
            user_id=self.user_id,
            by_action=MappingProxyType(
                {
                    action: Reach(
                        places=_within(reach.places, place),
                        own_places=_within(reach.own_places, place),
                        apps=frozenset() if place else reach.apps,
                    )
                    for action, reach in self.by_action.items()
                    if chosen is None or action in chosen
                }
            ),
        )


def _within(places: frozenset[str], limit: str) -> frozenset[str]:
    inside = frozenset(place for place in places if covers(limit, place))
    return outermost(inside | (frozenset({limit}) if any(covers(place, limit) for place in places) else frozenset()))


def grants_of(
    user_id: int | None,
    held: Iterable[Held],
    shares: Iterable[tuple[str, int]] = (),
) -> Grants:
    """Add up bindings and shares (action, app id) into one value; there are no rules that deny."""
    places: dict[str, set[str]] = {}
    own: dict[str, set[str]] = {}
    apps: dict[str, set[int]] = {}
    for one in held:
        reached = own if one.own_only else places
        for action in one.actions:
            reached.setdefault(action, set()).add(one.place)
    for action, app_id in shares:
        apps.setdefault(action, set()).add(app_id)
    return Grants(
        user_id=user_id,
        by_action=MappingProxyType(
            {
                action: Reach(
                    places=outermost(frozenset(places.get(action, ()))),
                    own_places=outermost(frozenset(own.get(action, ()))),
                    apps=frozenset(apps.get(action, ())),
                )
                for action in places.keys() | own.keys() | apps.keys()
            }
        ),
    )
