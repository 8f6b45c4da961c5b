"""The first start of a fresh server: its set-up page works once, with a token that only the operator has seen."""

from django.conf import settings
from django.db import connection, transaction
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from tenants import users
from tenants.errors import Conflict, Forbidden
from tenants.models import Tenant, User
from tenants.tenancy import create_tenant

_LOCK = 0x706F7274  # "port": two set-ups at once wait for each other


def needed() -> bool:
    """Say whether nobody exists yet."""
    return not User.objects.exists()


def token() -> str:
    """Return the one-time token to print at start; empty when PORTICO_SETUP_TOKEN is set to nothing.

    Without that setting it comes from the secret key, so every process and machine knows the same without storing it.
    It is worth nothing once a user exists.
    """
    given: str | None = getattr(settings, "SETUP_TOKEN", None)
    if given is not None:
        return given
    return salted_hmac("portico.first-run", "token", algorithm="sha256").hexdigest()[:32]


def create_first_owner(
    *,
    given_token: str,
    email: str,
    name: str,
    password: str,
    tenant_slug: str,
    tenant_name: str,
) -> tuple[User, Tenant]:
    """Make the first user, an instance owner, and the first tenant with them as its Admin.

    Raises Conflict once any user exists, Forbidden for a wrong token, Invalid for a bad field.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        if not needed():
            raise Conflict(_("This server is set up already."))
        if not constant_time_compare(given_token.strip(), token()):
            raise Forbidden(message=_("This is not the token that the server printed when it started."))
        owner = users.create(email=email.strip(), name=name, password=password)
        owner.is_instance_owner = True
        owner.save(update_fields=["is_instance_owner"])
        tenant = create_tenant(slug=tenant_slug, name=tenant_name, first_admin=owner, acting=None)
    return owner, tenant
