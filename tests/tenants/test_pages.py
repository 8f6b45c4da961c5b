"""The pages of members, groups, access, the audit log and oneself; and what they tell people."""

from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from tenants import access, audit, notices, outbox, users
from tenants.errors import Conflict
from tenants.models import AuditEntry, Binding, Group, Outbox, User
from tests import cast as stage
from tests import factories

MAIL = "django.core.mail.backends.locmem.EmailBackend"


@pytest.fixture
def cast(db):
    return stage.cast()


def client_of(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


@pytest.mark.parametrize("name_of_page", ["members", "groups", "access", "audit"])
def test_admin_pages_are_for_admins(cast, name_of_page):
    for name in ("alice", "bob", "charlie", "dana", "otto", "admin"):
        status = client_of(getattr(cast, name)).get(f"/ui/acme/{name_of_page}").status_code
        assert status == {"admin": 200, "dana": 404, "otto": 404}.get(name, 403), name


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("members", {"email": "eve@example.com", "name": "Eve"}),
        ("groups", {"name": "Finance"}),
        ("access", {"subject": "user:1", "role": "1"}),
        ("members/1/leave", {}),
        ("groups/1/delete", {}),
        ("access/1/remove", {}),
    ],
)
def test_admin_writes_are_for_admins(cast, path, form):
    before = User.objects.count(), Group.across_tenants.count(), Binding.across_tenants.count()
    for name in ("alice", "bob", "charlie", "dana", "otto"):
        status = client_of(getattr(cast, name)).post(f"/ui/acme/{path}", form).status_code
        assert status == (404 if name in {"dana", "otto"} else 403), name
    assert (User.objects.count(), Group.across_tenants.count(), Binding.across_tenants.count()) == before


@pytest.mark.parametrize("name_of_page", ["me", "notices"])
def test_every_member_has_a_profile_and_a_bell(cast, name_of_page):
    for name in ("alice", "charlie", "admin"):
        assert client_of(getattr(cast, name)).get(f"/ui/acme/{name_of_page}").status_code == 200
    assert client_of(cast.dana).get(f"/ui/acme/{name_of_page}").status_code == 404


def test_an_admin_lets_somebody_in_gives_them_a_role_and_finds_it_in_the_audit_log(cast):
    client = client_of(cast.admin)
    page = client.post("/ui/acme/members", {"email": "eve@example.com", "name": "Eve"})
    eve = users.by_email("eve@example.com")
    password = page.context["first_password"]
    assert password in page.content.decode()
    assert eve.check_password(password)
    viewer = factories.built_in_role(tenant=cast.tenant, name="Viewer")
    form = {"subject": f"user:{eve.pk}", "role": viewer.pk, "namespace": "finance", "expires_on": "2099-12-31"}
    assert client.post("/ui/acme/access", {**form, "own_only": ["false"]}).status_code == 302
    seat = factories.actor(tenant=cast.tenant, user=eve)
    assert access.allowed(seat, "flow.view", "finance.x")
    log = client.get("/ui/acme/audit").content.decode()
    assert "binding.create" in log
    assert "user.create" in log
    assert "2099-12-31T23:59:59" in log
    made = Binding.objects.in_tenant(cast.tenant.pk).get(user=eve)
    assert client.post(f"/ui/acme/access/{made.pk}/remove").status_code == 302
    assert client.post(f"/ui/acme/members/{eve.pk}/leave").status_code == 302
    assert client_of(eve).get("/ui/acme/me").status_code == 404


def test_a_form_comes_back_with_what_was_typed_and_what_is_wrong(cast):
    client = client_of(cast.admin)
    page = client.post("/ui/acme/members", {"email": "not an address", "name": ""})
    assert page.status_code == 422
    assert 'value="not an address"' in page.content.decode()
    assert "This is not an e-mail address." in page.content.decode()
    assert client.post("/ui/acme/members", {"email": "bob@example.com"}).status_code == 409
    for wrong in ({"role": "x"}, {"role": "1", "subject": "user:1", "expires_on": "2020-02-31"}, {"subject": "a:b:c"}):
        assert client.post("/ui/acme/access", wrong).status_code == 422
    assert client.post("/ui/acme/groups", {"name": ""}).status_code == 422


