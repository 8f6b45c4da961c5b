"""The pages of flows: lists, editor, revisions, running a flow by hand."""

import json
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orchestrator import access
from orchestrator.models import Artifact, Execution, FlowRevision
from tests.cast import HOME, Cast, cast
from tests.orchestrator.stage import ASKING, door, hello, hooked, program, saved, settle

pytestmark = pytest.mark.django_db
FLOWS = "/ui/acme/flows"
PAGES = ("", "/edit", "/revisions", "/runs")


@pytest.fixture
def stage(settings, tmp_path):
    settings.STORAGE_URL = f"file://{tmp_path}/storage"
    return cast()


def text_of(answer) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


@pytest.mark.parametrize(
    ("name", "listed", "seen", "run", "edit"),
    [
        ("alice", 200, 200, 200, 200),
        ("bob", 200, 200, 200, 403),
        ("charlie", 403, 404, 404, 404),
        ("dana", 404, 404, 404, 404),
        ("otto", 404, 404, 404, 404),
        ("nobody", 302, 302, 302, 302),
    ],
)
def test_who_opens_which_page(stage: Cast, name: str, listed: int, seen: int, run: int, edit: int):
    saved(stage, hello())
    page = door(stage, name)
    assert page.get(FLOWS).status_code == listed
    for tab in PAGES:
        assert page.get(f"{FLOWS}/{HOME}/hello{tab}").status_code == seen, tab
    assert page.get(f"{FLOWS}/{HOME}/hello/run").status_code == run
    posted = page.post(f"{FLOWS}/{HOME}/hello/edit", {"source": hello(), "base": "1"})
    assert posted.status_code == (302 if edit == 200 else edit)
    switched = page.post(f"{FLOWS}/{HOME}/hello/switch", {"to": "disabled"})
    assert switched.status_code == (302 if edit == 200 else edit)
    deleted = page.post(f"{FLOWS}/{HOME}/hello/delete")
    assert deleted.status_code == (302 if edit == 200 else edit)


def test_the_list_shows_last_runs_and_leads_to_the_flow(stage: Cast):
    saved(stage, hello())
    saved(stage, hello("other", "company.other"), by="admin")
    for _ in range(3):
        program(stage, "bob").post(f"/api/v1/acme/executions/{HOME}/hello")
    settle()
    answer = door(stage, "bob").get(FLOWS)
    page = answer.content.decode()
    assert f'href="{FLOWS}/{HOME}/hello"' in page
    assert "Last 3 runs: Succeeded, Succeeded, Succeeded" in page
    assert "company.other" not in page
    assert "New flow" not in page
    assert "New flow" in door(stage, "alice").get(FLOWS).content.decode()


def test_the_list_is_filtered_by_text_and_namespace_in_the_address(stage: Cast):
    for name in ("invoices", "suppliers"):
        saved(stage, hello(name))
    page = door(stage, "alice")
    found = page.get(FLOWS, {"q": "invo"}).content.decode()
    assert "invoices" in found
    assert f"{FLOWS}/{HOME}/suppliers" not in found
    assert "Remove filter" in found
    assert "No flow matches" in page.get(FLOWS, {"q": "nothing like it"}).content.decode()
    assert "suppliers" in page.get(FLOWS, {"namespace": "company"}).content.decode()
    assert page.get(FLOWS, {"q": "\x00%_'\"", "after": "x/\x00"}).status_code == 200


def test_an_empty_list_offers_examples_to_who_may_write(stage: Cast):
    assert "example=hello" in door(stage, "alice").get(FLOWS).content.decode()
    bobs = door(stage, "bob").get(FLOWS).content.decode()
    assert "No flow yet" in bobs
    assert "example=hello" not in bobs


def test_a_long_list_is_read_page_by_page(stage: Cast):
    for number in range(30):
        saved(stage, hello(f"flow{number:02}"))
    page = door(stage, "alice")
    first = page.get(FLOWS)
    assert first.content.decode().count(f'href="{FLOWS}/{HOME}/') == 25
    following = re.search(r'href="(\?after=[^"]+)"', first.content.decode())[1]
    second = page.get(f"{FLOWS}{following}").content.decode()
    assert second.count(f'href="{FLOWS}/{HOME}/') == 5
    assert "flow25" in second


def test_the_same_number_of_queries_for_one_and_for_twenty_flows(stage: Cast):
    page = door(stage, "alice")
    counts = []
    for number in range(20):
        saved(stage, hello(f"flow{number}"))
        if number in {0, 19}:
            page.get(FLOWS)
            with CaptureQueriesContext(connection) as queries:
                page.get(FLOWS)
            counts.append(len(queries))
    assert counts[0] == counts[1], counts


