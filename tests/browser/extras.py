"""Let people into a running Portico whom the demo does not have: a stranger with a tenant of her own, and an idle one."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from tenants import users  # noqa: E402
from tenants.actor import Actor  # noqa: E402
from tenants.models import Tenant  # noqa: E402
from tenants.tenancy import create_tenant, in_tenant  # noqa: E402
from tests.browser.ground import IDLE, PASSWORD, STRANGER  # noqa: E402


def main() -> None:
    """Make them."""
    dana = users.create(email=STRANGER, name="Dana", password=PASSWORD)
    create_tenant(slug="globex", name="Globex", first_admin=dana, acting=None)
    demo = Tenant.objects.get(slug="demo")
    with in_tenant(demo.pk):
        users.add_member(Actor.system(demo.pk), email=IDLE, name="Charlie", password=PASSWORD)


if __name__ == "__main__":
    main()