def test_an_owner_manages_their_group_without_being_admin(cast):
    team = factories.group(tenant=cast.tenant, owners=(cast.bob,), members=(cast.alice,))
    address = f"/ui/acme/groups/{team.pk}"
    for name, status in {"bob": 200, "admin": 200, "alice": 404, "charlie": 404, "dana": 404}.items():
        assert client_of(getattr(cast, name)).get(address).status_code == status, name
    assert client_of(cast.bob).post(address, {"email": "charlie@example.com"}).status_code == 302
    assert client_of(cast.bob).post(address, {"email": "dana@example.com"}).status_code == 422
    assert client_of(cast.bob).post(address, {"remove": cast.charlie.pk}).status_code == 302
    assert client_of(cast.bob).post(f"{address}/delete").status_code == 403


def test_a_profile_keeps_language_and_zone(cast):
    client = client_of(cast.charlie)
    form = {"form": "profile", "name": "Charlie", "language": "de", "time_zone": "Europe/Berlin"}
    assert client.post("/ui/acme/me", form).status_code == 302
    actor = cast.actor("charlie")
    assert (actor.language, actor.zone) == ("de", "Europe/Berlin")
    for wrong in ({"language": "xx"}, {"time_zone": "Mars/Olympus"}, {"name": " "}):
        assert client.post("/ui/acme/me", {**form, **wrong}).status_code == 422


def test_someone_refused_asks_for_the_right_and_the_admin_is_told(cast):
    form = {"action": "flow.update", "namespace": stage.HOME}
    assert client_of(cast.bob).post("/ui/acme/request-access", form).status_code == 302
    page = client_of(cast.admin).get("/ui/acme/notices").content.decode()
    assert "Bob asks for the right flow.update in company.team." in page
    assert client_of(cast.bob).post("/ui/acme/request-access", {"action": "no.such"}).status_code == 422


def test_notices_are_read_by_whom_they_are_for(cast):
    notices.tell(cast.tenant.pk, [cast.alice.pk, cast.alice.pk, cast.bob.pk], "x", thing="run:1", text="Hello")
    alice, bob = cast.actor("alice"), cast.actor("bob")
    assert notices.unread_count(alice) == 1
    newest = notices.newest(bob)[0].pk
    client_of(cast.alice).post("/ui/acme/notices", {"up_to": newest})
    assert (notices.unread_count(alice), notices.unread_count(bob)) == (0, 1)


def test_the_navigation_shows_what_one_may_open(cast):
    page = client_of(cast.charlie).get("/ui/acme/me").content.decode()
    assert "/ui/acme/members" not in page
    assert "/ui/acme/members" in client_of(cast.admin).get("/ui/acme/me").content.decode()


def test_people_of_several_tenants_switch_between_them(cast):
    factories.member(tenant=cast.other_tenant, user=cast.alice)
    page = client_of(cast.alice).get("/ui/acme/me").content.decode()
    assert "Globex" in page
    assert "Globex" not in client_of(cast.bob).get("/ui/acme/me").content.decode()


@pytest.mark.parametrize("name_of_page", ["members", "groups", "access", "audit", "notices"])
def test_lists_cost_the_same_for_one_row_and_for_twenty(cast, name_of_page, django_assert_max_num_queries):
    client = client_of(cast.admin)

    def fill(count):
        viewer = factories.built_in_role(tenant=cast.tenant, name="Viewer")
        for _number in range(count):
            person = factories.user()
            factories.member(tenant=cast.tenant, user=person)
            group = factories.group(tenant=cast.tenant, members=(person,))
            factories.binding(tenant=cast.tenant, group=group, role=viewer)
            factories.binding(tenant=cast.tenant, user=person, role=viewer)
            notices.tell(cast.tenant.pk, [cast.admin.pk], "x", thing="", text="Hello")

    fill(1)
    client.get(f"/ui/acme/{name_of_page}")
    with django_assert_max_num_queries(60) as few:
        client.get(f"/ui/acme/{name_of_page}")
    count = len(few)
    fill(20)
    client.get(f"/ui/acme/{name_of_page}")  # rights are read once after a change
    with django_assert_max_num_queries(count):
        client.get(f"/ui/acme/{name_of_page}")


