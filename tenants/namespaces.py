"""Namespaces as rows: one exists from the first thing saved in it."""

from django.utils.translation import gettext as _

from tenants import access, audit
from tenants.actor import Actor
from tenants.core.namespaces import is_namespace
from tenants.errors import Invalid
from tenants.models import Namespace


def ensure(actor: Actor, path: str) -> Namespace:
    """Return the namespace `path`; one that does not exist yet needs `namespace.create` there.

    Raises Invalid for a text that cannot name one.
    """
    if not is_namespace(path):
        raise Invalid.in_field(
            "namespace", _("A namespace has lower-case words joined by dots, such as finance.reports.")
        )
    known = Namespace.objects.in_tenant(actor).filter(path=path).first()
    if known is not None:
        return known
    access.require(actor, "namespace.create", path)
    made, new = Namespace.across_tenants.get_or_create(tenant_id=actor.tenant_id, path=path)
    if new:
        audit.record(actor, "namespace.create", "namespace", made.pk, namespace=path, after={"path": path})
    return made


def visible(actor: Actor, action: str = "namespace.list") -> list[Namespace]:
    """Return the namespaces on which the actor holds `action`, by path."""
    seen = access.visible_to(actor, action, namespace_field="path", starter_field=None)
    return list(Namespace.objects.in_tenant(actor).filter(seen).order_by("path"))
