"""Signing in by password, slowed down for who guesses, without locking out the person they guess at.

Three counters of failures: for a pair of account and address, for an account from wherever, for an address. Each
makes its next try wait longer, up to a few minutes, and forgets after a while. A browser in which the person has signed
in before carries a signed cookie and is counted on its own, so strangers guessing at an account never delay its owner
there.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.core import signing
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from tenants import users
from tenants.errors import Invalid, TooMany
from tenants.models import SignInFailure, User

FORGET_AFTER = timedelta(minutes=30)
DEVICE_SALT = "portico.known-device"
DEVICE_AGE = timedelta(days=180)


@dataclass(frozen=True, slots=True)
class Limit:
    """So many failures are free; each further one doubles the wait, from one second to `longest`."""

    name: str
    free: int
    longest: timedelta

    def wait(self, failures: int) -> timedelta:
        """Return how long to wait after so many failures."""
        over = failures - self.free
        return timedelta(0) if over < 0 else min(timedelta(seconds=2 ** min(over, 20)), self.longest)


PAIR = Limit("pair", free=5, longest=timedelta(minutes=15))
ACCOUNT = Limit("account", free=30, longest=timedelta(minutes=1))
ADDRESS = Limit("address", free=60, longest=timedelta(minutes=5))
DEVICE = Limit("device", free=5, longest=timedelta(minutes=15))


class EmailBackend(BaseBackend):
    """Django's sign-in by e-mail and password. Unknown addresses take as long as wrong passwords."""

    def authenticate(
        self,
        request: HttpRequest | None,  # noqa: ARG002 - Django's shape
        email: str = "",
        password: str = "",
        **_rest: Any,  # noqa: ANN401 - Django's shape
    ) -> User | None:
        """Return the active person with this password, else None."""
        user = users.by_email(email)
        if user is None or user.kind != User.Kind.PERSON:
            User().set_password(password)
            return None
        return user if user.check_password(password) and user.is_active else None

    def get_user(self, user_id: int) -> User | None:
        """Return the user of a session while they are active."""
        return User.objects.filter(pk=user_id, is_active=True, deleted_at=None).first()


def check(email: str, password: str, *, address: str, device: str = "") -> User:
    """Return who signs in; raises Invalid for a wrong pair and TooMany when it is not yet time for another try.

    The try is counted before the password is looked at, so that a thousand at once are a thousand. `device` is what
    `device_cookie` gave this browser earlier.
    """
    email = email.strip().lower()
    counters = _counters(email, address, device)
    now = timezone.now()
    with transaction.atomic():
        rows = [(limit, _locked(limit, key, now)) for limit, key in counters]
        wait = max((row.blocked_until - now for _limit, row in rows), default=timedelta(0))
        if wait > timedelta(0):
            seconds = max(1, round(wait.total_seconds()))
            raise TooMany(seconds, _("Too many tries. Wait %(seconds)s seconds and try again.") % {"seconds": seconds})
        for limit, row in rows:
            row.failures += 1
            row.last_at = now
            row.blocked_until = now + limit.wait(row.failures)
        SignInFailure.objects.bulk_update([row for _limit, row in rows], ["failures", "last_at", "blocked_until"])
    user = EmailBackend().authenticate(None, email=email, password=password)
    if user is None:
        raise Invalid(message=_("E-mail and password do not belong together."))
    _forgive(rows)
    return user


def _counters(email: str, address: str, device: str) -> list[tuple[Limit, str]]:
    if device and known_device(device, email):
        return [(DEVICE, f"{email} {hashlib.sha256(device.encode()).hexdigest()}")]
    return [(ACCOUNT, email), (ADDRESS, address), (PAIR, f"{email} {address}")]


def _locked(limit: Limit, key: str, now: datetime) -> SignInFailure:
    digest = hashlib.sha256(f"{limit.name} {key}".encode()).hexdigest()
    SignInFailure.objects.bulk_create(
        [SignInFailure(key=digest, last_at=now, blocked_until=now)],
        ignore_conflicts=True,
    )
    row = SignInFailure.objects.select_for_update().get(key=digest)
    if row.last_at < now - FORGET_AFTER:
        row.failures = 0
    return row


def _forgive(rows: list[tuple[Limit, SignInFailure]]) -> None:
    """Forget this person's own mistakes; what others did to the account or from the address stays counted."""
    own = [row.pk for limit, row in rows if limit in {PAIR, DEVICE}]
    SignInFailure.objects.filter(pk__in=own).delete()
    for limit, row in rows:
        if limit not in {PAIR, DEVICE}:
            SignInFailure.objects.filter(pk=row.pk, failures=row.failures).update(
                failures=row.failures - 1,
                blocked_until=row.last_at,
            )


def forget_old() -> int:
    """Remove counters that no longer count; the tick calls it."""
    gone, _by_model = SignInFailure.objects.filter(last_at__lt=timezone.now() - FORGET_AFTER).delete()
    return gone


def device_cookie(user: User) -> str:
    """Return the signed text by which this browser is known as one that `user` signed in with."""
    return signing.dumps({"user": user.pk, "at": timezone.now().timestamp()}, salt=DEVICE_SALT)


def known_device(cookie: str, email: str) -> bool:
    """Say whether the owner of `email` has signed in with the browser that holds `cookie`."""
    try:
        said = signing.loads(cookie, salt=DEVICE_SALT, max_age=DEVICE_AGE)
    except signing.BadSignature:
        return False
    user = users.by_email(email)
    return user is not None and said.get("user") == user.pk
