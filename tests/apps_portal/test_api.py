"""Apps for programs."""

import pytest
from django.test import Client

from tests import factories
from tests.apps_portal import stage as house

YAML = "application/x-yaml"


def program(stage, name: str):
    person = getattr(stage, name)
    tenant = stage.other_tenant if name == "dana" else stage.tenant
    _token, secret = factories.token(tenant=tenant, user=person)
    return Client(headers={"authorization": f"Bearer {secret}"})


def test_an_app_is_created_read_changed_switched_and_ended(stage):
    house.flow(stage, house.GREET)
    alice = program(stage, "alice")
    made = alice.post("/api/v1/acme/apps", house.document(), content_type=YAML)
    assert made.status_code == 200, made.content
    uid = made.json()["uid"]
    assert made.json()["source"] == house.document()
    url = f"/api/v1/acme/apps/{uid}"
    assert alice.get(url).json()["revision"] == 1
    changed = alice.put(url, house.document(rest="category: Fun\n"), content_type=YAML)
    assert (changed.json()["revision"], changed.json()["category"]) == (2, "Fun")
    assert alice.put(url, house.document(app_id="other"), content_type=YAML).status_code == 409
    assert alice.post(f"{url}/disable").json()["disabled"]
    assert not alice.post(f"{url}/enable").json()["disabled"]
    assert alice.delete(url).status_code == 204
    assert alice.get(url).status_code == 404


def test_a_text_with_problems_is_answered_with_their_places(stage):
    house.flow(stage, house.GREET)
    alice = program(stage, "alice")
    answer = alice.post("/api/v1/acme/apps", house.document(rest="titel: x\n"), content_type=YAML)
    assert answer.status_code == 422
    error = answer.json()["_embedded"]["errors"][0]
    assert (error["line"], error["column"], error["mend"]) == (5, 1, "Did you mean `title`?")
    checked = alice.post("/api/v1/acme/apps/validate", house.document("gret"), content_type=YAML).json()
    assert checked["problems"][0]["line"] == 4


def test_lists_are_those_of_the_caller(stage):
    house.app(stage, rest="tags: [Fun]\ndisplayName: Say hello\n")
    for name, count in (("alice", 1), ("bob", 1), ("charlie", 0)):
        client = program(stage, name)
        assert client.get("/api/v1/acme/apps/catalog").json()["total"] == count, name
        assert client.get("/api/v1/acme/apps/tags").json() == ["Fun"] * count
        if count:
            assert client.get("/api/v1/acme/apps/search?q=hello").json()["total"] == count
            assert client.get("/api/v1/acme/apps/search?q=nothing").json()["total"] == 0


@pytest.mark.parametrize(
    ("name", "get", "put"), [("alice", 200, 200), ("bob", 200, 403), ("charlie", 404, 404), ("dana", 404, 404)],
)  # fmt: skip
def test_everybody_at_every_door(stage, name, get, put):
    app = house.app(stage)
    client = program(stage, name)
    url = f"/api/v1/acme/apps/{app.uid}"
    assert client.get(url).status_code == get
    assert client.put(url, house.document(rest="category: A\n"), content_type=YAML).status_code == put
    if name != "alice":
        assert client.delete(url).status_code == put
        assert client.post(f"{url}/disable").status_code == put
        refused = client.post("/api/v1/acme/apps", house.document(), content_type=YAML).status_code
        assert refused == (404 if name == "dana" else 403)
