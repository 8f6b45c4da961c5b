"""What the middleware does with every request inside a tenant."""

import re

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test import Client

from tenants import tokens
from tenants.models import Namespace, Token
from tenants.tenancy import in_tenant
from tests import cast as stage
from tests import factories

pytestmark = [pytest.mark.urls("tests.tenants.urls_for_requests")]

PEOPLE = ("alice", "bob", "charlie", "dana", "otto", "admin")


@pytest.fixture
def cast(db):
    made = stage.cast()
    for tenant in (made.tenant, made.other_tenant):
        Namespace.across_tenants.create(tenant=tenant, path="company")
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE portico_web")
        yield made
        cursor.execute("RESET ROLE")


def signed_in(person, **options) -> Client:
    client = Client(**options)
    client.force_login(person)
    return client


def minted(cast) -> tuple[Token, str]:
    """A token of Alice's with its secret."""
    with in_tenant(cast.tenant.pk):
        return tokens.mint(cast.actor("alice"), user_id=cast.alice.pk, name="x")


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def test_members_get_in_and_for_all_others_the_tenant_does_not_exist(cast):
    for name in PEOPLE:
        status = signed_in(getattr(cast, name)).get("/ui/acme/says").status_code
        assert status == (200 if name in {"alice", "bob", "charlie", "admin"} else 404), name


def test_an_unknown_tenant_and_a_closed_one_look_the_same(cast):
    client = signed_in(cast.dana)
    closed, unknown = client.get("/ui/acme/says"), client.get("/ui/nowhere/says")
    assert closed.status_code == unknown.status_code == 404

    def without_ids(answer):
        text = answer.content.decode().replace(answer["X-Request-ID"], "")
        return re.sub(r'"X-CSRFToken": "\w+"', "", text)

    assert without_ids(closed).replace("acme", "") == without_ids(unknown).replace("nowhere", "")


def test_strangers_are_sent_to_sign_in_and_back(cast):
    answer = Client().get("/ui/acme/says?a=1")
    assert (answer.status_code, answer["Location"]) == (302, "/sign-in?next=/ui/acme/says%3Fa%3D1")
    assert Client().get("/ui/nowhere/says").status_code == 302
    assert Client().post("/ui/acme/says")["Location"] == "/sign-in"
    assert Client().get("/api/v1/acme/thing").status_code == 401
    assert Client().get("/api/v1/acme/thing")["WWW-Authenticate"] == "Bearer"
    assert Client().get("/ui/acme/says", headers={"HX-Request": "true"})["HX-Redirect"] == "/sign-in"


def test_a_view_runs_in_its_tenant_in_the_persons_language_and_zone(cast):
    cast.alice.language, cast.alice.time_zone = "de", "Asia/Tokyo"
    cast.alice.save()
    cast.tenant.time_zone = "Europe/Zurich"
    cast.tenant.save()
    answer = signed_in(cast.alice).get("/ui/acme/says")
    assert answer.content.decode() == "Alice de Asia/Tokyo 1"
    assert answer["Content-Language"] == "de"
    assert signed_in(cast.bob).get("/ui/acme/says").content.decode() == "Bob en Europe/Zurich 1"


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("conflict", 409),
        ("invalid", 422),
        ("too-large", 413),
        ("unavailable", 503),
        ("not-found", 404),
        ("forbidden", 403),
    ],
)
def test_an_error_becomes_its_page_and_undoes_what_the_view_wrote(cast, kind, status):
    answer = signed_in(cast.alice).get(f"/ui/acme/raising/{kind}")
    assert answer.status_code == status
    assert answer["X-Request-ID"] in answer.content.decode()
    api = signed_in(cast.alice).post("/api/v1/acme/thing", {"kind": kind}, content_type="application/json")
    assert api.status_code == status
    assert set(api.json()) == {"message", "code", "_embedded"}
    assert api.json()["_embedded"]["errors"][0]["message"]
    assert not Namespace.across_tenants.filter(path="half.done").exists()
    connection.cursor().execute("RESET ROLE")
    assert not Namespace.across_tenants.filter(path="half.done").exists()


def test_a_page_refused_names_the_right_and_who_can_give_it(cast):
    page = signed_in(cast.bob).get("/ui/acme/members").content.decode()
    assert "user.list" in page
    assert "It can be given by: Admin" in page
    assert 'action="/ui/acme/request-access"' in page


def test_a_fault_shows_its_number_and_nothing_else(cast):
    client = signed_in(cast.alice, raise_request_exception=False)
    page = client.get("/ui/acme/raising/fault")
    assert page.status_code == 500
    assert page["X-Request-ID"] in page.content.decode()
    api = client.post("/api/v1/acme/thing", {"kind": "fault"}, content_type="application/json")
    assert api.status_code == 500
    assert api.json()["requestId"] == api["X-Request-ID"]
    for answer in (page, api):
        assert "secret detail" not in answer.content.decode()
        assert "Traceback" not in answer.content.decode()
    connection.cursor().execute("RESET ROLE")
    assert not Namespace.across_tenants.filter(path="half.done").exists()