@pytest.mark.parametrize("key", ["hello", "python", "parallel", "approval", "no-such-example"])
def test_every_example_can_be_saved_as_it_is(stage: Cast, key: str):
    page = door(stage, "alice")
    shown = page.get(f"{FLOWS}/new", {"example": key})
    source = shown.context["source"]
    assert f"namespace: {HOME}" in source
    answer = page.post(f"{FLOWS}/new?example={key}", {"source": source, "base": "0"})
    assert answer.status_code == 302, text_of(answer)


def test_the_editor_saves_the_next_revision(stage: Cast):
    saved(stage, hello())
    page = door(stage, "alice")
    answer = page.post(
        f"{FLOWS}/{HOME}/hello/edit",
        {"source": hello().replace("Hello", "Bye").replace("\n", "\r\n"), "base": "1"},
        follow=True,
    )
    assert "Saved as revision 2" in answer.content.decode()
    assert FlowRevision.objects.in_tenant(stage.tenant.pk).get(number=2).source == hello().replace("Hello", "Bye")


def test_a_text_with_problems_comes_back_as_typed_with_their_places(stage: Cast):
    saved(stage, hello())
    broken = hello().replace("message", "massage")
    answer = door(stage, "alice").post(f"{FLOWS}/{HOME}/hello/edit", {"source": broken, "base": "1"})
    assert answer.status_code == 422
    assert "massage: Hello" in answer.content.decode()
    assert "line 6" in text_of(answer)
    assert FlowRevision.objects.in_tenant(stage.tenant.pk).count() == 1


def test_who_was_overtaken_sees_both_texts_and_loses_nothing(stage: Cast):
    saved(stage, hello())
    page = door(stage, "alice")
    saved(stage, hello().replace("Hello", "Theirs"), by="admin")
    mine = hello().replace("Hello", "Mine")
    refused = page.post(f"{FLOWS}/{HOME}/hello/edit", {"source": mine, "base": "1"})
    assert refused.status_code == 409
    page_text = refused.content.decode()
    assert "message: Mine" in page_text
    assert "message: Theirs" in page_text
    assert 'name="base" value="2"' in page_text
    assert page.post(f"{FLOWS}/{HOME}/hello/edit", {"source": mine, "base": "2"}).status_code == 302


def test_a_text_of_another_flow_is_not_saved_over_this_one(stage: Cast):
    saved(stage, hello())
    answer = door(stage, "alice").post(f"{FLOWS}/{HOME}/hello/edit", {"source": hello("copy"), "base": "1"})
    assert answer.status_code == 422
    assert FlowRevision.objects.in_tenant(stage.tenant.pk).count() == 1


def test_the_editor_is_read_only_without_the_right(stage: Cast):
    saved(stage, hello())
    bobs = door(stage, "bob").get(f"{FLOWS}/{HOME}/hello/edit").content.decode()
    assert "readonly" in bobs
    assert "but not change it" in bobs
    assert "readonly" not in door(stage, "alice").get(f"{FLOWS}/{HOME}/hello/edit").content.decode()


def test_checking_answers_problems_and_graph(stage: Cast):
    page = door(stage, "alice")
    fine = page.post(f"{FLOWS}/check", {"source": hello()}).json()
    assert fine["problems"] == []
    assert [node["id"] for node in fine["graph"]["nodes"]] == ["greet"]
    broken = page.post(f"{FLOWS}/check", {"source": hello().replace("core.log.Log", "core.log.Lag")}).json()
    assert broken["problems"][0]["line"] == 5
    assert "Log" in broken["problems"][0]["mend"]
    assert page.post(f"{FLOWS}/check", {"source": "[" * 50_000}).json()["graph"] is None
    stranger = door(stage, "charlie").post(f"{FLOWS}/check", {"source": hello()}).json()
    assert any("flow.create" in problem["message"] for problem in stranger["problems"])


def test_the_schema_names_every_type_once(stage: Cast):
    schema = door(stage, "bob").get(f"{FLOWS}/schema").json()
    types = [branch["properties"]["type"]["const"] for branch in schema["$defs"]["task"]["oneOf"]]
    assert "core.log.Log" in types
    assert "core.flow.Parallel" in types
    assert len(types) == len(set(types))
    for reference in re.findall(r'"\$ref": "#/\$defs/([^"]+)"', json.dumps(schema)):
        assert reference in schema["$defs"], reference


def test_revisions_are_compared(stage: Cast):
    for word in ("Hello", "Bye", "Again"):
        saved(stage, hello().replace("Hello", word))
    page = door(stage, "bob")
    newest = page.get(f"{FLOWS}/{HOME}/hello/revisions").content.decode()
    assert "message: Bye" in newest
    assert "message: Again" in newest
    assert "message: Hello" not in newest
    older = page.get(f"{FLOWS}/{HOME}/hello/revisions", {"from": "1", "to": "3"}).content.decode()
    assert "message: Hello" in older
    assert page.get(f"{FLOWS}/{HOME}/hello/revisions", {"to": "99"}).status_code == 404
    assert page.get(f"{FLOWS}/{HOME}/hello/revisions", {"to": "x"}).status_code == 200