def test_the_audit_log_goes_back_page_by_page(cast):
    for number in range(audit.PAGE + 5):
        audit.record(cast.actor("alice"), "flow.update", "flow", number, after={"number": number})
    client = client_of(cast.admin)
    first = client.get("/ui/acme/audit?action=flow.update")
    second = client.get(f"/ui/acme/audit{first.context['next_url']}")
    ids = [entry.pk for page in (first, second) for entry in page.context["entries"]]
    assert len(ids) == audit.PAGE + 5
    assert ids == sorted(ids, reverse=True)
    assert second.context["next_url"] == ""


def test_secrets_never_reach_the_audit_log(cast):
    after = {"name": "x", "password": "hunter2", "nested": {"api_key": "hunter2"}, "list": [{"token": "hunter2"}]}
    entry = audit.record(cast.actor("alice"), "secret.update", "secret", 1, before={"password": "old"}, after=after)
    kept = AuditEntry.across_tenants.get(pk=entry.pk)
    assert "hunter2" not in str(kept.difference) + kept.canonical
    assert kept.difference["password"] == [audit.MASK, audit.MASK]
    assert "Alice" not in kept.canonical


def test_mail_goes_out_once_in_its_language_and_again_only_after_a_failure(cast, settings, monkeypatch):
    settings.EMAIL_BACKEND = MAIL
    for _again in range(2):
        outbox.put(
            cast.tenant.pk, ["bob@example.com"], "notice", {"text": "A & B", "link": "/ui/acme/me"}, unique_key="k"
        )
    assert Outbox.across_tenants.count() == 1
    assert outbox.send_due() == 1
    assert outbox.send_due() == 0
    assert mail.outbox[0].subject == "A & B"
    assert "/ui/acme/me" in mail.outbox[0].body
    assert "A &amp; B" in mail.outbox[0].alternatives[0][0]


def test_mail_that_cannot_be_sent_waits_longer_each_time_and_is_given_up(cast, settings):
    settings.EMAIL_BACKEND = MAIL
    outbox.put(cast.tenant.pk, ["bob@example.com"], "no-such-template", {})
    waits = []
    for _try in range(outbox.TRIES):
        Outbox.across_tenants.update(run_after=timezone.now())
        assert outbox.send_due() == 0
        waits.append(Outbox.across_tenants.get().run_after - timezone.now())
    assert waits[:5] == sorted(waits[:5])
    assert waits[1] > timedelta(minutes=4)
    Outbox.across_tenants.update(run_after=timezone.now())
    assert outbox.send_due() == 0
    assert Outbox.across_tenants.get().attempts == outbox.TRIES
    assert "TemplateDoesNotExist" in Outbox.across_tenants.get().error


def test_without_a_mail_server_nothing_is_kept_for_later(cast, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    outbox.put(cast.tenant.pk, ["bob@example.com"], "notice", {"text": "x"})
    assert outbox.send_due() == 0
    assert Outbox.across_tenants.get().error == outbox.NOT_SET_UP


def test_a_known_person_joins_as_they_are(cast):
    cast.dana.set_password(factories.PASSWORD)
    cast.dana.save()
    users.add_member(cast.actor("admin"), email="DANA@example.com", name="Somebody else", password="overwritten-99")
    dana = users.by_email("dana@example.com")
    assert dana.name == "Dana"
    assert dana.check_password(factories.PASSWORD)
    with pytest.raises(Conflict):
        users.add_member(cast.actor("admin"), email="dana@example.com")
