"""Executions over REST: starting with inputs and files, reading by right, and what can be asked of a running one."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orchestrator import storage
from orchestrator.models import Artifact, Execution
from tests import factories
from tests.cast import HOME, Cast, cast
from tests.orchestrator.stage import ASKING, WAITING, door, hello, program, saved, settle

pytestmark = pytest.mark.django_db
RUNS = "/api/v1/acme/executions"


@pytest.fixture
def stage(settings, tmp_path):
    settings.STORAGE_URL = f"file://{tmp_path}/storage"
    return cast()


def started(stage: Cast, by: str = "bob", flow: str = "hello", **inputs: object) -> str:
    answer = program(stage, by).post(f"{RUNS}/{HOME}/{flow}", inputs)
    assert answer.status_code == 200, answer.content
    return answer.json()["id"]


def test_a_program_starts_a_flow_with_a_form_and_a_file(stage: Cast):
    saved(stage, ASKING)
    report = SimpleUploadedFile("July.csv", b"a,b\n1,2\n")
    answer = program(stage, "bob").post(
        f"{RUNS}/{HOME}/asking?labels=team:finance",
        {"name": "Ada", "count": "3", "password": "s3cret", "report": report},
    )
    body = answer.json()
    assert answer.status_code == 200, body
    assert body["state"]["current"] == "CREATED"
    assert (body["inputs"]["name"], body["inputs"]["count"]) == ("Ada", 3)
    assert "s3cret" not in answer.content.decode()
    assert {"key": "team", "value": "finance"} in body["labels"]
    artifact = Artifact.objects.in_tenant(stage.tenant.pk).get()
    assert (artifact.name, artifact.size, artifact.input_id) == ("July.csv", 8, "report")
    assert storage.open(stage.tenant.pk, artifact.uri).read() == b"a,b\n1,2\n"
    settle()
    done = program(stage, "bob").get(f"{RUNS}/{body['id']}").json()
    assert done["state"]["current"] == "SUCCESS"
    assert done["outputs"] == {"said": "Hello Ada"}
    assert [run["taskId"] for run in done["taskRunList"]] == ["greet"]


def test_inputs_may_come_as_json(stage: Cast):
    saved(stage, ASKING)
    answer = program(stage, "bob").post(
        f"{RUNS}/{HOME}/asking",
        json.dumps({"name": "Ada", "count": 3}),
        content_type="application/json",
    )
    assert answer.json()["inputs"]["count"] == 3


def test_wrong_inputs_are_named_and_nothing_is_kept(stage: Cast, tmp_path):
    saved(stage, ASKING)
    report = SimpleUploadedFile("July.csv", b"a,b\n")
    refused = program(stage, "bob").post(f"{RUNS}/{HOME}/asking", {"count": "many", "report": report})
    assert refused.status_code == 422
    assert {error["path"] for error in refused.json()["_embedded"]["errors"]} == {"name", "count"}
    assert not Execution.objects.in_tenant(stage.tenant.pk).exists()
    assert not [path for path in (tmp_path / "storage").rglob("*") if path.is_file()]


def test_a_file_input_takes_files_and_no_addresses(stage: Cast):
    saved(stage, ASKING)
    wrong_kind = SimpleUploadedFile("July.exe", b"MZ")
    assert program(stage, "bob").post(f"{RUNS}/{HOME}/asking", {"name": "A", "report": wrong_kind}).status_code == 422
    stolen = {"name": "A", "report": "portico:///company/other/secret.csv"}
    answer = program(stage, "bob").post(f"{RUNS}/{HOME}/asking", stolen)
    assert answer.json()["inputs"].get("report") is None


def test_checking_inputs_starts_nothing(stage: Cast):
    saved(stage, ASKING)
    answer = program(stage, "bob").post(f"{RUNS}/{HOME}/asking/validate", {"count": "many"})
    errors = {one["input"]["id"]: one["errors"] for one in answer.json()["inputs"]}
    assert {name for name, found in errors.items() if found} == {"name", "count"}
    assert not Execution.objects.in_tenant(stage.tenant.pk).exists()


@pytest.mark.parametrize(
    ("name", "start", "read"),
    [
        ("alice", 200, 200),
        ("bob", 200, 200),
        ("charlie", 404, 404),
        ("dana", 404, 404),
        ("otto", 404, 404),
        ("nobody", 401, 401),
    ],
)
def test_who_may_start_and_read(stage: Cast, name: str, start: int, read: int):
    saved(stage, hello())
    run = started(stage)
    api = door(stage, name)
    assert api.post(f"{RUNS}/{HOME}/hello").status_code == start
    for part in ("", "/flow", "/graph"):
        assert api.get(f"{RUNS}/{run}{part}").status_code == read, part
    assert api.get(f"/api/v1/acme/logs/{run}").status_code == read
    assert api.get(f"/api/v1/acme/logs/{run}/download").status_code == read


def test_own_only_reaches_what_one_started(stage: Cast):
    saved(stage, hello())
    mine = factories.role(tenant=stage.tenant, actions=["flow.view", "flow.execute"])
    own = factories.role(tenant=stage.tenant, actions=["execution.view", "execution.list", "execution.kill"])
    factories.binding(tenant=stage.tenant, user=stage.charlie, role=mine, namespace=HOME)
    factories.binding(tenant=stage.tenant, user=stage.charlie, role=own, namespace=HOME, own_only=True)
    hers, his = started(stage, "alice"), started(stage, "charlie")
    api = program(stage, "charlie")
    assert [one["id"] for one in api.get(f"{RUNS}/search").json()["results"]] == [his]
    assert (api.get(f"{RUNS}/{his}").status_code, api.get(f"{RUNS}/{hers}").status_code) == (200, 404)
    assert api.delete(f"{RUNS}/{hers}/actions/kill").status_code == 404
    assert api.delete(f"{RUNS}/{his}/actions/kill").status_code == 200


def test_inputs_outputs_logs_and_files_are_four_rights(stage: Cast):
    saved(stage, ASKING)
    report = SimpleUploadedFile("July.csv", b"a\n")
    run = program(stage, "alice").post(f"{RUNS}/{HOME}/asking", {"name": "Ada", "report": report}).json()["id"]
    settle()
    uri = Artifact.objects.in_tenant(stage.tenant.pk).get().uri
    looks = factories.role(tenant=stage.tenant, actions=["execution.view", "flow.view"])
    factories.binding(tenant=stage.tenant, user=stage.charlie, role=looks, namespace=HOME)

    def seen() -> tuple[bool, bool, bool, bool]:
        api = program(stage, "charlie")
        body = api.get(f"{RUNS}/{run}").json()
        logs = api.get(f"/api/v1/acme/logs/{run}").status_code == 200
        metas = api.get(f"{RUNS}/{run}/file/metas", {"path": uri}).status_code == 200
        return bool(body["inputs"]), bool(body["outputs"]), logs, metas

    assert seen() == (False, False, False, False)
    for place, action in enumerate(["inputs", "outputs", "logs", "files"]):
        role = factories.role(tenant=stage.tenant, actions=[f"execution.access_{action}"])
        factories.binding(tenant=stage.tenant, user=stage.charlie, role=role, namespace=HOME)
        assert seen() == tuple(place >= number for number in range(4))


def test_an_audience_replaces_the_usual_one(stage: Cast):
    saved(stage, ASKING)
    run = started(stage, "bob", "asking", name="Ada")
    Execution.objects.in_tenant(stage.tenant.pk).update(
        shown_to={"inputs": ["group:Auditors"], "outputs": ["nobody"]},
        sensitive=["name"],
    )
    for name in ("alice", "bob"):
        assert program(stage, name).get(f"{RUNS}/{run}").json()["inputs"] == {}
    factories.group(tenant=stage.tenant, name="Auditors", members=(stage.alice,))
    assert program(stage, "alice").get(f"{RUNS}/{run}").json()["inputs"]["name"] == "••••••"


def test_a_paused_execution_is_resumed_once(stage: Cast):
    saved(stage, WAITING)
    run = started(stage, "alice", "waiting")
    settle()
    api = program(stage, "alice")
    assert api.get(f"{RUNS}/{run}").json()["state"]["current"] == "PAUSED"
    assert program(stage, "bob").post(f"{RUNS}/{run}/actions/resume").status_code == 403
    assert api.post(f"{RUNS}/{run}/actions/resume").status_code == 200
    assert api.post(f"{RUNS}/{run}/actions/resume").status_code == 409
    settle()
    assert api.get(f"{RUNS}/{run}").json()["state"]["current"] == "SUCCESS"


def test_killing_twice_is_a_conflict(stage: Cast):
    saved(stage, WAITING)
    run = started(stage, "alice", "waiting")
    settle()
    assert program(stage, "bob").delete(f"{RUNS}/{run}/actions/kill").status_code == 403
    assert program(stage, "alice").delete(f"{RUNS}/{run}/kill").status_code == 200
    settle()
    assert program(stage, "alice").delete(f"{RUNS}/{run}/kill").status_code == 409


def test_a_disabled_flow_is_not_started(stage: Cast):
    saved(stage, hello() + "disabled: true\n")
    assert program(stage, "bob").post(f"{RUNS}/{HOME}/hello").status_code == 409


def test_executions_are_searched_by_state_label_and_time(stage: Cast):
    saved(stage, hello())
    first = started(stage)
    settle()
    second = started(stage)
    api = program(stage, "bob")

    def ids(query: str) -> list[str]:
        answer = api.get(f"{RUNS}/search?{query}")
        assert answer.status_code == 200, answer.content
        return [one["id"] for one in answer.json()["results"]]

    assert ids("") == [second, first]
    assert ids("filters[state][IN]=SUCCESS") == [first]
    assert ids("state=CREATED") == [second]
    assert ids("filters[timeRange][EQUALS]=PT1H&sort=state.startDate:asc") == [first, second]
    assert ids("filters[startDate][EQUALS]=2999-01-01T00:00:00Z") == []
    assert ids(f"filters[labels][EQUALS][system.correlationId]={first}") == [first]
    assert [one["id"] for one in api.get(f"{RUNS}?namespace={HOME}&flowId=hello").json()["results"]] == [second, first]
    for wrong in ("filters[state][IN]=DONE", "filters[timeRange][EQUALS]=soon", "filters[startDate][EQUALS]=yesterday"):
        assert api.get(f"{RUNS}/search?{wrong}").status_code == 422, wrong


def test_the_same_number_of_queries_for_one_and_for_twenty_executions(stage: Cast):
    saved(stage, hello())
    api = program(stage, "bob")
    counts = []
    for number in range(20):
        started(stage)
        if number in {0, 19}:
            api.get(f"{RUNS}/search?size=50")
            with CaptureQueriesContext(connection) as queries:
                assert len(api.get(f"{RUNS}/search?size=50").json()["results"]) == number + 1
            counts.append(len(queries))
    assert counts[0] == counts[1], counts


@pytest.mark.parametrize("odd", ["..", "%2e", "%00", "a%2Fb", "search%00", "x" * 500, "%F0%9F%98%80"])
def test_odd_ids_are_absent_executions_and_never_a_fault(stage: Cast, odd: str):
    api = program(stage, "alice")
    for part in ("", "/flow", "/graph", "/file?path=portico:///x", "/follow"):
        assert api.get(f"{RUNS}/{odd}{part}").status_code in {404, 405}, part
    assert api.get(f"/api/v1/acme/logs/{odd}").status_code == 404
    assert api.delete(f"{RUNS}/{odd}/actions/kill").status_code == 404
