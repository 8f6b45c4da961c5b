"""Pages as people get them: with a browser without script, and what a script asks for."""

import json
import re

import pytest
from django.test import Client

from apps_portal import inbox, publishing
from apps_portal.models import App, Submission
from orchestrator import approvals
from orchestrator.models import Approval, Artifact, Execution
from tests import factories
from tests.apps_portal import stage as house

CAST = ("alice", "bob", "charlie", "dana", "otto")


def door(stage, name: str) -> Client:
    client = Client()
    if name != "nobody":
        client.force_login(getattr(stage, name))
    return client


def statuses(stage, path: str) -> dict[str, int]:
    return {name: door(stage, name).get(f"/ui/acme/{path}").status_code for name in (*CAST, "nobody")}


def text_of(response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


# Who sees what ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "apps", "requests", "approvals", "palette"])
def test_every_member_has_these_pages(stage, path):
    assert statuses(stage, path) == {
        "alice": 200, "bob": 200, "charlie": 200, "dana": 404, "otto": 404, "nobody": 302,
    }  # fmt: skip


def test_an_app_is_there_for_those_who_may_run_it(stage):
    app = house.app(stage)
    assert statuses(stage, f"apps/{app.uid}") == {
        "alice": 200, "bob": 200, "charlie": 404, "dana": 404, "otto": 404, "nobody": 302,
    }  # fmt: skip


def test_a_request_is_for_its_requester_and_those_who_may_view_runs_there(stage):
    submission = house.submitted(stage, house.app(stage))
    for path in (f"requests/{submission.number}", f"requests/{submission.number}/changes"):
        found = statuses(stage, path)
        assert found == {"alice": 200, "bob": 200, "charlie": 404, "dana": 404, "otto": 404, "nobody": 302}, path
    assert door(stage, "dana").get(f"/ui/globex/requests/{submission.number}").status_code == 404


def test_publishing_and_editing_are_for_builders(stage):
    app = house.app(stage)
    publish = f"flows/{app.namespace}/greet/publish"
    assert {name: code for name, code in statuses(stage, publish).items() if name in {"alice", "bob", "charlie"}} == {
        "alice": 200, "bob": 403, "charlie": 404,
    }  # fmt: skip
    edit = statuses(stage, f"apps/{app.uid}/edit")
    assert (edit["alice"], edit["bob"], edit["charlie"], edit["dana"]) == (200, 403, 404, 404)


def test_a_member_without_rights_finds_empty_pages_that_say_what_to_do(stage):
    house.app(stage)
    charlie = door(stage, "charlie")
    assert "Nothing here yet" in text_of(charlie.get("/ui/acme/"))
    assert "No app yet" in text_of(charlie.get("/ui/acme/apps"))
    assert "You have not requested anything yet" in text_of(charlie.get("/ui/acme/requests"))
    assert "Nothing waits for you" in text_of(charlie.get("/ui/acme/approvals"))


# The catalog and the form -------------------------------------------------------------------------------------------


def test_the_catalog_leads_to_the_form_with_labels_and_a_button(stage):
    app = house.app(stage, rest="displayName: Say hello\nform: {fields: {name: {label: Who, help: Any name}}}\n")
    bob = door(stage, "bob")
    catalog = bob.get("/ui/acme/apps?q=hel")
    assert f'href="/ui/acme/apps/{app.uid}"' in catalog.content.decode()
    page = bob.get(f"/ui/acme/apps/{app.uid}").content.decode()
    assert "<h1>Say hello</h1>" in page
    assert re.search(r'<label class="field__label" for="f-name">Who', page)
    assert "Any name" in page
    assert 'name="_key" value="' in page
    assert 'type="submit"' in page


def test_without_script_a_form_is_sent_and_leads_to_the_request(stage):
    app = house.app(stage, rest='title: "For {{ inputs.name }}"\n')
    bob = door(stage, "bob")
    answer = bob.post(f"/ui/acme/apps/{app.uid}", house.page_post({"name": "Eve", "country": "HU"}))
    submission = Submission.across_tenants.get()
    assert (answer.status_code, answer.url) == (302, f"/ui/acme/requests/{submission.number}")
    house.settle()
    page = text_of(bob.get(answer.url))
    assert "For Eve" in page
    assert "Hello Eve" in page
    assert "336,776" in page
    assert "Pécs" in page


def test_a_double_click_makes_one_request(stage):
    app = house.app(stage)
    bob = door(stage, "bob")
    first = bob.post(f"/ui/acme/apps/{app.uid}", house.page_post({"name": "Eve"}, key="one"))
    again = bob.post(f"/ui/acme/apps/{app.uid}", house.page_post({"name": "Eve"}, key="one"))
    assert first.url == again.url
    assert Execution.across_tenants.count() == 1


def test_a_wrong_form_comes_back_with_its_values_a_summary_and_the_same_key(stage):
    app = house.app(stage)
    answer = door(stage, "bob").post(
        f"/ui/acme/apps/{app.uid}", house.page_post({"name": "", "count": "0", "vat": "HU<1>"}, key="kept-key")
    )
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'href="#f-name"' in page
    assert 'href="#f-count"' in page
    assert 'value="HU&lt;1&gt;"' in page
    assert 'value="kept-key"' in page
    assert "This must be at least 1." in page
    assert not Submission.across_tenants.exists()


def test_fields_that_only_now_are_there_are_shown_before_anything_is_sent(stage):
    rest = "form: {fields: {vat: {showIf: \"{{ inputs.country == 'US' }}\", default: X1}}}\n"
    app = house.app(stage, rest=rest)
    bob = door(stage, "bob")
    url = f"/ui/acme/apps/{app.uid}"
    first = bob.post(url, house.page_post({"name": "Eve", "country": "US"}, seen="name country count urgent"))
    assert first.status_code == 422
    assert "There is more to fill in" in text_of(first)
    assert 'id="form-seen" value="name country vat count urgent"' in first.content.decode()
    second = bob.post(url, house.page_post({"name": "Eve", "country": "US", "vat": "X1"}))
    assert second.status_code == 302


def test_the_state_address_answers_the_fields_that_depend_on_others(stage):
    rest = """\
form: {fields: {vat: {showIf: "{{ inputs.country == 'HU' }}"}}}
layout:
  - on: OPEN
    blocks:
      - {type: Markdown, content: "Hello **{{ inputs.name }}**"}
      - {type: CreateExecutionForm}
      - {type: CreateExecutionButton, text: Send}
"""
    app = house.app(stage, rest=rest)
    bob = door(stage, "bob")
    post = house.page_post({"name": "Eve <b>", "country": "US"})
    answer = bob.post(f"/ui/acme/apps/{app.uid}/state", post).content.decode()
    assert re.search(r'id="field-f-vat"\s+hidden', answer)
    assert "field-f-name" not in answer
    assert "<strong>Eve &lt;b&gt;</strong>" in answer
    assert 'value="name country count urgent"' in answer
    assert door(stage, "charlie").post(f"/ui/acme/apps/{app.uid}/state", post).status_code == 404


def test_use_these_values_begins_with_those_of_an_earlier_run(stage):
    app = house.app(stage)
    submission = house.submitted(stage, app, name="Eve", country="US", count="7")
    page = door(stage, "bob").get(f"/ui/acme/apps/{app.uid}?from={submission.number}").content.decode()
    assert 'value="Eve"' in page
    assert '<option value="US" selected>' in page
    assert 'value="7"' in page
    for foreign in ("999", "x", "-1", "9" * 30):
        assert door(stage, "bob").get(f"/ui/acme/apps/{app.uid}?from={foreign}").status_code == 200


def test_values_of_another_persons_run_are_not_given_away(stage):
    app = house.app(stage)
    submission = house.submitted(stage, app, by="alice", name="Top secret")
    role = factories.built_in_role(tenant=stage.tenant, name="Business user")
    factories.binding(tenant=stage.tenant, user=stage.charlie, role=role, namespace="company.team")
    page = door(stage, "charlie").get(f"/ui/acme/apps/{app.uid}?from={submission.number}")
    assert page.status_code == 200
    assert "Top secret" not in page.content.decode()


def test_a_closed_app_says_so(stage):
    app = house.app(stage)
    publishing.disable(stage.actor("alice"), app)
    answer = door(stage, "bob").get(f"/ui/acme/apps/{app.uid}")
    assert answer.status_code == 409
    assert "closed just now" in text_of(answer)
    assert door(stage, "bob").post(f"/ui/acme/apps/{app.uid}", house.page_post({"name": "E"})).status_code == 409


# Files --------------------------------------------------------------------------------------------------------------


def test_a_file_is_kept_at_once_and_goes_with_the_form(stage):
    app = house.app(stage, house.FILES)
    bob = door(stage, "bob")
    url = f"/ui/acme/apps/{app.uid}"
    kept = bob.post(f"{url}/upload", {"field": "report", "file": house.chosen_file()})
    assert kept.status_code == 201
    upload = json.loads(kept.content)
    assert (upload["name"], upload["size"]) == ("r.csv", 8)
    refused = bob.post(url, {"_seen": "report note", "report": upload["id"], "note": ""})
    assert refused.status_code == 422
    assert upload["id"] in refused.content.decode(), "the form still carries the file"
    sent = bob.post(url, {"_seen": "report note", "report": upload["id"], "note": "n"})
    assert sent.status_code == 302
    assert Artifact.across_tenants.get().name == "r.csv"


def test_without_script_the_file_comes_with_the_form_and_survives_a_mistake(stage):
    app = house.app(stage, house.FILES)
    bob = door(stage, "bob")
    url = f"/ui/acme/apps/{app.uid}"
    refused = bob.post(url, {"_seen": "report note", "report": house.chosen_file(), "note": ""})
    assert refused.status_code == 422
    kept = re.search(r'name="report" value="([0-9a-f-]{36})"', refused.content.decode())
    sent = bob.post(url, {"_seen": "report note", "report": kept[1], "note": "n"})
    assert sent.status_code == 302


def test_a_file_twice_as_large_as_allowed_is_refused_with_a_sentence(stage):
    app = house.app(stage, house.FILES)
    bob = door(stage, "bob")
    url = f"/ui/acme/apps/{app.uid}"
    large = house.chosen_file(b"x" * 2048)
    answer = bob.post(f"{url}/upload", {"field": "report", "file": large})
    assert answer.status_code == 413
    assert "r.csv" in json.loads(answer.content)["message"]
    answer = bob.post(url, {"_seen": "report note", "report": house.chosen_file(b"x" * 2048), "note": "n"})
    assert answer.status_code == 413
    assert "r.csv" in text_of(answer)
    assert 'value="n"' in answer.content.decode()
    wrong = bob.post(f"{url}/upload", {"field": "report", "file": house.chosen_file(name="r.exe")})
    assert wrong.status_code == 422


def test_uploads_need_an_input_for_files_and_the_right_to_run(stage):
    app = house.app(stage, house.FILES)
    url = f"/ui/acme/apps/{app.uid}/upload"
    assert door(stage, "bob").post(url, {"field": "note", "file": house.chosen_file()}).status_code == 422
    assert door(stage, "bob").post(url, {"field": "nowhere", "file": house.chosen_file()}).status_code == 404
    assert door(stage, "bob").post(url, {"field": "report"}).status_code == 422
    assert door(stage, "charlie").post(url, {"field": "report", "file": house.chosen_file()}).status_code == 404


def test_another_persons_staged_file_is_refused(stage):
    app = house.app(stage, house.FILES)
    row = house.staged(stage, app, by="alice")
    answer = door(stage, "bob").post(
        f"/ui/acme/apps/{app.uid}", {"_seen": "report note", "report": str(row.pk), "note": "n"}
    )
    assert answer.status_code == 422
    assert "Choose it again" in text_of(answer)


def test_a_result_file_is_only_ever_downloaded(stage):
    app = house.app(stage, house.FILES)
    row = house.staged(stage, app, content=b"<script>alert(1)</script>", name="evil.csv")
    submission = house.submitted(stage, app, report=str(row.pk), note="n")
    house.settle()
    file = Artifact.across_tenants.get()
    path = f"requests/{submission.number}/files/{file.pk}"
    assert path in door(stage, "bob").get(f"/ui/acme/requests/{submission.number}").content.decode()
    answer = door(stage, "bob").get(f"/ui/acme/{path}")
    assert b"".join(answer.streaming_content) == b"<script>alert(1)</script>"
    assert answer["Content-Disposition"] == 'attachment; filename="evil.csv"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]
    assert answer["Content-Type"] == "application/octet-stream"
    assert {name: code for name, code in statuses(stage, path).items() if name != "nobody"} == {
        "alice": 200, "bob": 200, "charlie": 404, "dana": 404, "otto": 404,
    }  # fmt: skip
    other = house.submitted(stage, house.app(stage), name="Eve")
    assert door(stage, "bob").get(f"/ui/acme/requests/{other.number}/files/{file.pk}").status_code == 404


# The page of a request ----------------------------------------------------------------------------------------------


def test_a_failed_run_says_what_happened_in_plain_words(stage):
    submission = house.submitted(stage, house.app(stage, house.FAILING), x="")
    house.settle()
    page = text_of(door(stage, "bob").get(f"/ui/acme/requests/{submission.number}"))
    assert "This did not work" in page
    assert "“Load data” did not work: The warehouse is closed" in page
    assert "2 of 2 steps done" in page


def test_a_run_that_waits_says_for_whom(stage):
    factories.group(tenant=stage.tenant, name="Finance", members=(stage.alice,))
    submission = house.submitted(stage, house.app(stage, house.ASKING), amount="5")
    house.settle()
    page = text_of(door(stage, "bob").get(f"/ui/acme/requests/{submission.number}"))
    assert "Waiting for a decision of Finance" in page
    assert "0 of 2 steps done" in page


def test_changes_since_a_version_are_parts_of_the_page(stage):
    submission = house.submitted(stage, house.app(stage))
    bob = door(stage, "bob")
    url = f"/ui/acme/requests/{submission.number}/changes"
    before = json.loads(bob.get(f"{url}?since=-1").content)
    assert (before["final"], before["html"].keys()) == (False, {"run-head", "run-body", "run-side"})
    assert 'id="run-head"' in before["html"]["run-head"]
    house.settle()
    after = json.loads(bob.get(f"{url}?since={before['version']}").content)
    assert after["final"]
    assert after["version"] > before["version"]
    assert "Hello Eve" in after["html"]["run-body"]
    same = json.loads(bob.get(f"{url}?since={after['version']}").content)
    assert "html" not in same


def test_the_page_says_where_it_hears_of_changes(stage):
    submission = house.submitted(stage, house.app(stage))
    page = door(stage, "bob").get(f"/ui/acme/requests/{submission.number}").content.decode()
    assert f'data-live="/ws/acme/executions/{submission.execution_id}"' in page
    assert f'data-changes="/ui/acme/requests/{submission.number}/changes"' in page


def test_a_run_leads_to_the_page_that_fits_who_asks(stage):
    submission = house.submitted(stage, house.app(stage))
    path = f"/ui/acme/runs/{submission.execution_id}"
    request = f"/ui/acme/requests/{submission.number}"
    technical = f"/ui/acme/executions/{submission.execution_id}"
    assert door(stage, "bob").get(path).url == request
    assert door(stage, "charlie").get(path).url == technical, "where he is told that there is nothing"
    assert door(stage, "charlie").get(technical).status_code == 404
    assert door(stage, "dana").get(path).status_code == 404


def test_a_requester_stops_their_run_and_others_do_not(stage):
    factories.group(tenant=stage.tenant, name="Finance", members=(stage.charlie,))
    submission = house.submitted(stage, house.app(stage, house.ASKING), amount="5")
    house.settle()
    path = f"/ui/acme/requests/{submission.number}/cancel"
    assert door(stage, "dana").post(path).status_code == 404
    assert door(stage, "charlie").post(path).status_code == 403, "an approver sees the request but does not stop it"
    assert door(stage, "bob").get(path).status_code == 405
    assert door(stage, "bob").post(path).status_code == 302
    house.settle()
    assert house.reloaded(submission).execution.state == "KILLED"
    page = text_of(door(stage, "bob").get(f"/ui/acme/requests/{submission.number}"))
    assert "This run was stopped before it was done." in page


def test_blocks_read_outputs_and_nothing_a_person_typed_becomes_markup(stage):
    rest = """\
layout:
  - on: SUCCESS
    blocks:
      - {type: Markdown, content: "# {{ inputs.name }} [x](javascript:alert(1)) ![p](http://evil/x.png)"}
      - {type: Kpi, label: Flights, value: "{{ outputs.total }}", unit: in 2013}
      - {type: Table, title: Delays, data: "{{ outputs.rows }}", columns: [city, delay]}
      - {type: Chart, title: Delays, data: "{{ outputs.rows }}", x: city, y: delay}
      - {type: TaskOutputs, outputs: [{displayName: Said, type: STRING, value: "{{ outputs.say.values.said }}"}]}
      - {type: Button, text: Bad, url: "javascript:alert(1)"}
      - {type: Button, text: New, url: "{{ app.url }}"}
      - {type: Markdown, content: "{{ outputs.nowhere }}"}
      - {type: Tabs, tabs: [{title: One, blocks: [{type: Divider}]}, {title: Two, blocks: [{type: Progress}]}]}
      - {type: Columns, columns: [[{type: Inputs}], [{type: Timeline}]]}
      - {type: Card, title: More, blocks: [{type: RelatedRuns}, {type: Files}, {type: Logs}]}
"""
    submission = house.submitted(stage, house.app(stage, rest=rest), name="<script>alert(1)</script>")
    house.settle()
    page = door(stage, "bob").get(f"/ui/acme/requests/{submission.number}").content.decode()
    assert "<script>alert" not in page
    assert 'href="javascript' not in page
    assert 'src="http' not in page
    assert "336,776" in page
    assert '"labels": ["P\\u00e9cs", "Bonn"]' in page
    assert "This part cannot be shown" in page
    assert "Hello" in page
    assert f"/ui/acme/apps/{submission.app.uid}" in page


def test_sensitive_inputs_are_masked_for_everyone_else(stage):
    app = house.app(
        stage, house.SECRETIVE, "form: {fields: {bank: {sensitive: true}}}\nvisibility: {outputs: [requester]}\n"
    )
    submission = house.submitted(stage, app, name="Eve", bank="HU42", password="hunter2")
    house.settle()
    path = f"/ui/acme/requests/{submission.number}"
    own, others = (door(stage, name).get(path).content.decode() for name in ("bob", "alice"))
    assert "HU42" in own
    assert "HU42" not in others
    assert "Eve" in others
    assert "hunter2" not in own + others


def test_logs_are_for_engineers_unless_the_app_says_otherwise(stage):
    role = factories.built_in_role(tenant=stage.tenant, name="Business user")
    factories.binding(tenant=stage.tenant, user=stage.charlie, role=role, namespace="company.team")
    layout = "layout:\n  - on: SUCCESS\n    blocks: [{type: Logs}]\n"
    flow = "id: talk\nnamespace: company.team\ntasks:\n  - {id: say, type: core.log.Log, message: from-the-log}\n"
    closed = house.app(stage, flow, layout)
    opened = house.app(stage, flow, layout + "visibility: {logs: [requester]}\n", app_id="opened")
    for app, is_there in ((closed, False), (opened, True)):
        submission = house.submitted(stage, app, by="charlie", x="")
        house.settle()
        page = door(stage, "charlie").get(f"/ui/acme/requests/{submission.number}").content.decode()
        assert ("from-the-log" in page) is is_there


# Approvals ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def asked(stage):
    """Bob asked, Finance (Alice and Bob) decides."""
    factories.group(tenant=stage.tenant, name="Finance", members=(stage.alice, stage.bob))
    submission = house.submitted(stage, house.app(stage, house.ASKING), amount="5")
    house.settle()
    return stage, submission, Approval.across_tenants.get()


def test_the_inbox_has_what_waits_and_the_navigation_counts_it(asked):
    stage, _submission, approval = asked
    page = door(stage, "alice").get("/ui/acme/approvals").content.decode()
    assert "Finance approval" in page or "Finance" in page
    assert f"/ui/acme/approvals/{approval.pk}?answer=APPROVE" in page
    assert re.search(r'data-count="inbox"[^>]*>\s*<span data-number>1<', page)
    assert inbox.count(stage.actor("bob")) == 0, "four eyes: one's own request does not wait for oneself"
    assert inbox.count(stage.actor("charlie")) == 0


def test_an_approval_is_decided_by_a_post_and_never_by_a_get(asked):
    stage, submission, approval = asked
    alice = door(stage, "alice")
    path = f"/ui/acme/approvals/{approval.pk}"
    confirm = alice.get(f"{path}?answer=APPROVE")
    assert "cannot be taken back" in text_of(confirm)
    assert Approval.across_tenants.get().closed_at is None
    answer = alice.post(path, {"answer": "APPROVE", "reason": ""})
    assert (answer.status_code, answer.url) == (302, f"/ui/acme/requests/{submission.number}")
    house.settle()
    assert house.reloaded(submission).execution.state == "SUCCESS"
    assert "Alice approved" in text_of(alice.get(answer.url))


def test_a_rejection_needs_a_reason_and_tells_the_requester(asked):
    stage, submission, approval = asked
    path = f"/ui/acme/approvals/{approval.pk}"
    refused = door(stage, "alice").post(path, {"answer": "REJECT", "reason": "  "})
    assert refused.status_code == 422
    assert "Say why" in text_of(refused)
    door(stage, "alice").post(path, {"answer": "REJECT", "reason": "Too dear"})
    house.settle()
    page = text_of(door(stage, "bob").get(f"/ui/acme/requests/{submission.number}"))
    assert "Alice rejected it: Too dear" in page


def test_four_eyes_hold_and_say_why(asked):
    stage, submission, approval = asked
    path = f"/ui/acme/approvals/{approval.pk}"
    page = text_of(door(stage, "bob").get(path))
    assert "You asked for this yourself; somebody else has to decide." in page
    assert "Approve…" not in page
    assert door(stage, "bob").post(path, {"answer": "APPROVE"}).status_code == 403
    assert Approval.across_tenants.get().closed_at is None
    assert "somebody else has to decide" in text_of(door(stage, "bob").get(f"/ui/acme/requests/{submission.number}"))


def test_who_was_not_asked_does_not_see_the_approval(asked):
    stage, _submission, approval = asked
    for name in ("charlie", "dana"):
        for verb in ("get", "post"):
            client = door(stage, name)
            assert getattr(client, verb)(f"/ui/acme/approvals/{approval.pk}", {"answer": "APPROVE"}).status_code == 404


def test_an_approver_without_any_other_right_sees_the_request(stage):
    factories.group(tenant=stage.tenant, name="Finance", members=(stage.charlie,))
    submission = house.submitted(stage, house.app(stage, house.ASKING), amount="5")
    assert statuses(stage, f"requests/{submission.number}")["charlie"] == 404
    house.settle()
    page = door(stage, "charlie").get(f"/ui/acme/requests/{submission.number}")
    assert page.status_code == 200
    assert "You can decide." in text_of(page)


def test_a_second_decision_is_told_that_it_is_late(asked):
    stage, _submission, approval = asked
    approvals.decide(stage.actor("alice"), approval, "APPROVE")
    answer = door(stage, "alice").post(
        f"/ui/acme/approvals/{approval.pk}", {"answer": "REJECT", "reason": "x"}, follow=True
    )
    assert "decided" in text_of(answer)
    assert Approval.across_tenants.get().outcome == "APPROVE"


def test_a_pause_is_let_go_on_by_those_who_may(stage):
    app = house.app(stage, house.PAUSED)
    submission = house.submitted(stage, app, x="")
    house.settle()
    path = f"/ui/acme/requests/{submission.number}"
    assert "resume-form" not in door(stage, "bob").get(path).content.decode()
    assert door(stage, "bob").post(f"{path}/resume", {"comment": "go"}).status_code == 409
    assert "resume-form" in door(stage, "alice").get(path).content.decode()
    door(stage, "alice").post(f"{path}/resume", {"comment": "go"})
    house.settle()
    assert house.reloaded(submission).execution.state == "SUCCESS"


def test_an_app_may_offer_its_pause_to_the_requester(stage):
    layout = """\
layout:
  - on: PAUSE
    blocks:
      - {type: ResumeExecutionForm, visibleTo: [requester]}
      - {type: ResumeExecutionButton, text: Confirm, visibleTo: [requester]}
"""
    submission = house.submitted(stage, house.app(stage, house.PAUSED, layout), x="")
    house.settle()
    path = f"/ui/acme/requests/{submission.number}"
    assert "Confirm" in text_of(door(stage, "bob").get(path))
    assert door(stage, "bob").post(f"{path}/resume", {"comment": "fine"}).status_code == 302
    house.settle()
    assert house.reloaded(submission).execution.state == "SUCCESS"


# Lists, palette, publishing -----------------------------------------------------------------------------------------


def test_my_requests_are_found_by_number_title_app_and_state(stage):
    app = house.app(stage, rest='displayName: Say hello\ntitle: "For {{ inputs.name }}"\n')
    for name in ("Eve", "Mallory"):
        house.submitted(stage, app, name=name)
    house.submitted(stage, app, by="alice", name="Oscar")
    house.settle()
    house.submitted(stage, app, name="Trent")
    bob = door(stage, "bob")

    def found(query: str) -> list[str]:
        page = bob.get(f"/ui/acme/requests?{query}").content.decode()
        return re.findall(r">For (\w+)</a>", page)

    assert found("") == ["Trent", "Mallory", "Eve"]
    assert found("q=mall") == ["Mallory"]
    assert found("q=%232") == ["Mallory"]
    assert found("q=hello") == ["Trent", "Mallory", "Eve"]
    assert found("state=running") == ["Trent"]
    assert found("state=succeeded") == ["Mallory", "Eve"]
    assert found("before=3") == ["Mallory", "Eve"]
    assert found("q=oscar") == []


def test_the_palette_finds_apps_runs_and_flows_each_for_whom_they_are(stage):
    app = house.app(stage, rest='displayName: Say hello\ntitle: "Hello {{ inputs.name }}"\n')
    house.submitted(stage, app, name="Eve")

    def groups(name: str, words: str) -> list[str]:
        return [hit["group"] for hit in json.loads(door(stage, name).get(f"/ui/acme/palette?q={words}").content)]

    assert groups("bob", "hel") == ["Apps", "My requests", "Flows"]
    assert groups("alice", "eve") == []
    assert groups("charlie", "hel") == []
    assert groups("bob", "") == ["Apps"]


def test_two_clicks_publish_a_flow(stage):
    flow = house.flow(stage, house.GREET)
    alice = door(stage, "alice")
    path = f"/ui/acme/flows/{flow.namespace}/{flow.flow_id}/publish"
    page = alice.get(path).content.decode()
    assert 'value="Greet"' in page
    assert "Says hello to somebody." in page
    answer = alice.post(path, {"display_name": "Say hello", "description": "Hi", "icon": "mail", "category": "Fun"})
    app = App.across_tenants.get()
    assert (answer.status_code, answer.url) == (302, f"/ui/acme/apps/{app.uid}")
    assert (app.display_name, app.icon, app.category, app.groups) == ("Say hello", "mail", "Fun", [])
    assert "This flow has apps already" in text_of(alice.get(path))


def test_an_app_is_edited_as_yaml_with_its_problems(stage):
    app = house.app(stage)
    alice = door(stage, "alice")
    path = f"/ui/acme/apps/{app.uid}/edit"
    assert "flowId: greet" in text_of(alice.get(path))
    wrong = alice.post(path, {"source": house.document(rest="titel: x\n"), "revision": "1"})
    assert wrong.status_code == 422
    assert "Did you mean `title`?" in text_of(wrong)
    assert "titel: x" in wrong.content.decode()
    saved = alice.post(path, {"source": house.document(rest="category: Fun\n"), "revision": "1"})
    assert (saved.status_code, house.again(app).category) == (302, "Fun")
    late = alice.post(path, {"source": house.document(rest="category: Late\n"), "revision": "1"})
    assert (late.status_code, house.again(app).category) == (409, "Fun")
    checked = json.loads(alice.post("/ui/acme/apps/check", {"source": house.document(rest="titel: x\n")}).content)
    assert checked["problems"][0]["line"] == 5


def test_a_new_app_is_written_as_yaml(stage):
    house.flow(stage, house.GREET)
    alice = door(stage, "alice")
    assert alice.get("/ui/acme/apps/new").status_code == 200
    assert alice.post("/ui/acme/apps/new", {"source": house.document()}).status_code == 302
    assert App.across_tenants.get().app_id == "greet_app"
    assert door(stage, "bob").post("/ui/acme/apps/new", {"source": house.document()}).status_code == 403


def test_switching_off_and_ending_from_the_page(stage):
    app = house.app(stage)
    alice = door(stage, "alice")
    alice.post(f"/ui/acme/apps/{app.uid}/switch")
    assert house.again(app).disabled
    alice.post(f"/ui/acme/apps/{app.uid}/switch")
    assert not house.again(app).disabled
    assert door(stage, "bob").post(f"/ui/acme/apps/{app.uid}/unpublish").status_code == 403
    assert alice.post(f"/ui/acme/apps/{app.uid}/unpublish").status_code == 302
    assert house.again(app).deleted_at is not None


@pytest.mark.parametrize("path", ["", "apps", "requests", "approvals"])
def test_a_list_asks_as_often_for_twenty_rows_as_for_one(stage, path, django_assert_max_num_queries):
    factories.group(tenant=stage.tenant, name="Finance", members=(stage.alice,))
    hello, asking = house.app(stage), house.app(stage, house.ASKING)

    def one_more(number: int) -> None:
        house.submitted(stage, hello, name=f"n{number}")
        house.submitted(stage, asking, amount="5")
        house.app(stage, app_id=f"n{number}")
        house.settle()

    def asked() -> dict[str, int]:
        counts = {}
        for name in ("alice", "bob"):
            client = door(stage, name)
            client.get(f"/ui/acme/{path}")
            with django_assert_max_num_queries(200) as counted:
                assert client.get(f"/ui/acme/{path}").status_code == 200
            counts[name] = len(counted)
        return counts

    one_more(0)
    before = asked()
    for number in range(1, 20):
        one_more(number)
    assert asked() == before
    assert max(before.values()) < 40
