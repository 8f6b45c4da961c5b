"""May they? The whole cast asks, and the two forms of the rule agree on real rows."""

from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from tenants import access, bindings, groups, users
from tenants.actor import Actor, actor_for, rights_cache, seat_of
from tenants.core.grants import Held, grants_of
from tenants.errors import Forbidden, NotFound
from tenants.models import AuditEntry, Binding, GroupMember, Namespace, Tenant, User
from tests import cast as stage
from tests import factories

PLACES = ["a", "a.b", "a.b.c", "a-b", "ab", "a.bc", "b", "b.c"]


@pytest.fixture
def cast(db):
    return stage.cast()


@pytest.mark.parametrize(
    ("action", "namespace", "may"),
    [
        ("flow.view", stage.HOME, {"alice", "bob", "admin"}),
        ("flow.update", stage.HOME, {"alice", "admin"}),
        ("flow.execute", stage.HOME, {"alice", "bob", "admin"}),
        ("flow.execute", f"{stage.HOME}.deeper", {"alice", "bob", "admin"}),
        ("flow.execute", stage.ELSEWHERE, {"admin"}),
        ("flow.execute", "company", {"admin"}),
        ("user.list", "", {"admin"}),
        ("binding.create", "", {"admin"}),
    ],
)
def test_the_cast_may_what_their_bindings_say(cast, action, namespace, may):
    for name in ("alice", "bob", "charlie", "admin"):
        assert bool(access.allowed(cast.actor(name), action, namespace)) == (name in may), name


def test_dana_has_no_seat_in_another_tenant_and_her_rights_stay_at_home(cast):
    assert seat_of(cast.dana.pk, cast.tenant.slug) is None
    assert actor_for(cast.dana.pk, cast.tenant.pk) is None
    assert access.allowed(cast.actor("dana"), "flow.update", stage.HOME)
    assert cast.actor("dana").tenant_id == cast.other_tenant.pk


def test_owning_the_instance_gives_no_seat_and_no_right(cast):
    assert seat_of(cast.otto.pk, cast.tenant.slug) is None
    factories.member(tenant=cast.tenant, user=cast.otto)
    assert not access.allowed(factories.actor(tenant=cast.tenant, user=cast.otto), "flow.view", stage.HOME)


def test_what_one_may_not_see_is_absent_and_what_one_may_see_is_forbidden_by_name(cast):
    with pytest.raises(Forbidden) as refused:
        access.require(cast.actor("bob"), "flow.update", stage.HOME, thing=object())
    assert refused.value.action == "flow.update"
    assert refused.value.who_can_grant == ("Admin",)
    with pytest.raises(NotFound):
        access.require(cast.actor("charlie"), "flow.update", stage.HOME, thing=object())
    access.require(cast.actor("alice"), "flow.update", stage.HOME, thing=object())


def test_a_right_runs_out_at_its_time_even_from_memory(cast, monkeypatch):
    soon = timezone.now() + timedelta(hours=1)
    viewer = factories.built_in_role(tenant=cast.tenant, name="Viewer")
    factories.binding(tenant=cast.tenant, user=cast.charlie, role=viewer, namespace="x", expires_at=soon)
    assert access.allowed(cast.actor("charlie"), "flow.view", "x")
    monkeypatch.setattr(timezone, "now", lambda: soon + timedelta(seconds=1))
    assert not access.allowed(cast.actor("charlie"), "flow.view", "x")


def test_a_change_of_rights_reaches_the_next_request(cast):
    assert not access.allowed(cast.actor("charlie"), "flow.view", "x")
    viewer = factories.built_in_role(tenant=cast.tenant, name="Viewer")
    team = factories.group(tenant=cast.tenant, members=(cast.charlie,))
    given_role = factories.binding(tenant=cast.tenant, group=team, role=viewer, namespace="x")
    assert access.allowed(cast.actor("charlie"), "flow.view", "x")
    assert cast.actor("charlie").group_names == {team.name}
    bindings.remove(Actor.system(cast.tenant.pk), given_role.pk)
    assert not access.allowed(cast.actor("charlie"), "flow.view", "x")
    factories.binding(tenant=cast.tenant, group=team, role=viewer, namespace="x")
    groups.delete(Actor.system(cast.tenant.pk), team.pk)
    assert not access.allowed(cast.actor("charlie"), "flow.view", "x")


def test_who_leaves_loses_the_seat_and_all_rights_and_may_come_back_with_none(cast):
    users.end_membership(cast.actor("admin"), cast.bob.pk)
    assert seat_of(cast.bob.pk, cast.tenant.slug) is None
    users.add_member(cast.actor("admin"), email="BOB@example.com")
    assert not access.allowed(cast.actor("bob"), "flow.view", stage.HOME)


def test_loading_an_actor_takes_two_queries_and_none_from_memory(cast, django_assert_num_queries):
    rights_cache.clear()
    seat = seat_of(cast.alice.pk, cast.tenant.slug)
    with django_assert_num_queries(2):
        rights_cache.get(seat.user.pk, seat.tenant.pk, seat.tenant.permission_version, timezone.now())
    with django_assert_num_queries(0):
        rights_cache.get(seat.user.pk, seat.tenant.pk, seat.tenant.permission_version, timezone.now())