def test_an_address_that_leads_nowhere_has_a_page(cast):
    answer = signed_in(cast.alice, raise_request_exception=False).get("/no/such/page")
    assert answer.status_code == 404
    assert answer["X-Request-ID"] in answer.content.decode()
    assert Client().get("/api/v1/acme/nothing/here").json()["code"] == "not_found"


def test_a_view_that_declares_nothing_never_runs(cast):
    with pytest.raises(ImproperlyConfigured):
        signed_in(cast.alice).get("/ui/acme/undeclared")
    token = minted(cast)[1]
    assert Client().get("/api/v1/undeclared", headers=bearer(token)).status_code == 403
    assert Client().get("/api/v1/undeclared").status_code in {401, 403}


def test_a_public_door_is_open_to_strangers_within_its_tenant(cast):
    assert Client().get("/p/acme/public").content == b"1 stranger"
    assert Client().get("/p/acme/public", headers=bearer("of-another-system")).content == b"1 stranger"
    assert signed_in(cast.dana).get("/p/acme/public").content == b"1 stranger"
    assert signed_in(cast.bob).get("/p/acme/public").content == b"1 Bob"
    assert Client().get("/p/nowhere/public").status_code == 404


def test_a_stream_holds_no_transaction(cast):
    assert b"".join(signed_in(cast.alice).get("/ui/acme/streaming").streaming_content) == b"1"


def test_a_right_on_the_tenant_is_asked_before_the_view_runs(cast):
    for name in PEOPLE:
        status = signed_in(getattr(cast, name)).get("/ui/acme/audit").status_code
        assert status == {"admin": 200, "dana": 404, "otto": 404}.get(name, 403), name


def test_a_token_acts_for_its_owner_in_its_tenant_alone(cast):
    _token, secret = minted(cast)
    assert Client().get("/api/v1/acme/thing", headers=bearer(secret)).json() == {"name": "Alice"}
    assert Client().post("/api/v1/acme/thing", {}, headers=bearer(secret)).status_code == 200
    factories.member(tenant=cast.other_tenant, user=cast.alice)
    assert Client().get("/api/v1/globex/thing", headers=bearer(secret)).status_code == 404


def test_tokens_wrong_expired_revoked_or_of_the_departed_are_refused(cast):
    token, secret = minted(cast)
    assert Client().get("/api/v1/acme/thing", headers=bearer("ptk_wrong")).status_code == 401
    with in_tenant(cast.tenant.pk):
        tokens.revoke(cast.actor("alice"), token.pk)
    assert Client().get("/api/v1/acme/thing", headers=bearer(secret)).status_code == 401
    _token, secret = minted(cast)
    Token.objects.update(expires_at=token.created_at)
    assert Client().get("/api/v1/acme/thing", headers=bearer(secret)).status_code == 401
    Token.objects.update(expires_at=None)
    assert Client().get("/api/v1/acme/thing", headers=bearer(secret)).status_code == 200
    cast.alice.is_active = False
    cast.alice.save()
    assert Client().get("/api/v1/acme/thing", headers=bearer(secret)).status_code == 401


def test_a_write_with_a_cookie_needs_the_csrf_token_and_one_with_a_bearer_does_not(cast):
    client = signed_in(cast.alice, enforce_csrf_checks=True)
    assert client.get("/api/v1/acme/thing").status_code == 200
    refused = client.post("/api/v1/acme/thing", {})
    assert refused.status_code == 403
    assert "CSRF" in refused.json()["message"]
    secret = minted(cast)[1]
    assert Client(enforce_csrf_checks=True).post("/api/v1/acme/thing", {}, headers=bearer(secret)).status_code == 200
    page = client.post("/ui/acme/me", {})
    assert page.status_code == 403
    assert "stood open" in page.content.decode()


def test_what_the_api_cannot_read_is_a_400_in_its_own_shape(cast):
    secret = minted(cast)[1]
    answer = Client().post("/api/v1/acme/thing", "{broken", content_type="application/json", headers=bearer(secret))
    assert answer.status_code == 400
    assert set(answer.json()) == {"message", "code", "_embedded"}


def test_me_says_who_i_am_and_what_i_may(cast):
    told = signed_in(cast.bob).get("/api/v1/acme/me").json()
    assert told["email"] == "bob@example.com"
    assert told["actions"]["flow.execute"] == {"namespaces": [stage.HOME], "ownNamespaces": []}
    assert "flow.update" not in told["actions"]


def test_a_page_costs_a_known_number_of_queries(cast, django_assert_num_queries):
    client = signed_in(cast.alice)
    client.get("/ui/acme/says")
    # session, user, seat, savepoint, tenant of the transaction, the view's own, tenant of before, savepoint
    with django_assert_num_queries(8):
        client.get("/ui/acme/says")
