"""Saving a flow: revisions, rights, triggers, and two people at once."""

import pytest

from orchestrator import access, flows
from orchestrator.models import Flow, FlowRevision, Trigger
from tenants.errors import Conflict, Forbidden, Invalid, NotFound
from tenants.models import AuditEntry, Namespace
from tenants.tenancy import in_tenant
from tests import factories
from tests.cast import ELSEWHERE, HOME, Cast, cast

pytestmark = pytest.mark.django_db

HELLO = """\
id: hello
namespace: {namespace}
description: Says hello
tasks:
  - id: greet
    type: core.log.Log
    message: {message}
"""
HOOKED = (
    HELLO
    + """\
triggers:
  - id: hook
    type: core.trigger.Webhook
    key: {key}
"""
)


def hello(message: str = "Hello", namespace: str = HOME) -> str:
    return HELLO.format(message=message, namespace=namespace)


def hooked(key: str = "a-long-secret-key", message: str = "Hello", namespace: str = HOME) -> str:
    return HOOKED.format(message=message, namespace=namespace, key=key)


@pytest.fixture
def stage():
    made = cast()
    with in_tenant(made.tenant.pk):
        yield made


def test_the_first_save_makes_revision_one_and_its_namespace(stage: Cast):
    revision = flows.save(stage.actor("alice"), hello())
    assert revision.number == 1
    assert revision.source == hello()
    assert Namespace.objects.in_tenant(stage.tenant.pk).filter(path=HOME).exists()
    entry = AuditEntry.objects.in_tenant(stage.tenant.pk).get(action="flow.create")
    assert (entry.thing_id, entry.user_id) == (f"{HOME}.hello", stage.alice.pk)


def test_the_same_text_again_is_no_new_revision(stage: Cast):
    alice = stage.actor("alice")
    first = flows.save(alice, hello())
    assert flows.save(alice, hello()) == first
    assert AuditEntry.objects.in_tenant(stage.tenant.pk).filter(thing_kind="flow").count() == 1


def test_another_text_is_the_next_revision_and_an_update(stage: Cast):
    alice = stage.actor("alice")
    flows.save(alice, hello())
    second = flows.save(alice, hello("Good day"))
    assert second.number == 2
    assert access.flow_for(alice, "flow.view", HOME, "hello").head == 2
    assert AuditEntry.objects.in_tenant(stage.tenant.pk).filter(action="flow.update").count() == 1


def test_who_saves_over_a_revision_they_have_not_seen_is_told(stage: Cast):
    alice = stage.actor("alice")
    flows.save(alice, hello("one"), expected_revision=0)
    flows.save(alice, hello("two"), expected_revision=1)
    with pytest.raises(Conflict):
        flows.save(alice, hello("three"), expected_revision=1)
    with pytest.raises(Conflict):
        flows.save(alice, hello("three"), expected_revision=0)


def test_only_who_may_write_there_saves(stage: Cast):
    flows.save(stage.actor("alice"), hello())
    for name in ("bob", "charlie"):
        with pytest.raises(Forbidden):
            flows.save(stage.actor(name), hello("mine now"))
    flows.save(stage.actor("dana"), hello("in her own tenant"))
    with pytest.raises(Forbidden):
        flows.save(stage.actor("alice"), hello(namespace=ELSEWHERE))
    assert FlowRevision.objects.in_tenant(stage.tenant.pk).count() == 1


def test_who_is_not_in_the_namespace_sees_no_flow(stage: Cast):
    flows.save(stage.actor("alice"), hello())
    assert access.flow_for(stage.actor("bob"), "flow.view", HOME, "hello")
    with pytest.raises(Forbidden):
        access.flow_for(stage.actor("bob"), "flow.update", HOME, "hello")
    for name in ("charlie", "dana"):
        with pytest.raises(NotFound):
            access.flow_for(stage.actor(name), "flow.view", HOME, "hello")
        with pytest.raises(NotFound):
            access.flow_for(stage.actor(name), "flow.update", HOME, "hello")
        assert not access.flows_visible_to(stage.actor(name)).exists()


def test_a_broken_text_is_refused_with_line_and_column(stage: Cast):
    with pytest.raises(Invalid) as refused:
        flows.save(stage.actor("alice"), hello().replace("core.log.Log", "core.log.Lag"))
    (problem,) = refused.value.problems
    assert problem.line == 6
    assert "Log" in problem.mend
    assert not Flow.objects.in_tenant(stage.tenant.pk).exists()


