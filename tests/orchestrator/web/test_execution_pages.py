"""The pages of executions: the list with its filters, and one execution with all that it loads."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orchestrator.models import Artifact, Execution, LogLine, TaskRun
from tests import factories
from tests.cast import HOME, Cast, cast
from tests.orchestrator.stage import ASKING, WAITING, door, execution, hello, program, saved, settle

pytestmark = pytest.mark.django_db
RUNS = "/ui/acme/executions"
FAILING = """\
id: failing
namespace: company.team
tasks:
  - id: first
    type: core.log.Log
    message: "<script>alert(1)</script>"
  - id: broken
    type: core.execution.Fail
    errorMessage: The ledger is closed
"""


@pytest.fixture
def stage(settings, tmp_path):
    settings.STORAGE_URL = f"file://{tmp_path}/storage"
    return cast()


def run(stage: Cast, flow: str = "hello", by: str = "alice", *, settled: bool = True, **inputs: object) -> str:
    answer = program(stage, by).post(f"/api/v1/acme/executions/{HOME}/{flow}", inputs)
    assert answer.status_code == 200, answer.content
    if settled:
        settle()
    return answer.json()["id"]


@pytest.mark.parametrize(
    ("name", "listed", "seen", "killed"),
    [
        ("alice", 200, 200, 302),
        ("bob", 200, 200, 403),
        ("charlie", 403, 404, 404),
        ("dana", 404, 404, 404),
        ("otto", 404, 404, 404),
        ("nobody", 302, 302, 302),
    ],
)
def test_who_opens_which_page(stage: Cast, name: str, listed: int, seen: int, killed: int):
    saved(stage, WAITING)
    waiting = run(stage, "waiting")
    task_run = TaskRun.objects.in_tenant(stage.tenant.pk).filter(execution_id=waiting).first()
    page = door(stage, name)
    assert page.get(RUNS).status_code == listed
    for part in ("", "/changes", "/logs", "/logs.txt", f"/runs/{task_run.pk}"):
        assert page.get(f"{RUNS}/{waiting}{part}").status_code == seen, part
    assert page.post(f"{RUNS}/{waiting}/resume").status_code == killed
    assert page.post(f"{RUNS}/{waiting}/kill").status_code == killed
    state = execution(stage, waiting).state
    assert state == ("KILLING" if name == "alice" else "PAUSED")


def test_the_page_says_what_happened_also_without_script(stage: Cast):
    saved(stage, ASKING)
    done = run(stage, "asking", name="Ada")
    page = door(stage, "alice").get(f"{RUNS}/{done}").content.decode()
    assert "Succeeded" in page
    assert "Hello Ada" in page
    assert "1 of 1 tasks done" in page
    assert f'data-live="/ws/acme/executions/{done}"' in page
    assert f'href="?run={TaskRun.objects.in_tenant(stage.tenant.pk).get().pk}"' in page


def test_a_failure_names_the_task_and_the_reason(stage: Cast):
    saved(stage, FAILING)
    failed = run(stage, "failing")
    page = door(stage, "alice").get(f"{RUNS}/{failed}").content.decode()
    assert "The ledger is closed" in page
    assert "Look at broken" in page
    assert "<script>alert" not in page
    broken = TaskRun.objects.in_tenant(stage.tenant.pk).get(task_id="broken")
    details = door(stage, "alice").get(f"{RUNS}/{failed}/runs/{broken.pk}").content.decode()
    assert "The ledger is closed" in details
    assert 'id="run-details"' in details


def test_what_one_may_not_see_is_not_on_the_page(stage: Cast):
    saved(stage, ASKING)
    done = run(stage, "asking", name="Ada Lovelace")
    role = factories.role(tenant=stage.tenant, actions=["execution.view", "execution.list"])
    factories.binding(tenant=stage.tenant, user=stage.charlie, role=role, namespace=HOME)
    page = door(stage, "charlie")
    shown = page.get(f"{RUNS}/{done}").content.decode()
    assert "Ada Lovelace" not in shown
    assert "You may not see the outputs" in shown
    assert "You may not read the logs" in shown
    assert page.get(f"{RUNS}/{done}/changes").json()["logs"] == []
    assert "Ada Lovelace" not in page.get(f"{RUNS}/{done}/changes").content.decode()
    assert page.get(f"{RUNS}/{done}/logs").status_code == 403
    assert page.get(f"{RUNS}/{done}/logs.txt").status_code == 403


def test_changes_bring_what_is_new_and_nothing_twice(stage: Cast):
    saved(stage, WAITING)
    waiting = run(stage, "waiting", settled=False)
    page = door(stage, "alice")
    first = page.get(f"{RUNS}/{waiting}/changes").json()
    assert (first["state"], first["final"], first["runs"]) == ("CREATED", False, [])
    settle()
    second = page.get(f"{RUNS}/{waiting}/changes", {"since": first["version"], "logs": first["cursor"]}).json()
    assert second["state"] == "PAUSED"
    assert [row["task"] for row in second["runs"]] == ["stop"]
    assert set(second["html"]) == {"run-head", "run-values", "run-dialogs"}
    assert "Resume" in second["html"]["run-head"]
    same = page.get(f"{RUNS}/{waiting}/changes", {"since": second["version"], "logs": second["cursor"]}).json()
    assert "runs" not in same
    assert "html" not in same
    page.post(f"{RUNS}/{waiting}/resume")
    settle()
    last = page.get(f"{RUNS}/{waiting}/changes", {"since": second["version"], "logs": second["cursor"]}).json()
    assert (last["state"], last["final"]) == ("SUCCESS", True)
    assert [line["text"] for line in last["logs"]] == ["On we go"]
    again = page.get(f"{RUNS}/{waiting}/changes", {"since": last["version"], "logs": last["cursor"]}).json()
    assert again["logs"] == []


@pytest.mark.parametrize(
    "cursor", ["", "x", "1;2;3", "0;-2;5.1:x", "9" * 5_000, "0;99999999999;", "\x00", "0;-2;1.1:99999999999"]
)
def test_a_cursor_that_is_none_begins_at_the_beginning_or_says_nothing_wrong(stage: Cast, cursor: str):
    saved(stage, hello())
    done = run(stage)
    answer = door(stage, "alice").get(f"{RUNS}/{done}/changes", {"since": cursor, "logs": cursor})
    assert answer.status_code == 200


def test_logs_are_read_in_pieces_and_no_line_is_lost_or_doubled(stage: Cast, monkeypatch: pytest.MonkeyPatch):
    saved(stage, WAITING)
    waiting = run(stage, "waiting")
    task_run = TaskRun.objects.in_tenant(stage.tenant.pk).get()
    say(stage, waiting, task_run, attempt=1, texts=[f"one {n}" for n in range(2_500)])
    page = door(stage, "alice")
    read, cursor = [], ""

    def take() -> bool:
        nonlocal cursor
        answer = page.get(f"{RUNS}/{waiting}/logs", {"logs": cursor}).json()
        read.extend(line["text"] for line in answer["logs"])
        cursor = answer["cursor"]
        return answer["more"]

    while take():
        pass
    say(stage, waiting, task_run, attempt=2, texts=["two"])
    say(stage, waiting, task_run, attempt=1, texts=["one more"], first=2_500)
    while take():
        pass
    assert sorted(read) == sorted([*(f"one {n}" for n in range(2_500)), "one more", "two"])
    assert len(cursor) < 60
    text = page.get(f"{RUNS}/{waiting}/logs.txt")
    assert text.content.decode().count("\n") == 2_502
    assert text["Content-Disposition"].startswith("attachment")


def test_the_cursor_of_a_long_run_stays_short(stage: Cast):
    saved(stage, hello())
    done = run(stage)
    TaskRun.across_tenants.bulk_create(
        TaskRun(
            id=f"{n:022}",
            tenant=stage.tenant,
            execution_id=done,
            path=f"t{n}",
            task_id="t",
            position=n + 10,
            state="SUCCESS",
            attempt=1,
            created_at=timezone.now(),
        )
        for n in range(3_000)
    )
    LogLine.across_tenants.bulk_create(
        LogLine(
            tenant=stage.tenant,
            execution_id=done,
            task_run_id=f"{n:022}",
            attempt=1,
            n=0,
            at=timezone.now(),
            level="INFO",
            message=str(n),
        )
        for n in range(3_000)
    )
    page = door(stage, "alice")
    first = page.get(f"{RUNS}/{done}/logs").json()
    second = page.get(f"{RUNS}/{done}/logs", {"logs": first["cursor"]}).json()
    assert (len(first["logs"]), first["more"], second["more"]) == (2_000, True, False)
    assert len({line["run"] for line in first["logs"] + second["logs"]}) == 3_001
    assert len(second["cursor"]) < 30


def say(stage: Cast, execution_id: str, task_run: TaskRun, *, attempt: int, texts: list[str], first: int = 0) -> None:
    TaskRun.objects.in_tenant(stage.tenant.pk).filter(pk=task_run.pk).update(attempt=attempt)
    LogLine.across_tenants.bulk_create(
        LogLine(
            tenant=stage.tenant,
            execution_id=execution_id,
            task_run_id=task_run.pk,
            attempt=attempt,
            n=first + n,
            at=timezone.now(),
            level="INFO",
            message=text,
        )
        for n, text in enumerate(texts)
    )


def test_files_are_downloads_that_cannot_run_here(stage: Cast):
    saved(stage, ASKING)
    report = SimpleUploadedFile('"><script>.csv', b"<script>alert(1)</script>")
    done = run(stage, "asking", name="Ada", report=report)
    artifact = Artifact.objects.in_tenant(stage.tenant.pk).get()
    page = door(stage, "alice")
    answer = page.get(f"{RUNS}/{done}/file", {"path": artifact.uri})
    assert answer.status_code == 200
    assert b"".join(answer) == b"<script>alert(1)</script>"
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"].startswith("sandbox")
    assert page.get(f"{RUNS}/{done}/file", {"path": artifact.uri.replace("portico", "kestra")}).status_code == 200
    other = run(stage, "asking", name="Bob")
    for path in (
        "",
        "portico:///x",
        "/etc/passwd",
        "file:///etc/passwd",
        artifact.uri + "x",
        "\x00",
        "portico:///../../x",
    ):
        assert page.get(f"{RUNS}/{done}/file", {"path": path}).status_code == 404, path
    assert page.get(f"{RUNS}/{other}/file", {"path": artifact.uri}).status_code == 404
    for name in ("charlie", "dana", "otto"):
        assert door(stage, name).get(f"{RUNS}/{done}/file", {"path": artifact.uri}).status_code == 404
    assert door(stage, "nobody").get(f"{RUNS}/{done}/file", {"path": artifact.uri}).status_code == 302


def test_a_sensitive_file_is_its_requesters_alone(stage: Cast):
    saved(stage, ASKING)
    done = run(stage, "asking", by="bob", name="Ada", report=SimpleUploadedFile("July.csv", b"a"))
    uri = Artifact.objects.in_tenant(stage.tenant.pk).get().uri
    Execution.objects.in_tenant(stage.tenant.pk).update(sensitive=["report"])
    assert door(stage, "bob").get(f"{RUNS}/{done}/file", {"path": uri}).status_code == 200
    assert door(stage, "alice").get(f"{RUNS}/{done}/file", {"path": uri}).status_code == 404


def test_killing_what_is_over_says_so(stage: Cast):
    saved(stage, hello())
    done = run(stage)
    answer = door(stage, "alice").post(f"{RUNS}/{done}/kill", follow=True)
    assert "ended already" in answer.content.decode()


def test_a_pause_asks_for_its_inputs(stage: Cast):
    text = WAITING.replace(
        "type: core.flow.Pause", "type: core.flow.Pause\n    onResume:\n      - id: reason\n        type: STRING"
    )
    saved(stage, text)
    waiting = run(stage, "waiting")
    page = door(stage, "alice")
    assert 'name="reason"' in page.get(f"{RUNS}/{waiting}").content.decode()
    refused = page.post(f"{RUNS}/{waiting}/resume", {"reason": ""}, follow=True)
    assert execution(stage, waiting).state == "PAUSED"
    assert refused.status_code == 200
    page.post(f"{RUNS}/{waiting}/resume", {"reason": "because"})
    settle()
    assert execution(stage, waiting).state == "SUCCESS"


def test_the_list_is_filtered_and_its_filters_can_be_taken_away(stage: Cast):
    saved(stage, hello())
    saved(stage, WAITING)
    done, waiting = run(stage), run(stage, "waiting", by="alice")
    bobs = run(stage, by="bob")
    page = door(stage, "bob")

    def found(**asked: str) -> set[str]:
        answer = page.get(RUNS, asked)
        assert answer.status_code == 200
        return set(re.findall(rf'href="{RUNS}/(\w{{22}})"', answer.content.decode()))

    assert found() == {done, waiting, bobs}
    assert found(state="PAUSED") == {waiting}
    assert found(state="SUCCESS,PAUSED") == {done, waiting, bobs}
    assert found(flow=f"{HOME}.waiting") == {waiting}
    assert found(by="me") == {bobs}
    assert found(q="wait") == {waiting}
    assert found(q=done[:20]) == {done}
    assert found(namespace="company") == {done, waiting, bobs}
    assert found(namespace="company.tea") == set()
    assert found(since="24") == {done, waiting, bobs}
    assert found(since="x", state="NOPE", flow="...", after="~", q="\x00") == set()
    Execution.objects.in_tenant(stage.tenant.pk).filter(pk=done).update(created_at="2020-01-01T00:00:00Z")
    assert found(since="24") == {waiting, bobs}


def test_a_long_list_is_read_page_by_page(stage: Cast):
    saved(stage, hello())
    ids = {run(stage, settled=False) for _ in range(27)}
    page = door(stage, "alice")
    first = page.get(RUNS).content.decode()
    following = re.search(r'href="(\?[^"]*after=[^"]+)"', first)[1].replace("&amp;", "&")
    second = page.get(f"{RUNS}{following}").content.decode()
    pages = [set(re.findall(rf'href="{RUNS}/(\w{{22}})"', text)) for text in (first, second)]
    assert [len(one) for one in pages] == [25, 2]
    assert pages[0] | pages[1] == ids


def test_the_same_number_of_queries_for_one_and_for_twenty_executions(stage: Cast):
    saved(stage, hello())
    page = door(stage, "bob")
    counts = []
    for number in range(20):
        run(stage, settled=False)
        if number in {0, 19}:
            page.get(RUNS)
            with CaptureQueriesContext(connection) as queries:
                page.get(RUNS)
            counts.append(len(queries))
    assert counts[0] == counts[1], counts


@pytest.mark.parametrize("odd", ["..", "%2e", "%00", "x" * 500, "%F0%9F%98%80"])
def test_odd_ids_are_absent_executions_and_never_a_fault(stage: Cast, odd: str):
    page = door(stage, "alice")
    for part in ("", "/changes", "/logs", "/logs.txt", "/file?path=portico:///x", "/runs/x"):
        assert page.get(f"{RUNS}/{odd}{part}").status_code == 404, part
    assert page.post(f"{RUNS}/{odd}/kill").status_code == 404
