"""The rule, without a database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.core.grants import Held, Reason, grants_of
from tenants.core.namespaces import covers, outermost

ALICE, BOB = 1, 2
PLACES = st.sampled_from(["", "a", "a.b", "a.b.c", "a-b", "ab", "a.bc", "b"])
ACTIONS = st.sampled_from(["flow.view", "flow.execute", "execution.view"])
HELD = st.builds(Held, st.frozensets(ACTIONS, min_size=1), PLACES, st.booleans())
BINDINGS = st.lists(HELD, max_size=6)


def test_a_role_in_a_place_covers_the_places_below_it_and_no_namesakes():
    grants = grants_of(ALICE, [Held(frozenset({"flow.view"}), "company.team")])
    assert grants.allowed("flow.view", "company.team")
    assert grants.allowed("flow.view", "company.team.reports")
    for elsewhere in ("company", "company.teams", "company.team-b", "company.other", ""):
        assert not grants.allowed("flow.view", elsewhere), elsewhere


def test_one_action_never_implies_another():
    grants = grants_of(ALICE, [Held(frozenset({"flow.execute", "flow.update"}), "")])
    assert not grants.allowed("execution.view", "company")
    assert not grants_of(ALICE, [Held(frozenset({"flow.update"}), "")]).allowed("flow.execute", "company")


def test_a_right_for_own_runs_stops_at_the_runs_of_others():
    grants = grants_of(ALICE, [Held(frozenset({"execution.view"}), "company", own_only=True)])
    assert grants.allowed("execution.view", "company", ALICE).reason is Reason.OWN
    assert grants.allowed("execution.view", "company", BOB).reason is Reason.NOT_OWN
    assert not grants.allowed("execution.view", "company", None)
    assert not grants.allowed("execution.view", "other", ALICE)


def test_what_nobody_started_is_nobodys_own():
    nobody = grants_of(None, [Held(frozenset({"execution.view"}), "", own_only=True)])
    assert not nobody.allowed("execution.view", "company", None)


def test_a_share_opens_one_app_and_no_other():
    grants = grants_of(ALICE, [], [("app.execute", 7)])
    assert grants.allowed("app.execute", "company", app_id=7).through == "app:7"
    assert not grants.allowed("app.execute", "company", app_id=8)
    assert not grants.allowed("app.view", "company", app_id=7)
    assert not grants.allowed("app.execute", "company")


def test_a_verdict_says_through_which_place():
    grants = grants_of(ALICE, [Held(frozenset({"flow.view"}), "company")])
    assert grants.allowed("flow.view", "company.team").through == "company"
    assert grants.allowed("flow.view", "elsewhere").reason is Reason.MISSING


def test_a_token_for_one_namespace_loses_the_rest():
    grants = grants_of(ALICE, [Held(frozenset({"flow.view", "flow.execute"}), "company")], [("app.execute", 7)])
    narrowed = grants.narrowed(["flow.view"], "company.team")
    assert narrowed.allowed("flow.view", "company.team.reports")
    assert not narrowed.allowed("flow.view", "company")
    assert not narrowed.allowed("flow.execute", "company.team")
    assert not narrowed.allowed("app.execute", "company.team", app_id=7)


def test_a_token_for_one_namespace_opens_no_shared_app_since_apps_have_a_namespace_too():
    grants = grants_of(ALICE, [], [("app.execute", 7)])
    assert grants.narrowed(["app.execute"], "").allowed("app.execute", "company", app_id=7)
    assert not grants.narrowed(["app.execute"], "company").allowed("app.execute", "company", app_id=7)


def test_who_may_see_only_their_own_runs_cannot_give_even_that():
    giver = grants_of(ALICE, [Held(frozenset({"execution.view"}), "company", own_only=True)])
    for own_only in (True, False):
        assert not giver.holds(Held(frozenset({"execution.view"}), "company", own_only))


@given(BINDINGS, st.none() | st.frozensets(ACTIONS), PLACES, ACTIONS, PLACES, st.sampled_from([None, ALICE, BOB]))
def test_a_scope_never_widens(bindings, actions, place, action, namespace, started_by):
    grants = grants_of(ALICE, bindings, [("flow.view", 7)])
    narrowed = grants.narrowed(actions, place)
    for app_id in (None, 7):
        inside = (actions is None or action in actions) and covers(place, namespace)
        wide = grants.allowed(action, namespace, started_by, app_id)
        narrow = narrowed.allowed(action, namespace, started_by, app_id)
        assert bool(narrow) <= bool(wide)
        if inside and app_id is None:
            assert bool(narrow) == bool(wide)
        if not inside and app_id is None:
            assert not narrow


@given(BINDINGS, ACTIONS, PLACES, st.sampled_from([None, ALICE, BOB]))
def test_rights_add_up_and_nothing_denies(bindings, action, namespace, started_by):
    expected = any(
        action in one.actions and covers(one.place, namespace) and (not one.own_only or started_by == ALICE)
        for one in bindings
    )
    assert bool(grants_of(ALICE, bindings).allowed(action, namespace, started_by)) == expected


@given(BINDINGS, HELD, st.sampled_from([None, ALICE, BOB, 3]), PLACES, ACTIONS)
def test_whoever_may_give_something_could_do_it_themselves(bindings, given_on, started_by, namespace, action):
    giver = grants_of(ALICE, bindings)
    if giver.holds(given_on) and grants_of(BOB, [given_on]).allowed(action, namespace, started_by):
        assert giver.allowed(action, namespace, started_by)


@given(st.frozensets(PLACES), PLACES)
def test_the_outermost_places_cover_the_same(places, namespace):
    assert any(covers(place, namespace) for place in places) == any(
        covers(place, namespace) for place in outermost(places)
    )


def test_the_engine_may_everything_but_has_no_scope():
    system = grants_of(None, []).__class__(system=True)
    assert system.allowed("flow.delete", "company").reason is Reason.SYSTEM
    with pytest.raises(ValueError, match="scope"):
        system.narrowed(["flow.view"], "")
