"""Flows over REST, by the whole cast."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orchestrator.models import Flow
from tests.cast import HOME, Cast, cast
from tests.orchestrator.stage import door, hello, hooked, program, saved

pytestmark = pytest.mark.django_db
YAML = "application/x-yaml"
FLOWS = "/api/v1/acme/flows"


@pytest.fixture
def stage():
    return cast()


def test_a_program_makes_reads_and_changes_a_flow(stage: Cast):
    api = program(stage, "alice")
    made = api.post(FLOWS, hello(), content_type=YAML)
    assert made.status_code == 200, made.content
    assert made.json()["revision"] == 1
    assert made.json()["tasks"][0]["message"] == "Hello"
    again = api.post(FLOWS, hello(), content_type=YAML)
    assert again.status_code == 422
    changed = api.put(f"{FLOWS}/{HOME}/hello", hello().replace("Hello", "Bye"), content_type=YAML)
    assert changed.json()["revision"] == 2
    assert "source" not in api.get(f"{FLOWS}/{HOME}/hello").json()
    assert api.get(f"{FLOWS}/{HOME}/hello?source=true&revision=1").json()["source"] == hello()
    assert [one["revision"] for one in api.get(f"{FLOWS}/{HOME}/hello/revisions").json()] == [1, 2]
    assert api.get(f"{FLOWS}/{HOME}/hello?revision=9").status_code == 404
    assert api.delete(f"{FLOWS}/{HOME}/hello").status_code == 204
    assert api.get(f"{FLOWS}/{HOME}/hello").status_code == 404
    assert api.get(f"{FLOWS}/{HOME}/hello?allowDeleted=true").json()["deleted"] is True


def test_the_text_must_be_of_the_flow_in_the_address(stage: Cast):
    api = program(stage, "alice")
    saved(stage, hello())
    refused = api.put(f"{FLOWS}/{HOME}/hello", hello("other"), content_type=YAML)
    assert refused.status_code == 422
    assert not Flow.objects.in_tenant(stage.tenant.pk).filter(flow_id="other").exists()


@pytest.mark.parametrize(
    ("name", "read", "write", "make"),
    [
        ("alice", 200, 200, 200),
        ("bob", 200, 403, 403),
        ("charlie", 404, 404, 403),
        ("dana", 404, 404, 404),
        ("otto", 404, 404, 404),
        ("nobody", 401, 401, 401),
    ],
)
def test_who_may_what(stage: Cast, name: str, read: int, write: int, make: int):
    saved(stage, hello())
    api = door(stage, name)
    assert api.get(f"{FLOWS}/{HOME}/hello").status_code == read
    assert api.get(f"{FLOWS}/{HOME}/hello/graph").status_code == read
    assert api.get(f"{FLOWS}/{HOME}/hello/revisions").status_code == read
    assert api.put(f"{FLOWS}/{HOME}/hello", hello().replace("Hello", "Bye"), content_type=YAML).status_code == write
    assert api.post(FLOWS, hello("new"), content_type=YAML).status_code == make
    assert api.delete(f"{FLOWS}/{HOME}/hello").status_code == (204 if write == 200 else write)


def test_a_list_shows_what_one_may_see_and_counts_nothing_else(stage: Cast):
    saved(stage, hello("one"))
    saved(stage, hooked("two"))
    saved(stage, hello("three", "company.other"), by="admin")
    found = program(stage, "bob").get(f"{FLOWS}/search").json()
    assert [one["id"] for one in found["results"]] == ["one", "two"]
    assert found["total"] == 2
    assert program(stage, "charlie").get(f"{FLOWS}/search").json() == {"results": [], "total": 0}
    assert program(stage, "admin").get(f"{FLOWS}/search").json()["total"] == 3


def test_a_list_is_filtered_sorted_and_paged(stage: Cast):
    for name in ("one", "two", "three"):
        saved(stage, hello(name))
    api = program(stage, "alice")

    def ids(query: str) -> list[str]:
        answer = api.get(f"{FLOWS}/search?{query}")
        assert answer.status_code == 200, answer.content
        return [one["id"] for one in answer.json()["results"]]

    assert ids("sort=id:desc") == ["two", "three", "one"]
    assert ids("sort=id:asc&size=2&page=2") == ["two"]
    assert ids("filters[q][EQUALS]=thr") == ["three"]
    assert ids("filters[namespace][PREFIX]=company") == ["one", "three", "two"]
    assert ids("filters[flowId][IN]=one,two") == ["one", "two"]


@pytest.mark.parametrize(
    "query",
    [
        "size=0",
        "size=x",
        "page=-1",
        "size=1000",
        "page=100000",
        "sort=source",
        "filters[secret][EQUALS]=x",
        "filters[namespace][DROP]=x",
        "filters[namespace]=x",
        "filters[labels][IN][a]=b",
    ],
)
def test_wrong_filters_are_said_to_be_wrong(stage: Cast, query: str):
    answer = program(stage, "alice").get(f"{FLOWS}/search?{query}")
    assert answer.status_code == 422
    assert answer.json()["_embedded"]["errors"][0]["path"]


def test_validation_tells_line_column_and_how_to_mend(stage: Cast):
    text = hello().replace("core.log.Log", "io.kestra.plugin.core.log.Lag")
    (entry,) = program(stage, "alice").post(f"{FLOWS}/validate", text, content_type=YAML).json()
    assert entry["constraints"].startswith("5:")
    assert "Log" in entry["problems"][0]["mend"]
    (fine,) = program(stage, "alice").post(f"{FLOWS}/validate", hello(), content_type=YAML).json()
    assert "constraints" not in fine
    assert (fine["flow"], fine["namespace"]) == ("hello", HOME)


def test_several_texts_are_validated_one_by_one(stage: Cast):
    both = hello() + "---\n" + hello("two").replace("message", "massage")
    found = program(stage, "alice").post(f"{FLOWS}/validate", both, content_type=YAML).json()
    assert [("constraints" in entry) for entry in found] == [False, True]


def test_a_bomb_is_refused_and_not_swallowed(stage: Cast):
    deep = "[" * 50_000
    answer = program(stage, "alice").post(FLOWS, deep, content_type=YAML)
    assert answer.status_code == 422
    assert program(stage, "alice").post(FLOWS, b"\xff\xfe", content_type=YAML).status_code == 422
    assert program(stage, "alice").post(FLOWS, "", content_type=YAML).status_code == 422


@pytest.mark.parametrize("odd", ["..", "%2e%2e", "%2e", "health", "%00", "a%2Fb", "%F0%9F%98%80"])
def test_odd_ids_are_absent_flows_and_never_a_fault(stage: Cast, odd: str):
    api = program(stage, "alice")
    for address in (f"{FLOWS}/{HOME}/{odd}", f"{FLOWS}/{odd}/hello", f"{FLOWS}/{odd}/{odd}/graph"):
        assert api.get(address).status_code == 404, address


def test_a_write_by_cookie_needs_the_csrf_token(stage: Cast):
    client = door(stage, "alice")
    client.handler.enforce_csrf_checks = True
    assert client.post(FLOWS, hello(), content_type=YAML).status_code == 403


def test_the_same_number_of_queries_for_one_and_for_twenty_flows(stage: Cast):
    api = program(stage, "alice")
    counts = []
    for number in range(20):
        saved(stage, hello(f"flow{number}"))
        if number in {0, 19}:
            api.get(f"{FLOWS}/search?size=50")
            with CaptureQueriesContext(connection) as queries:
                assert len(api.get(f"{FLOWS}/search?size=50").json()["results"]) == number + 1
            counts.append(len(queries))
    assert counts[0] == counts[1], counts