def test_holders_are_found_through_people_and_groups_and_never_among_those_who_left(cast):
    assert access.holders(cast.tenant.pk, "flow.update", stage.HOME) == {cast.alice.pk, cast.admin.pk}
    developer = factories.built_in_role(tenant=cast.tenant, name="Developer")
    team = factories.group(tenant=cast.tenant, members=(cast.bob,))
    factories.binding(tenant=cast.tenant, group=team, role=developer, namespace="company")
    assert access.holders(cast.tenant.pk, "flow.update", stage.HOME) == {cast.alice.pk, cast.admin.pk, cast.bob.pk}
    users.end_membership(cast.actor("admin"), cast.bob.pk)
    assert access.holders(cast.tenant.pk, "flow.update", stage.HOME) == {cast.alice.pk, cast.admin.pk}


def test_a_binding_left_over_for_somebody_of_another_tenant_is_worth_nothing(cast):
    admin = factories.built_in_role(tenant=cast.tenant, name="Admin")
    Binding.across_tenants.create(tenant=cast.tenant, user=cast.dana, role=admin)
    assert cast.dana.pk not in access.holders(cast.tenant.pk, "flow.update", stage.HOME)
    assert access.who_can_grant(cast.tenant.pk, "flow.update", stage.HOME) == ["Admin"]


def test_a_request_for_a_right_tells_those_who_can_give_it(cast):
    access.ask_for(cast.actor("charlie"), "flow.execute", stage.HOME)
    assert cast.admin.notices.count() == 1
    assert cast.alice.notices.count() == 0


HELD = st.builds(Held, st.just(frozenset({"execution.view"})), st.sampled_from(["", *PLACES]), st.booleans())


class TheTwoFormsOfTheRule(TestCase):
    """Audit entries stand in for executions: a namespace in "C" collation, a starter, and an id for a shared app."""

    @classmethod
    def setUpTestData(cls):
        cls.person, cls.stranger = factories.user(), factories.user()
        cls.tenant, cls.other = factories.tenant(), factories.tenant()
        rows = []
        for tenant in (cls.tenant, cls.other):
            for place in ["", *PLACES]:
                rows.extend(
                    AuditEntry(
                        tenant=tenant, namespace=place, user=starter, action="x", thing_kind="run", thing_id=place
                    )
                    for starter in (None, cls.person, cls.stranger)
                )
        AuditEntry.across_tenants.bulk_create(rows)

    @given(st.lists(HELD, max_size=4), st.sets(st.integers(0, 20), max_size=3))
    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def test_rows_seen_are_exactly_those_allowed(self, held, shared):
        runs = list(AuditEntry.across_tenants.filter(thing_kind="run").order_by("pk"))
        shares = [("execution.view", runs[index].pk) for index in shared]
        grants = grants_of(self.person.pk, held, shares)
        actor = Actor(user_id=self.person.pk, tenant_id=self.tenant.pk, tenant="", grants=grants)
        seen = set(
            AuditEntry.across_tenants.filter(
                access.visible_to(actor, "execution.view", starter_field="user_id", app_field="id"), thing_kind="run"
            ).values_list("pk", flat=True)
        )
        allowed = {
            run.pk
            for run in runs
            if run.tenant_id == self.tenant.pk
            and access.allowed(actor, "execution.view", run.namespace, started_by=run.user_id, app_id=run.pk)
        }
        assert seen == allowed

    def test_someone_without_rights_is_not_even_asked_about(self):
        actor = Actor(user_id=self.person.pk, tenant_id=self.tenant.pk, tenant="")
        with self.assertNumQueries(0):
            assert not list(AuditEntry.across_tenants.filter(access.visible_to(actor, "execution.view")))


def test_places_are_asked_for_as_ranges_never_as_patterns(cast):
    grants = grants_of(1, [Held(frozenset({"namespace.list"}), "a_b")])
    actor = Actor(user_id=1, tenant_id=cast.tenant.pk, tenant="", grants=grants)
    for path in ("a_b", "a_b.c", "axb", "axb.c", "a_bc"):
        Namespace.across_tenants.create(tenant=cast.tenant, path=path)
    seen = Namespace.objects.in_tenant(actor).filter(
        access.visible_to(actor, "namespace.list", namespace_field="path", starter_field=None)
    )
    assert sorted(seen.values_list("path", flat=True)) == ["a_b", "a_b.c"]
    assert "LIKE" not in str(seen.query).upper()


def test_unscoped_rows_cannot_be_asked_for_by_accident(cast):
    with pytest.raises(TypeError, match="in_tenant"):
        Binding.objects.filter(pk=1)
    with pytest.raises(TypeError, match="in_tenant"):
        GroupMember.objects.all()
    assert Tenant.objects.count() == 2
    assert User.objects.count() == 6
