"""The cast of every permission test, on one set-up.

Alice owns `company.team`, Bob may run there but not write, Charlie is in the tenant without rights, Dana is in another
tenant, Otto is the instance owner and in no tenant.
"""

from dataclasses import dataclass

from tenants.actor import Actor
from tenants.models import Tenant, User
from tests import factories

HOME = "company.team"
ELSEWHERE = "company.other"


@dataclass(frozen=True)
class Cast:
    """The people, their tenants, and their rights as a request loads them now."""

    tenant: Tenant
    other_tenant: Tenant
    alice: User
    bob: User
    charlie: User
    dana: User
    otto: User
    admin: User

    def actor(self, name: str) -> Actor:
        """Return the actor of `alice`, `bob`, `charlie` or `admin` in the tenant, of `dana` in hers."""
        tenant = self.other_tenant if name == "dana" else self.tenant
        return factories.actor(tenant=tenant, user=getattr(self, name))


def cast(*, slug: str = "acme", other_slug: str = "globex", passwords: bool = False) -> Cast:
    """Set the stage; call it inside a test with a database.

    With `passwords` everybody can sign in with factories.PASSWORD; hashing those takes most of the time.
    """
    password = factories.PASSWORD if passwords else None
    people = {
        name: factories.user(name=name.capitalize(), email=f"{name}@example.com", password=password)
        for name in ("alice", "bob", "charlie", "dana", "admin")
    }
    otto = factories.user(name="Otto", email="otto@example.com", password=password, instance_owner=True)
    tenant = factories.tenant(slug=slug, name="Acme", admin=people["admin"])
    other = factories.tenant(slug=other_slug, name="Globex", admin=people["dana"])
    for name in ("alice", "bob", "charlie"):
        factories.member(tenant=tenant, user=people[name])
    for name, role in (("alice", "Developer"), ("bob", "Launcher")):
        factories.binding(
            tenant=tenant,
            user=people[name],
            role=factories.built_in_role(tenant=tenant, name=role),
            namespace=HOME,
        )
    return Cast(tenant=tenant, other_tenant=other, otto=otto, **people)
