"""Actions, built-in roles, and what can be a place."""

import pytest

from tenants.core.actions import ACTIONS, RESOURCES, Scope, scope_of, unknown
from tenants.core.namespaces import covers, is_namespace, is_tenant_id, parents
from tenants.core.roles import BUILT_IN


def test_every_action_is_named_once():
    named = [action for resource in RESOURCES.values() for action in resource.actions]
    assert len(named) == len(set(named)) == len(ACTIONS)


def test_people_and_rights_are_matters_of_the_tenant():
    for action in ("user.create", "binding.create", "role.update", "auditlog.list"):
        assert scope_of(action) is Scope.TENANT
    assert scope_of("flow.execute") is Scope.NAMESPACE


def test_built_in_roles_name_only_actions_that_exist():
    for role in BUILT_IN.values():
        assert unknown(role.actions) == [], role.name


def test_roles_grow_from_viewer_to_admin():
    admin, developer, editor = (BUILT_IN[name].actions for name in ("Admin", "Developer", "Editor"))
    assert admin == ACTIONS
    assert editor < developer < admin


@pytest.mark.parametrize("name", ["Launcher", "Viewer", "Business user"])
def test_who_only_runs_or_looks_can_write_nothing(name):
    verbs = {action.partition(".")[2] for action in BUILT_IN[name].actions}
    assert verbs.isdisjoint({"create", "update", "delete", "publish", "share", "kill", "force_run", "import"})


def test_a_business_user_sees_no_runs_of_others_and_no_logs():
    assert not any(action.startswith(("execution.", "flow.")) for action in BUILT_IN["Business user"].actions)
    assert "app.access_logs" not in BUILT_IN["Business user"].actions


def test_only_an_admin_touches_people():
    for name, role in BUILT_IN.items():
        if name != "Admin":
            assert not any(action.startswith(("user.", "binding.", "role.", "group.")) for action in role.actions)


@pytest.mark.parametrize("text", ["company", "company.team", "a_b.c-d.9", "9", "a" * 150])
def test_names_of_places(text):
    assert is_namespace(text)


@pytest.mark.parametrize(
    "text", ["", ".", "..", "a..b", "a.", ".a", "A.b", "a/b", "a b", "a%2e", "-a", "a" * 151, "ä", "a\n", "a.\n"]
)
def test_texts_that_name_no_place(text):
    assert not is_namespace(text)


@pytest.mark.parametrize("text", ["acme", "acme-2", "42"])
def test_ids_of_tenants(text):
    assert is_tenant_id(text)


@pytest.mark.parametrize(
    "text", ["", "a", "api", "health", "setup", "me", "users", "..", "a.b", "Acme", "a_b", "acme-", "x" * 61]
)
def test_texts_that_are_no_tenants_id(text):
    assert not is_tenant_id(text)


def test_parents_are_named_nearest_first():
    assert parents("a.b.c") == ["a.b", "a"]
    assert all(covers(place, "a.b.c") for place in parents("a.b.c"))
