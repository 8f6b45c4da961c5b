"""The wall behind the wall: what the database itself refuses to the role of web processes."""

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction

from tenants import audit
from tenants.models import AuditEntry, Namespace, Notice, Tenant
from tenants.models.owned import TenantOwned
from tenants.tenancy import in_tenant
from tests import cast as stage
from tests import factories


@pytest.fixture
def two_tenants(db):
    one, other = factories.tenant(), factories.tenant()
    for tenant in (one, other):
        Namespace.across_tenants.create(tenant=tenant, path="company")
    return one, other


@pytest.fixture
def as_web(two_tenants):
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE portico_web")
        yield two_tenants
        cursor.execute("RESET ROLE")


def refused(message: str):
    return pytest.raises(DatabaseError, match=message)


def test_every_table_of_a_tenant_has_its_wall(db):
    owned = {model._meta.db_table for model in apps.get_models() if issubclass(model, TenantOwned)}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tablename FROM pg_policies JOIN pg_class ON relname = tablename"
            " WHERE relrowsecurity AND policyname = 'tenant_wall'"
        )
        walled = {row[0] for row in cursor.fetchall()}
    assert owned - walled == set()


def test_without_a_tenant_web_sees_nothing(as_web):
    assert not Namespace.across_tenants.exists()


def test_in_a_tenant_web_sees_its_rows_alone(as_web):
    one, other = as_web
    with in_tenant(one.pk):
        assert set(Namespace.across_tenants.values_list("tenant_id", flat=True)) == {one.pk}
    with in_tenant(other.pk):
        assert set(Namespace.across_tenants.values_list("tenant_id", flat=True)) == {other.pk}


def test_web_cannot_write_into_another_tenant(as_web):
    one, other = as_web
    with refused("row-level security"), in_tenant(one.pk):
        Namespace.across_tenants.create(tenant=other, path="mine.now")
    with refused("row-level security"), in_tenant(one.pk):
        Namespace.across_tenants.filter(path="company").update(tenant=other)
    with in_tenant(one.pk):
        assert Namespace.across_tenants.filter(tenant=other).update(description="changed") == 0
        assert Namespace.across_tenants.filter(tenant=other).delete()[0] == 0


def test_a_tenant_inside_another_gives_way_again(as_web):
    one, other = as_web
    with in_tenant(one.pk):
        with in_tenant(other.pk):
            assert Namespace.across_tenants.get().tenant_id == other.pk
        assert Namespace.across_tenants.get().tenant_id == one.pk
        with pytest.raises(ZeroDivisionError), in_tenant(other.pk):
            raise ZeroDivisionError
        assert Namespace.across_tenants.get().tenant_id == one.pk


def test_web_cannot_switch_the_wall_off(as_web):
    for attempt in (
        "ALTER TABLE tenants_namespace DISABLE ROW LEVEL SECURITY",
        "DROP POLICY tenant_wall ON tenants_namespace",
        "ALTER ROLE portico_web BYPASSRLS",
        "CREATE TABLE around_the_wall (id int)",
        "UPDATE django_migrations SET name = 'x'",
    ):
        with refused("permission denied|must be owner|must be superuser|must have"), transaction.atomic():
            connection.cursor().execute(attempt)


def test_the_engine_crosses_tenants(two_tenants):
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE portico_engine")
        assert Namespace.across_tenants.count() == 2
        cursor.execute("RESET ROLE")


@pytest.mark.parametrize("role", ["owner", "portico_engine", "portico_web"])
def test_nobody_changes_the_audit_log(db, role):
    cast = stage.cast()
    with in_tenant(cast.tenant.pk):
        audit.record(cast.actor("alice"), "flow.create", "flow", "x")
        with connection.cursor() as cursor:
            if role != "owner":
                cursor.execute(f"SET ROLE {role}")
            for attempt in (
                "UPDATE tenants_auditentry SET action = 'flow.view'",
                "DELETE FROM tenants_auditentry",
            ):
                with refused("only grows|permission denied"), transaction.atomic():
                    cursor.execute(attempt)
            cursor.execute("RESET ROLE")


def test_the_audit_log_cannot_be_emptied_at_once(db):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE tenants_auditentry ENABLE TRIGGER audit_never_empties")
        with refused("only grows"), transaction.atomic():
            cursor.execute("TRUNCATE tenants_auditentry CASCADE")


def test_web_reads_and_writes_all_that_its_pages_need(as_web):
    one, _other = as_web
    with in_tenant(one.pk):
        person = factories.user()
        factories.member(tenant=Tenant.objects.get(pk=one.pk), user=person)
        group = factories.group(tenant=one, members=(person,))
        role = factories.role(tenant=one, actions=["flow.view"])
        factories.binding(tenant=one, group=group, role=role)
        Notice.across_tenants.create(tenant=one, user=person, kind="x", text="x")
        assert AuditEntry.across_tenants.count() >= 4
    made = factories.tenant()
    assert made.pk
