"""Who sees and runs which app: one rule for pages, lists and search."""

import pytest
from guardian.shortcuts import assign_perm
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps_portal import access, catalog, palette, publishing
from apps_portal.models import App
from tenants.access import rights_changed
from tenants.errors import Forbidden, NotFound
from tests import factories
from tests.apps_portal import stage as house

CAST = ("alice", "bob", "charlie", "dana", "admin")


def seen_by(stage, name: str) -> list[str]:
    return [card.app.app_id for card in catalog.search(stage.actor(name)).cards]


def test_the_catalog_shows_each_person_their_apps(stage):
    house.app(stage)
    assert {name: len(seen_by(stage, name)) for name in CAST} == {
        "alice": 1, "bob": 1, "charlie": 0, "dana": 0, "admin": 1,
    }  # fmt: skip


def test_charlie_does_not_see_what_he_may_not_and_dana_gets_nothing(stage):
    app = house.app(stage)
    for name in ("charlie", "dana"):
        with pytest.raises(NotFound):
            access.app_for(stage.actor(name), "app.execute", app.uid)
        assert list(palette.search(stage.actor(name), "greet")) == []
    assert access.app_for(stage.actor("bob"), "app.execute", app.uid) == app


def test_an_app_for_a_group_is_for_its_members_only(stage):
    app = house.app(stage, rest="access: {groups: [Buyers]}\n")
    assert house.runnable_by(stage) == {"alice": False, "bob": False, "charlie": False}
    assert seen_by(stage, "bob") == []
    with pytest.raises(NotFound):
        access.app_for(stage.actor("bob"), "app.execute", app.uid)
    with pytest.raises(Forbidden):  # Alice built it, so she may know it
        access.app_for(stage.actor("alice"), "app.execute", app.uid)
    factories.group(tenant=stage.tenant, name="Buyers", members=(stage.bob, stage.charlie))
    assert house.runnable_by(stage) == {"alice": False, "bob": True, "charlie": False}, "the group alone is no right"


def test_a_share_gives_one_app_to_one_person_or_group(stage):
    app = house.app(stage, rest="access: {groups: [Buyers]}\n")
    other = house.app(stage, app_id="other")
    assign_perm("app_execute", stage.charlie, app)
    rights_changed(stage.tenant.pk)
    assert access.app_for(stage.actor("charlie"), "app.execute", app.uid) == app
    with pytest.raises(NotFound):
        access.app_for(stage.actor("charlie"), "app.execute", other.uid)
    assert seen_by(stage, "charlie") == ["greet_app"]


def test_a_viewer_may_know_an_app_but_not_run_it(stage):
    app = house.app(stage)
    viewer = factories.built_in_role(tenant=stage.tenant, name="Viewer")
    factories.binding(tenant=stage.tenant, user=stage.charlie, role=viewer, namespace="company")
    card = catalog.search(stage.actor("charlie")).cards[0]
    assert (card.app, card.may_run) == (app, False)
    with pytest.raises(Forbidden) as error:
        access.app_for(stage.actor("charlie"), "app.execute", app.uid)
    assert (error.value.action, error.value.who_can_grant) == ("app.execute", ("Admin",))


def test_a_right_to_own_runs_only_is_a_right_to_start_them(stage):
    app = house.app(stage)
    role = factories.built_in_role(tenant=stage.tenant, name="Business user")
    factories.binding(tenant=stage.tenant, user=stage.charlie, role=role, namespace="company.team", own_only=True)
    assert access.may_run(stage.actor("charlie"), app)
    assert seen_by(stage, "charlie") == ["greet_app"]


@pytest.mark.parametrize(
    "rest",
    ["access: {catalog: false}\n", "disabled: true\n", "expiration: {endDate: 2020-01-01T00:00:00Z}\n",
     "expiration: {startDate: 2999-01-01T00:00:00Z}\n"],
)  # fmt: skip
def test_an_app_that_is_not_on_show_is_seen_by_its_builders_only(stage, rest):
    house.app(stage, rest=rest)
    assert seen_by(stage, "alice") == ["greet_app"]
    assert seen_by(stage, "bob") == []


def test_the_catalog_is_sifted_by_words_category_and_tag(stage):
    house.app(stage, rest="displayName: Onboard a supplier\ncategory: Finance\ntags: [Buying]\n")
    house.app(
        stage, app_id="b", rest="displayName: Flight report\ndescription: Delays of suppliers\ntags: [Air, Buying]\n"
    )
    bob = stage.actor("bob")

    def found(*args, **more):
        return [card.app.display_name for card in catalog.search(bob, *args, **more).cards]

    assert found("supp") == ["Flight report", "Onboard a supplier"]
    assert found("onb sup") == ["Onboard a supplier"]
    assert found("!!! & | :*") == []
    assert found(category="Finance") == ["Onboard a supplier"]
    assert found(tag="Air") == ["Flight report"]
    shelf = catalog.search(bob)
    assert (shelf.categories, shelf.tags) == (("Finance",), ("Air", "Buying"))


def test_the_catalog_goes_on_page_by_page(stage):
    for number in range(5):
        house.app(stage, app_id=f"n{number}", rest="displayName: Same name\n")
    first = catalog.search(stage.actor("bob"), limit=3)
    rest = catalog.search(stage.actor("bob"), limit=3, after=first.next_after)
    assert (len(first.cards), len(rest.cards), first.total, rest.next_after) == (3, 2, 5, "")
    assert len({card.app.uid for card in (*first.cards, *rest.cards)}) == 5


def test_a_closed_app_is_open_again_when_its_flow_is(stage):
    app = house.app(stage)
    assert access.is_open(app)
    app.flow.disabled = True
    app.flow.save()
    assert not access.is_open(house.again(app))
    assert not App.across_tenants.filter(access.open_now()).exists()


def test_publishing_again_does_not_lose_shares(stage):
    app = house.app(stage)
    assign_perm("app_execute", stage.charlie, app)
    publishing.publish(stage.actor("alice"), house.document(rest="category: A\n"))
    rights_changed(stage.tenant.pk)
    assert access.may_run(stage.actor("charlie"), house.again(app))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_question_to_the_database_is_the_rule(stage, data):
    """`may_run` and `runnable` agree, whatever groups an app names and whatever a person holds."""
    groups = data.draw(st.lists(st.sampled_from(["Buyers", "Sellers"]), unique=True))
    namespaces = data.draw(st.sampled_from(["company.team", "company", "company.te", "other"]))
    app = App.across_tenants.first() or house.app(stage)
    App.across_tenants.filter(pk=app.pk).update(groups=groups, namespace=namespaces)
    own = data.draw(st.booleans())
    place = data.draw(st.sampled_from(["", "company", "company.team", "company.tea"]))
    role = factories.built_in_role(tenant=stage.tenant, name="Business user")
    person = factories.user()
    factories.member(tenant=stage.tenant, user=person)
    factories.binding(tenant=stage.tenant, user=person, role=role, namespace=place, own_only=own)
    if data.draw(st.booleans()):
        factories.group(tenant=stage.tenant, members=(person,), name=f"{'Buyers' if own else 'Sellers'}{person.pk}")
    actor = factories.actor(tenant=stage.tenant, user=person)
    rows = App.across_tenants.filter(access.runnable(actor))
    assert rows.exists() == access.may_run(actor, house.again(app))