def test_a_webhooks_key_is_in_the_text_and_nowhere_else(stage: Cast):
    saved(stage, hooked())
    assert "a-long-secret-key" not in door(stage, "bob").get(f"{FLOWS}/{HOME}/hooked").content.decode()


def test_a_flow_is_run_by_hand_with_a_file(stage: Cast):
    saved(stage, ASKING)
    page = door(stage, "bob")
    form = page.get(f"{FLOWS}/{HOME}/asking/run").content.decode()
    assert 'name="name"' in form
    answer = page.post(
        f"{FLOWS}/{HOME}/asking/run",
        {"name": "Ada", "count": "", "report": SimpleUploadedFile("July.csv", b"a\n")},
    )
    run = Execution.objects.in_tenant(stage.tenant.pk).get()
    assert answer["Location"] == f"/ui/acme/executions/{run.pk}"
    assert (run.inputs["name"], run.started_by_id) == ("Ada", stage.bob.pk)
    assert Artifact.objects.in_tenant(stage.tenant.pk).get().name == "July.csv"


def test_wrong_inputs_come_back_with_a_summary_and_what_was_typed(stage: Cast):
    saved(stage, ASKING)
    answer = door(stage, "bob").post(f"{FLOWS}/{HOME}/asking/run", {"name": "", "count": "many"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'href="#input-name"' in page
    assert 'href="#input-count"' in page
    assert 'value="many"' in page
    assert not Execution.objects.in_tenant(stage.tenant.pk).exists()


def test_running_again_begins_with_the_earlier_values_but_never_with_secrets(stage: Cast):
    saved(stage, ASKING)
    page = door(stage, "bob")
    page.post(f"{FLOWS}/{HOME}/asking/run", {"name": "Ada", "password": "s3cret"})
    run = Execution.objects.in_tenant(stage.tenant.pk).get()
    again = page.get(f"{FLOWS}/{HOME}/asking/run", {"from": run.pk}).content.decode()
    assert 'value="Ada"' in again
    assert "s3cret" not in again
    assert page.get(f"{FLOWS}/{HOME}/asking/run", {"from": "\x00"}).status_code == 200


def test_a_disabled_flow_cannot_be_run_and_says_so(stage: Cast):
    saved(stage, hello())
    page = door(stage, "alice")
    page.post(f"{FLOWS}/{HOME}/hello/switch", {"to": "disabled"})
    assert "Disabled" in page.get(f"{FLOWS}/{HOME}/hello").content.decode()
    assert page.post(f"{FLOWS}/{HOME}/hello/run").status_code == 422
    page.post(f"{FLOWS}/{HOME}/hello/switch", {"to": "enabled"})
    assert page.post(f"{FLOWS}/{HOME}/hello/run").status_code == 302


def test_a_deleted_flow_is_gone_from_its_pages_and_its_runs_stay(stage: Cast):
    saved(stage, hello())
    page = door(stage, "alice")
    page.post(f"{FLOWS}/{HOME}/hello/run")
    run = Execution.objects.in_tenant(stage.tenant.pk).get()
    page.post(f"{FLOWS}/{HOME}/hello/delete")
    assert page.get(f"{FLOWS}/{HOME}/hello").status_code == 404
    assert page.get(f"/ui/acme/executions/{run.pk}").status_code == 200
    assert access.flow_for(stage.actor("alice"), "flow.view", HOME, "hello", ended=True)


@pytest.mark.parametrize("odd", ["..", "%2e", "%00", "a%2Fb", "health", "%F0%9F%98%80", "new"])
def test_odd_names_are_absent_flows_and_never_a_fault(stage: Cast, odd: str):
    page = door(stage, "alice")
    for tab in (*PAGES, "/run"):
        assert page.get(f"{FLOWS}/{HOME}/{odd}{tab}").status_code == 404, tab
        assert page.get(f"{FLOWS}/{odd}/hello{tab}").status_code == 404, tab


def test_names_are_text_on_every_page(stage: Cast):
    saved(stage, hello() + 'description: "<script>alert(1)</script>"\nlabels:\n  team: "<b>x</b>"\n')
    page = door(stage, "alice")
    for address in (FLOWS, *(f"{FLOWS}/{HOME}/hello{tab}" for tab in PAGES)):
        answer = page.get(address)
        assert "<script>alert" not in answer.content.decode(), address
        assert "<b>x" not in answer.content.decode(), address
        assert not re.search(r'\sstyle="', answer.content.decode()), address
