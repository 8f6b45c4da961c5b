"""Signing in: the right people, slowly for who guesses, and set-up once."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tenants import first_run, sign_in
from tenants.errors import Conflict, Forbidden, Invalid, TooMany
from tenants.models import Membership, SignInFailure, Tenant, User
from tests import factories

HERE, THERE = "192.0.2.1", "198.51.100.7"


@pytest.fixture
def alice(db):
    person = factories.user(name="Alice", email="Alice@Example.com", password=factories.PASSWORD)
    factories.tenant(slug="acme", admin=person)
    return person


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = timezone.now()

        def pass_by(self, **time):
            self.now += timedelta(**time)

    made = Clock()
    monkeypatch.setattr(timezone, "now", lambda: made.now)
    return made


@pytest.fixture
def quick(settings, clock):
    """Hash passwords quickly where a test tries many, and let no time pass by itself."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def guess(times: int, email: str = "alice@example.com", address: str = HERE, device: str = "") -> int:
    """Try wrong passwords and return how many were looked at."""
    looked_at = 0
    for number in range(times):
        try:
            sign_in.check(email, f"wrong {number}", address=address, device=device)
        except Invalid:
            looked_at += 1
        except TooMany:
            pass
    return looked_at


def enter(address: str = HERE, device: str = "") -> User:
    return sign_in.check("alice@example.com", factories.PASSWORD, address=address, device=device)


def test_the_address_is_the_same_however_it_is_written(alice):
    assert sign_in.check(" ALICE@example.COM ", factories.PASSWORD, address=HERE) == alice


def test_wrong_passwords_unknown_people_and_the_departed_get_the_same_answer(alice):
    gone = factories.user(email="gone@example.com", password=factories.PASSWORD)
    User.objects.filter(pk=gone.pk).update(is_active=False)
    said = set()
    for email, password in (
        ("alice@example.com", "wrong"),
        ("nobody@example.com", "wrong"),
        ("gone@example.com", factories.PASSWORD),
    ):
        with pytest.raises(Invalid) as refused:
            sign_in.check(email, password, address=HERE)
        said.add(refused.value.sentence)
    assert len(said) == 1


def test_programs_and_people_without_password_cannot_sign_in(db):
    factories.user(email="new@example.com")
    User.objects.create_user("bot@example.com", "Bot", factories.PASSWORD, kind=User.Kind.SERVICE)
    for email in ("new@example.com", "bot@example.com"):
        with pytest.raises(Invalid):
            sign_in.check(email, factories.PASSWORD, address=HERE)


def test_guessing_gets_slower_and_slower_but_never_stops_for_ever(quick, clock, alice):
    assert guess(20) == 5
    with pytest.raises(TooMany):
        enter()
    waits = []
    for _round in range(12):
        with pytest.raises(TooMany) as refused:
            enter()
        waits.append(refused.value.wait)
        clock.pass_by(seconds=refused.value.wait)
        assert guess(1) == 1
    assert waits[:4] == [1, 2, 4, 8]
    assert max(waits) <= 15 * 60
    clock.pass_by(minutes=31)
    assert enter() == alice


def test_guesses_of_one_address_do_not_delay_the_owner_at_another(quick, alice):
    guess(20)
    with pytest.raises(TooMany):
        enter(HERE)
    assert enter(THERE) == alice


def test_guesses_from_everywhere_delay_strangers_but_not_a_browser_that_is_known(quick, alice):
    device = sign_in.device_cookie(alice)
    for number in range(40):
        guess(1, address=f"203.0.113.{number}")
    with pytest.raises(TooMany) as refused:
        enter("203.0.113.99")
    assert refused.value.wait <= 60
    assert enter(device=device) == alice


def test_a_known_browser_is_counted_too_and_a_forged_or_foreign_cookie_is_none(quick, alice):
    assert guess(20, device=sign_in.device_cookie(alice)) == 5
    other = factories.user(email="other@example.com")
    for cookie in ("forged", sign_in.device_cookie(other)):
        assert not sign_in.known_device(cookie, "alice@example.com")


def test_one_address_cannot_try_the_whole_staff(quick, alice):
    assert sum(guess(1, email=f"person{number}@example.org") for number in range(100)) == 60


def test_success_forgets_ones_own_mistakes(quick, alice):
    guess(4)
    enter()
    assert guess(20) == 5


