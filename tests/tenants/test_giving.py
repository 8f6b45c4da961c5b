"""Nobody can give what they do not hold, on whatever path they try."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from tenants import bindings, groups, roles, tokens, users
from tenants.access import lasting_grants
from tenants.errors import Forbidden, Invalid, NotFound
from tenants.models import AuditEntry
from tests import cast as stage
from tests import factories

NEEDED = ["binding.create", "group.manage_members", "role.update", "service_account.update"]
ACTIONS = ["flow.view", "flow.update", "execution.view", "app.execute"]
PLACES = ["", "a", "a.b", "b"]
STARTERS = ("giver", "receiver", "stranger")


@pytest.fixture
def cast(db):
    return stage.cast()


def admin_of_less(cast, *actions, place="") -> None:
    """Let Charlie make bindings and manage groups, and hold `actions` besides."""
    steward = factories.role(tenant=cast.tenant, actions=NEEDED)
    factories.binding(tenant=cast.tenant, user=cast.charlie, role=steward)
    if actions:
        held = factories.role(tenant=cast.tenant, actions=list(actions))
        factories.binding(tenant=cast.tenant, user=cast.charlie, role=held, namespace=place)


def test_only_who_may_make_bindings_can_give_anything(cast):
    viewer = factories.built_in_role(tenant=cast.tenant, name="Viewer")
    for name in ("alice", "bob", "charlie"):
        with pytest.raises(Forbidden) as refused:
            bindings.give(cast.actor(name), role_id=viewer.pk, user_id=cast.charlie.pk, namespace=stage.HOME)
        assert refused.value.action == "binding.create", name
    with pytest.raises(NotFound):
        bindings.give(cast.actor("dana"), role_id=viewer.pk, user_id=cast.charlie.pk)
    bindings.give(cast.actor("admin"), role_id=viewer.pk, user_id=cast.charlie.pk, namespace=stage.HOME)


def test_a_role_is_given_only_where_one_holds_all_of_it(cast):
    admin_of_less(cast, "flow.view", place="company")
    role = factories.role(tenant=cast.tenant, actions=["flow.view"])
    wider = factories.role(tenant=cast.tenant, actions=["flow.view", "flow.update"])
    charlie = cast.actor("charlie")
    bindings.give(charlie, role_id=role.pk, user_id=cast.bob.pk, namespace="company.x")
    for refused_role, place in ((role, ""), (role, "other"), (wider, "company")):
        with pytest.raises(Forbidden):
            bindings.give(charlie, role_id=refused_role.pk, user_id=cast.bob.pk, namespace=place)


def test_a_right_that_ends_cannot_be_given_for_longer(cast):
    admin_of_less(cast)
    soon = timezone.now() + timedelta(days=1)
    role = factories.role(tenant=cast.tenant, actions=["flow.view"])
    factories.binding(tenant=cast.tenant, user=cast.charlie, role=role, expires_at=soon)
    charlie = cast.actor("charlie")
    for until in (None, soon + timedelta(seconds=1)):
        with pytest.raises(Forbidden):
            bindings.give(charlie, role_id=role.pk, user_id=cast.bob.pk, expires_at=until)
    bindings.give(charlie, role_id=role.pk, user_id=cast.bob.pk, expires_at=soon)


def test_a_token_of_narrow_scope_gives_no_more_than_its_scope(cast):
    token, _secret = tokens.mint(
        cast.actor("admin"), user_id=cast.admin.pk, name="x", scope_actions=["binding.create", "flow.view"]
    )
    narrow = factories.actor(tenant=cast.tenant, user=cast.admin, token=token)
    view, update = (factories.role(tenant=cast.tenant, actions=[action]) for action in ("flow.view", "flow.update"))
    bindings.give(narrow, role_id=view.pk, user_id=cast.bob.pk)
    with pytest.raises(Forbidden):
        bindings.give(narrow, role_id=update.pk, user_id=cast.bob.pk)


def test_a_group_is_entered_only_through_who_holds_what_it_carries_owner_or_not(cast):
    team = factories.group(tenant=cast.tenant, owners=(cast.bob,))
    groups.add_member(cast.actor("bob"), team, cast.charlie.pk)
    groups.remove_member(cast.actor("bob"), team, cast.charlie.pk)
    developer = factories.built_in_role(tenant=cast.tenant, name="Developer")
    given_role = factories.binding(tenant=cast.tenant, group=team, role=developer, namespace="other")
    with pytest.raises(Forbidden):
        groups.add_member(cast.actor("alice"), team, cast.charlie.pk)
    bindings.remove(cast.actor("admin"), given_role.pk)
    factories.binding(tenant=cast.tenant, group=team, role=developer, namespace="x", own_only=True)
    with pytest.raises(Forbidden) as refused:
        groups.add_member(cast.actor("bob"), team, cast.charlie.pk)
    assert refused.value.action != "group.manage_members"
    groups.add_member(cast.actor("admin"), team, cast.charlie.pk)


def test_a_role_in_use_grows_only_by_who_holds_the_addition_everywhere(cast):
    admin_of_less(cast, "flow.view", "flow.update", place="company")
    role = factories.role(tenant=cast.tenant, actions=["flow.view"])
    roles.change(cast.actor("charlie"), role.pk, actions=["flow.view", "flow.delete"])
    roles.change(cast.actor("charlie"), role.pk, actions=["flow.view"])
    factories.binding(tenant=cast.tenant, user=cast.charlie, role=role, namespace="company")
    roles.change(cast.actor("charlie"), role.pk, actions=["flow.view", "flow.update"])
    with pytest.raises(Forbidden):
        roles.change(cast.actor("charlie"), role.pk, actions=["flow.view", "flow.delete"])
    factories.binding(tenant=cast.tenant, user=cast.bob, role=role, namespace="other")
    roles.change(cast.actor("charlie"), role.pk, actions=["flow.view"])
    with pytest.raises(Forbidden):
        roles.change(cast.actor("charlie"), role.pk, actions=["flow.view", "flow.update"])


def test_a_token_of_somebody_else_needs_all_that_they_hold(cast):
    admin_of_less(cast)
    with pytest.raises(Forbidden):
        tokens.mint(cast.actor("charlie"), user_id=cast.alice.pk, name="x")
    with pytest.raises(Forbidden):
        tokens.mint(cast.actor("bob"), user_id=cast.charlie.pk, name="x")
    tokens.mint(cast.actor("admin"), user_id=cast.alice.pk, name="x")
    with pytest.raises(NotFound):
        tokens.mint(cast.actor("admin"), user_id=cast.dana.pk, name="x")


def test_a_token_cannot_make_tokens(cast):
    token, _secret = tokens.mint(cast.actor("alice"), user_id=cast.alice.pk, name="x", scope_actions=["flow.view"])
    with pytest.raises(Forbidden):
        tokens.mint(
            factories.actor(tenant=cast.tenant, user=cast.alice, token=token), user_id=cast.alice.pk, name="wider"
        )


def test_built_in_roles_and_ones_own_right_to_give_stay(cast):
    admin = factories.built_in_role(tenant=cast.tenant, name="Admin")
    with pytest.raises(Forbidden):
        roles.change(cast.actor("admin"), admin.pk, actions=[])
    own = bindings.listed(cast.actor("admin")).get(user=cast.admin)
    with pytest.raises(Forbidden), transaction.atomic():
        bindings.remove(cast.actor("admin"), own.pk)
    with pytest.raises(Forbidden):
        users.end_membership(cast.actor("admin"), cast.admin.pk)


def test_nothing_of_another_tenant_can_be_given_taken_or_joined(cast):
    admin, dana = cast.actor("admin"), cast.actor("dana")
    theirs = factories.built_in_role(tenant=cast.other_tenant, name="Viewer")
    group = factories.group(tenant=cast.other_tenant)
    binding = factories.binding(tenant=cast.other_tenant, group=group, role=theirs)
    viewer = factories.built_in_role(tenant=cast.tenant, name="Viewer")
    for attempt in (
        lambda: bindings.give(admin, role_id=theirs.pk, user_id=cast.bob.pk),
        lambda: bindings.give(admin, role_id=viewer.pk, group_id=group.pk),
        lambda: bindings.give(admin, role_id=viewer.pk, user_id=cast.dana.pk),
        lambda: bindings.remove(admin, binding.pk),
        lambda: groups.add_member(admin, group, cast.bob.pk),
        lambda: groups.delete(admin, group.pk),
        lambda: roles.delete(admin, theirs.pk),
        lambda: users.end_membership(admin, cast.dana.pk),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert bindings.listed(dana).filter(pk=binding.pk).exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"namespace": "Not a place"},
        {"namespace": "a..b"},
        {"expires_at": timezone.now() - timedelta(days=1)},
        {"user_id": None},
    ],
)
def test_a_binding_without_sense_is_refused(cast, wrong):
    viewer = factories.built_in_role(tenant=cast.tenant, name="Viewer")
    with pytest.raises(Invalid):
        bindings.give(cast.actor("admin"), **{"role_id": viewer.pk, "user_id": cast.bob.pk, **wrong})


def test_every_change_of_a_right_is_in_the_audit_log_with_its_author(cast):
    admin = cast.actor("admin")
    role = roles.create(admin, name="Readers", actions=["flow.view"])
    roles.change(admin, role.pk, actions=["flow.view", "flow.list"])
    team = groups.create(admin, name="Finance")
    groups.add_member(admin, team, cast.bob.pk)
    made = bindings.give(admin, role_id=role.pk, group_id=team.pk, namespace="finance")
    bindings.remove(admin, made.pk)
    groups.remove_member(admin, team, cast.bob.pk)
    groups.delete(admin, team.pk)
    roles.delete(admin, role.pk)
    mine = AuditEntry.objects.in_tenant(cast.tenant.pk).filter(user=cast.admin, address="192.0.2.1").order_by("pk")
    assert list(mine.values_list("action", flat=True)) == [
        "role.create",
        "role.update",
        "group.create",
        "group.manage_members",
        "binding.create",
        "binding.delete",
        "group.manage_members",
        "group.delete",
        "role.delete",
    ]
    assert mine[1].difference == {"actions": [["flow.view"], ["flow.list", "flow.view"]]}


HELD = st.tuples(st.sets(st.sampled_from(ACTIONS), min_size=1), st.sampled_from(PLACES), st.booleans(), st.booleans())


class RandomRoleGraphs(TestCase):
    """Whatever a giver gets through, the receiver can do nothing new that the giver could not do."""

    @given(
        giver=st.lists(HELD, max_size=3),
        group=st.lists(HELD, max_size=2),
        offered=HELD,
        path=st.sampled_from(["binding", "group binding", "group", "role"]),
    )
    @settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
    def test_nothing_new_comes_out_of_giving(self, giver, group, offered, path):
        tenant = factories.tenant()
        people = {name: factories.user() for name in STARTERS}
        for person in people.values():
            factories.member(tenant=tenant, user=person)
        steward = factories.role(tenant=tenant, actions=NEEDED)
        factories.binding(tenant=tenant, user=people["giver"], role=steward)
        team = factories.group(tenant=tenant, members=(people["receiver"],) if "binding" in path else ())
        for held in giver:
            self._bind(tenant, held, user=people["giver"])
        for held in group:
            self._bind(tenant, held, group=team)
        actions, place, own_only, _long = offered
        role = factories.role(tenant=tenant, actions=sorted(actions))
        grown = factories.role(tenant=tenant, actions=["app.view"])
        factories.binding(tenant=tenant, user=people["receiver"], role=grown, namespace=place, own_only=own_only)

        before, acting = self._may(tenant, people), factories.actor(tenant=tenant, user=people["giver"])
        try:
            if path == "binding":
                bindings.give(
                    acting, role_id=role.pk, user_id=people["receiver"].pk, namespace=place, own_only=own_only
                )
            elif path == "group binding":
                bindings.give(acting, role_id=role.pk, group_id=team.pk, namespace=place, own_only=own_only)
            elif path == "group":
                groups.add_member(acting, team, people["receiver"].pk)
            else:
                roles.change(acting, grown.pk, actions=["app.view", *actions])
        except Forbidden:
            return
        after = self._may(tenant, people)
        assert after["receiver"] - before["receiver"] <= before["giver"]
        assert after["stranger"] == before["stranger"]

    def _bind(self, tenant, held, **subject):
        actions, place, own_only, expires = held
        role = factories.role(tenant=tenant, actions=sorted(actions))
        until = timezone.now() + timedelta(days=1) if expires else None
        factories.binding(tenant=tenant, role=role, namespace=place, own_only=own_only, expires_at=until, **subject)

    def _may(self, tenant, people):
        """Return all (action, place, starter) that giver, receiver and stranger may, now and in a week."""
        may = {name: set() for name in STARTERS}
        for name in STARTERS:
            person = people[name]
            for when, grants in self._grants(tenant, person):
                may[name] |= {
                    (when, action, place, starter)
                    for action in (*ACTIONS, *NEEDED)
                    for place in PLACES
                    for starter in STARTERS
                    if grants.allowed(action, place, people[starter].pk)
                }
        return may

    def _grants(self, tenant, person):
        actor = factories.actor(tenant=tenant, user=person)
        yield "now", actor.grants
        yield "later", lasting_grants(actor, timezone.now() + timedelta(days=7))