def test_a_trigger_keeps_its_next_moment_until_its_definition_changes(stage: Cast):
    alice = stage.actor("alice")
    flows.save(alice, hooked())
    trigger = Trigger.objects.in_tenant(stage.tenant.pk).get()
    assert (trigger.trigger_id, trigger.definition["key"]) == ("hook", "a-long-secret-key")
    moment = trigger.updated_at
    Trigger.objects.in_tenant(stage.tenant.pk).update(next_at=moment)
    flows.save(alice, hooked(message="Good day"))
    trigger.refresh_from_db()
    assert trigger.next_at == moment
    flows.save(alice, hooked(key="another-long-key"))
    trigger.refresh_from_db()
    assert trigger.next_at is None
    flows.save(alice, hello())
    assert not Trigger.objects.in_tenant(stage.tenant.pk).exists()


def test_a_trigger_needs_the_right_to_run_the_flow(stage: Cast):
    writer = stage.actor("charlie")
    writer = with_actions(stage, "charlie", ["flow.view", "flow.create", "flow.update"])
    flows.save(writer, hello())
    with pytest.raises(Forbidden) as refused:
        flows.save(writer, hooked())
    assert refused.value.action == "flow.execute"
    assert any("flow.execute" in problem.message for problem in flows.problems(writer, hooked()))


def test_a_deleted_flow_goes_on_with_its_revisions_when_it_is_saved_again(stage: Cast):
    alice = stage.actor("alice")
    flows.save(alice, hooked())
    flows.delete(alice, access.flow_for(alice, "flow.delete", HOME, "hello"))
    with pytest.raises(NotFound):
        access.flow_for(alice, "flow.view", HOME, "hello")
    assert Trigger.objects.in_tenant(stage.tenant.pk).get().disabled
    with pytest.raises(Conflict):
        flows.save(alice, hooked(message="late"), expected_revision=1)
    assert flows.save(alice, hooked(), expected_revision=0).number == 2
    assert not Trigger.objects.in_tenant(stage.tenant.pk).get().disabled


def test_what_a_button_disabled_stays_disabled_when_the_text_is_saved(stage: Cast):
    alice = stage.actor("alice")
    flows.save(alice, hello())
    flow = flows.disable(alice, access.flow_for(alice, "flow.disable", HOME, "hello"))
    flows.save(alice, hello("Good day"))
    flow.refresh_from_db()
    assert flow.disabled
    assert not flows.enable(alice, flow).disabled
    with pytest.raises(NotFound):
        flows.disable(stage.actor("charlie"), flow)
    with pytest.raises(Forbidden):
        flows.disable(stage.actor("bob"), flow)


def test_what_the_text_disabled_is_enabled_in_the_text(stage: Cast):
    alice = stage.actor("alice")
    flows.save(alice, hello() + "disabled: true\n")
    flow = access.flow_for(alice, "flow.view", HOME, "hello")
    assert flow.disabled
    with pytest.raises(Conflict):
        flows.enable(alice, flow)
    flows.save(alice, hello())
    flow.refresh_from_db()
    assert not flow.disabled


@pytest.mark.parametrize("name", ["health", "configs", "search", "a.b", "A-1_x"])
def test_odd_but_allowed_names_are_flows_like_any(stage: Cast, name: str):
    alice = stage.actor("alice")
    assert flows.save(alice, hello().replace("id: hello", f"id: {name}")).number == 1
    assert access.flow_for(alice, "flow.view", HOME, name)


@pytest.mark.parametrize("name", ["..", "%2e", "a/b", "-a", "a b", '"a\\0b"'])
def test_names_that_look_like_paths_are_refused(stage: Cast, name: str):
    with pytest.raises(Invalid):
        flows.save(stage.actor("alice"), hello().replace("id: hello", f"id: {name}"))


@pytest.mark.parametrize("namespace", ["company.team..", "company.team.", "company..team", "Company.Team", "../x"])
def test_namespaces_that_look_like_paths_are_refused(stage: Cast, namespace: str):
    with pytest.raises((Invalid, Forbidden)):
        flows.save(stage.actor("admin"), hello(namespace=namespace))


def with_actions(stage: Cast, name: str, actions: list[str]):
    role = factories.role(tenant=stage.tenant, actions=actions)
    factories.binding(tenant=stage.tenant, user=getattr(stage, name), role=role, namespace=HOME)
    return stage.actor(name)
