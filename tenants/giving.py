"""Nobody can give what they do not hold: the check before every binding, group membership, role change and token."""

from collections.abc import Iterable
from datetime import datetime

from tenants.access import lasting_grants, who_can_grant
from tenants.actor import Actor, Rights
from tenants.core.grants import Grants, Held, Reach
from tenants.errors import Forbidden


def require_holds(actor: Actor, held: Iterable[Held], *, until: datetime | None) -> None:
    """Raise Forbidden unless `actor` holds all of `held` for everybody's runs, now and until then (None: for ever)."""
    given = list(held)
    if actor.is_system or not given:
        return
    lasting = lasting_grants(actor, until)
    for one in given:
        for grants in (actor.grants, lasting):
            missing = _missing(grants, one)
            if missing:
                raise Forbidden(missing, who_can_grant(actor.tenant_id, missing, one.place), namespace=one.place)


def require_shares(actor: Actor, shares: Iterable[tuple[str, int, str]]) -> None:
    """Raise Forbidden unless `actor` may pass on each (action, app id, namespace)."""
    for action, app_id, namespace in shares:
        if not (actor.is_system or actor.grants.holds_share(action, app_id, namespace)):
            raise Forbidden(action, who_can_grant(actor.tenant_id, action, namespace), namespace=namespace)


def require_all_of(actor: Actor, rights: Rights) -> None:
    """Raise Forbidden unless `actor` holds, for ever, all that somebody else's `rights` add up to."""
    reaches = rights.grants.by_action
    require_holds(
        actor,
        (Held(frozenset({action}), place) for action, reach in reaches.items() for place in _all(reach)),
        until=None,
    )
    require_shares(actor, ((action, app_id, "") for action, reach in reaches.items() for app_id in reach.apps))


def _all(reach: Reach) -> frozenset[str]:
    return reach.places | reach.own_places


def _missing(grants: Grants, held: Held) -> str:
    return next(
        (action for action in sorted(held.actions) if not grants.holds(Held(frozenset({action}), held.place))),
        "",
    )
