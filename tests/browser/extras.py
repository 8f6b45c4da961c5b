"""Add to a running Portico what the demo lacks: a stranger with a tenant of her own, an idle member, two apps."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from apps_portal import demo, publishing  # noqa: E402
from orchestrator import flows  # noqa: E402
from tenants import users  # noqa: E402
from tenants.actor import Actor, actor_in, seat_of  # noqa: E402
from tenants.models import Tenant  # noqa: E402
from tenants.tenancy import create_tenant, in_tenant  # noqa: E402
from tests.browser.flows import SHARED, SLOW, flow_text  # noqa: E402
from tests.browser.ground import IDLE, PASSWORD, STRANGER  # noqa: E402


def main() -> None:
    """Make them."""
    add_people()
    add_apps()


def add_people() -> None:
    dana = users.create(email=STRANGER, name="Dana", password=PASSWORD)
    create_tenant(slug="globex", name="Globex", first_admin=dana, acting=None)
    demo = Tenant.objects.get(slug="demo")
    with in_tenant(demo.pk):
        users.add_member(Actor.system(demo.pk), email=IDLE, name="Charlie", password=PASSWORD)


def add_apps() -> None:
    tenant = Tenant.objects.get(slug="demo")
    engineer = users.by_email(demo.ENGINEER.email)
    assert engineer is not None
    with in_tenant(tenant.pk):
        seat = seat_of(engineer.pk, tenant.slug)
        assert seat is not None
        emil = actor_in(seat)
        for text in (flow_text(SHARED), SLOW):
            flow = flows.save(emil, text).flow
            publishing.publish_flow(emil, flow, publishing.draft_of(flow))


if __name__ == "__main__":
    main()