def test_what_was_typed_as_address_is_never_stored(quick, alice):
    guess(1, email="my-secret-password")
    assert "secret" not in str(list(SignInFailure.objects.values_list("key", flat=True)))
    SignInFailure.objects.update(last_at=timezone.now() - timedelta(hours=1))
    assert sign_in.forget_old() == 3


def test_a_person_signs_in_and_out_in_the_browser(alice):
    client = Client(enforce_csrf_checks=True)
    page = client.get("/sign-in?next=/ui/acme/members").content.decode()
    csrf = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]
    form = {"email": alice.email, "password": "wrong", "next": "/ui/acme/members", "csrfmiddlewaretoken": csrf}
    wrong = client.post("/sign-in", form)
    assert wrong.status_code == 422
    assert "do not belong together" in wrong.content.decode()
    assert "wrong" not in wrong.content.decode()
    right = client.post("/sign-in", {**form, "password": factories.PASSWORD})
    assert (right.status_code, right["Location"]) == (302, "/ui/acme/members")
    assert right.cookies["portico_device"]["httponly"]
    assert right.cookies["portico_device"]["path"] == "/sign-in"
    assert client.get("/ui/acme/me").status_code == 200
    assert client.get("/sign-out").status_code == 405
    assert client.post("/sign-out", {"csrfmiddlewaretoken": client.cookies["csrftoken"].value}).status_code == 302
    assert client.get("/ui/acme/me").status_code == 302


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "http:///evil.example"],
)
def test_nobody_is_sent_elsewhere_after_signing_in(alice, target):
    form = {"email": alice.email, "password": factories.PASSWORD, "next": target}
    assert Client().post("/sign-in", form)["Location"] == "/"


def test_waiting_is_a_429_that_says_how_long(quick, alice):
    guess(20, address="127.0.0.1")
    answer = Client().post("/sign-in", {"email": alice.email, "password": factories.PASSWORD})
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) >= 1


def test_a_new_password_needs_the_old_one_and_ends_other_sessions(alice):
    here, elsewhere = Client(), Client()
    for client in (here, elsewhere):
        client.post("/sign-in", {"email": alice.email, "password": factories.PASSWORD})
    new = "another-harbour-88"
    assert here.post("/ui/acme/me", {"form": "password", "old": "wrong", "new": new}).status_code == 422
    weak = here.post("/ui/acme/me", {"form": "password", "old": factories.PASSWORD, "new": "password"})
    assert weak.status_code == 422
    changed = here.post("/ui/acme/me", {"form": "password", "old": factories.PASSWORD, "new": new})
    assert changed.status_code == 302
    assert here.get("/ui/acme/me").status_code == 200
    assert elsewhere.get("/ui/acme/me").status_code == 302


def setup_form(**changes):
    return {
        "token": first_run.token(),
        "email": "otto@example.com",
        "name": "Otto",
        "password": factories.PASSWORD,
        "tenant_name": "Acme",
        "slug": "acme",
        **changes,
    }


def test_a_fresh_server_leads_to_its_set_up_page_which_works_once(db):
    client = Client()
    assert client.get("/")["Location"] == "/setup"
    assert client.get("/sign-in")["Location"] == "/setup"
    assert client.get("/setup").status_code == 200
    assert client.post("/setup", setup_form(token="guessed")).status_code == 403
    assert client.post("/setup", setup_form(password="short", slug="api")).status_code == 422
    assert not User.objects.exists()
    assert client.post("/setup", setup_form()).status_code == 302
    otto = User.objects.get()
    assert otto.is_instance_owner
    assert Membership.objects.get().user == otto
    assert client.get("/ui/acme/members").status_code == 200
    assert client.get("/setup")["Location"] == "/"
    assert Client().post("/setup", setup_form(email="eve@example.com", slug="eve")).status_code == 409
    assert User.objects.count() == Tenant.objects.count() == 1


def test_the_set_up_token_is_the_same_everywhere_and_can_be_chosen_or_dropped(db, settings):
    assert first_run.token() == first_run.token()
    assert len(first_run.token()) == 32
    settings.SETUP_TOKEN = "chosen"
    wanted = {key: value for key, value in setup_form().items() if key not in {"token", "slug"}}
    with pytest.raises(Forbidden):
        first_run.create_first_owner(given_token="", tenant_slug="acme", **wanted)
    settings.SETUP_TOKEN = ""
    first_run.create_first_owner(given_token="", tenant_slug="acme", **wanted)
    with pytest.raises(Conflict):
        first_run.create_first_owner(given_token="", tenant_slug="other", **wanted)
