"""Publishing: who may, what is refused, what a revision keeps."""

import pytest

from apps_portal import publishing
from apps_portal.models import App, AppRevision
from tenants.errors import Conflict, Forbidden, Invalid
from tenants.models import AuditEntry
from tests import factories
from tests.apps_portal import stage as house


def test_a_flow_becomes_an_app_with_what_it_says_of_itself(stage):
    flow = house.flow(stage, house.GREET)
    revision = publishing.publish_flow(stage.actor("alice"), flow, publishing.draft_of(flow))
    app = revision.app
    assert (app.display_name, app.description, app.head) == ("Greet", "Says hello to somebody.", 1)
    assert publishing.spec_of(revision).flow_id == "greet"
    entry = AuditEntry.across_tenants.filter(action="app.publish").get()
    assert (entry.user_id, entry.thing_id) == (stage.alice.pk, app.uid)


def test_a_flow_may_be_published_twice_under_its_own_ids(stage):
    flow = house.flow(stage, house.GREET)
    ids = [publishing.publish_flow(stage.actor("alice"), flow, publishing.draft_of(flow)).app.app_id for _ in range(3)]
    assert ids == ["greet", "greet_2", "greet_3"]


@pytest.mark.parametrize(("name", "refusal"), [("bob", Forbidden), ("charlie", Forbidden), ("dana", Invalid)])
def test_publishing_is_for_those_who_may(stage, name, refusal):
    """In Dana's tenant, where she may publish, there is no such flow."""
    flow = house.flow(stage, house.GREET)
    with pytest.raises(refusal):
        publishing.publish_flow(stage.actor(name), flow, publishing.draft_of(flow))
    assert not App.across_tenants.exists()


def test_publishing_needs_the_right_to_run_the_flow_too(stage):
    house.flow(stage, house.GREET)
    publisher = factories.role(tenant=stage.tenant, actions=["app.publish", "app.create", "app.view"])
    factories.binding(tenant=stage.tenant, user=stage.charlie, role=publisher)
    with pytest.raises(Forbidden) as error:
        publishing.publish(stage.actor("charlie"), house.document())
    assert error.value.action == "flow.execute"


def test_the_same_text_is_the_same_revision_and_another_text_the_next(stage):
    house.flow(stage, house.GREET)
    alice = stage.actor("alice")
    first = publishing.publish(alice, house.document())
    assert publishing.publish(alice, house.document()).pk == first.pk
    second = publishing.publish(alice, house.document(rest="displayName: Say hello\n"))
    assert second.number == 2
    assert house.again(second.app).display_name == "Say hello"
    assert AppRevision.across_tenants.count() == 2


def test_two_who_edit_the_same_revision_are_told(stage):
    house.flow(stage, house.GREET)
    alice = stage.actor("alice")
    app = publishing.publish(alice, house.document()).app
    publishing.publish(alice, house.document(rest="category: A\n"), app=app, expected_revision=1)
    with pytest.raises(Conflict):
        publishing.publish(alice, house.document(rest="category: B\n"), app=app, expected_revision=1)


def test_an_app_keeps_its_id_when_it_is_edited(stage):
    house.flow(stage, house.GREET)
    app = publishing.publish(stage.actor("alice"), house.document()).app
    with pytest.raises(Conflict):
        publishing.publish(stage.actor("alice"), house.document(app_id="other"), app=app)
    assert App.across_tenants.count() == 1


def test_a_text_that_does_not_fit_its_flow_is_refused_with_its_place(stage):
    house.flow(stage, house.GREET)
    with pytest.raises(Invalid) as error:
        publishing.publish(stage.actor("alice"), house.document(rest="form: {fields: {nmae: {}}}\n"))
    problem = error.value.problems[0]
    assert (problem.line, problem.mend) == (5, "Did you mean `name`?")


def test_a_flow_that_does_not_exist_is_named_with_the_one_that_was_meant(stage):
    house.flow(stage, house.GREET)
    found = publishing.problems(stage.actor("alice"), house.document("gret"))
    assert [(one.line, str(one.mend)) for one in found] == [(4, "Did you mean `greet`?")]
    assert (
        "revision 7" in publishing.problems(stage.actor("alice"), house.document(rest="flowRevision: 7\n"))[0].message
    )


def test_who_may_not_run_a_flow_learns_nothing_of_its_inputs(stage):
    house.flow(stage, house.GREET)
    text = house.document(rest="form: {fields: {nam: {}}}\n")
    said = " ".join(f"{one.message} {one.mend}" for one in publishing.problems(stage.actor("charlie"), text))
    assert "`name`" not in said
    assert "app.publish" in said


def test_an_app_is_switched_off_and_on_and_its_text_has_the_last_word(stage):
    app = house.app(stage)
    assert publishing.disable(stage.actor("alice"), app).disabled
    publishing.publish(stage.actor("alice"), house.document(rest="category: A\n"))
    assert house.again(app).disabled, "publishing does not switch on what a person switched off"
    assert not publishing.enable(stage.actor("alice"), app).disabled
    publishing.publish(stage.actor("alice"), house.document(rest="disabled: true\n"))
    with pytest.raises(Conflict):
        publishing.enable(stage.actor("alice"), house.again(app))
    with pytest.raises(Forbidden):
        publishing.disable(stage.actor("bob"), app)


def test_an_app_that_ended_leaves_its_requests_and_its_id_free(stage):
    app = house.app(stage)
    submission = house.submitted(stage, app)
    publishing.unpublish(stage.actor("alice"), app)
    assert house.again(app).deleted_at is not None
    assert house.reloaded(submission).app_id == app.pk
    assert publishing.publish(stage.actor("alice"), house.document()).app.pk != app.pk
