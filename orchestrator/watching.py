"""Who watches, over and over: an open socket or stream asks every few seconds whether its owner may still see.

Rights, memberships, sessions and tokens end while a connection is open; within `AGAIN` seconds it must notice.
"""

from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest

from tenants import tokens
from tenants.actor import Actor, actor_in, seat_of
from tenants.tenancy import in_tenant

AGAIN = 5.0  # seconds


class Visitor:
    """Somebody with an open connection, known by their session or by their token."""

    def __init__(self, tenant: str, *, session_key: str | None = None, bearer: str | None = None) -> None:
        self.tenant = tenant
        self._session_key = session_key
        self._bearer = bearer

    def user_id(self) -> int | None:
        """Return who it is as of now; None when the session or the token has ended."""
        if self._bearer is not None:
            token = tokens.find(self._bearer)
            return None if token is None else token.user_id
        return None if self._session_key is None else _user_of_session(self._session_key)

    def actor(self) -> Actor | None:
        """Return the actor with the rights of now; None when they are not, or no longer, in the tenant.

        Call it from a thread, outside of a tenant's transaction.
        """
        token = None if self._bearer is None else tokens.find(self._bearer)
        user_id = self.user_id() if token is None else token.user_id
        if user_id is None:
            return None
        seat = seat_of(user_id, self.tenant)
        if seat is None or (token is not None and token.tenant_id != seat.tenant.pk):
            return None
        with in_tenant(seat.tenant.pk):
            return actor_in(seat, token=token)


def _user_of_session(session_key: str) -> int | None:
    """Return who a session belongs to, as Django itself would find out for a request."""
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user = get_user(request)
    return user.pk if user.is_authenticated else None
