"""The doors work as the role that web processes take, behind row-level security, and see one tenant alone."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from orchestrator.models import Execution, Flow
from orchestrator.triggers import webhook
from tenants.models.owned import TenantOwned
from tests.cast import HOME, Cast, cast
from tests.orchestrator.stage import ASKING, door, hello, hooked, program, saved, settle

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage(settings, tmp_path):
    settings.STORAGE_URL = f"file://{tmp_path}/storage"
    webhook.forget_all()
    made = cast()
    saved(made, ASKING)
    saved(made, hooked())
    saved(made, hello("hers"), by="dana")
    return made


@contextmanager
def web_role() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE portico_web")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")


def test_an_engineers_day_behind_the_wall(stage: Cast):
    page, api = door(stage, "alice"), program(stage, "alice")
    with web_role():
        assert page.post("/ui/acme/flows/new", {"source": hello("mine"), "base": "0"}).status_code == 302
        assert "mine" in page.get("/ui/acme/flows").content.decode()
        report = SimpleUploadedFile("July.csv", b"a\n")
        run = api.post(f"/api/v1/acme/executions/{HOME}/asking", {"name": "Ada", "report": report}).json()["id"]
        called = Client().post(f"/api/v1/acme/executions/webhook/{HOME}/hooked/a-long-secret-key").json()["id"]
        again = Client().post(
            f"/api/v1/acme/executions/webhook/{HOME}/hooked/a-long-secret-key",
            headers={"idempotency-key": "1"},
        )
        assert again.status_code == 200
    settle()
    with web_role():
        for address in ("", "/changes", "/logs", "/logs.txt"):
            assert page.get(f"/ui/acme/executions/{run}{address}").status_code == 200, address
        assert "Hello Ada" in page.get(f"/ui/acme/executions/{run}").content.decode()
        assert page.get(f"/ui/acme/executions/{called}").status_code == 200
        assert page.get("/ui/acme/executions").content.decode().count("Succeeded</span>") >= 3
        assert page.post(f"/ui/acme/flows/{HOME}/mine/switch", {"to": "disabled"}).status_code == 302
        assert page.post(f"/ui/acme/flows/{HOME}/mine/delete").status_code == 302


def test_nothing_of_another_tenant_is_there_even_for_a_query_that_forgot_to_ask(stage: Cast):
    with web_role(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.tenant_id', %s, true)", [str(stage.tenant.pk)])
        assert {flow.flow_id for flow in Flow.across_tenants.all()} == {"asking", "hooked"}
        cursor.execute("SELECT set_config('app.tenant_id', '', true)")
        assert not Flow.across_tenants.exists()
        assert not Execution.across_tenants.exists()


def test_every_table_of_a_tenant_has_its_wall():
    tables = {
        model._meta.db_table
        for model in apps.get_app_config("orchestrator").get_models()
        if issubclass(model, TenantOwned)
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid "
            "WHERE c.relrowsecurity AND p.polname = 'tenant_wall'",
        )
        walled = {row[0] for row in cursor.fetchall()}
    assert tables - walled == set()
