"""Filling in and submitting: what reaches the execution, and what does not."""

import io
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps_portal import access, forms, publishing, submissions, uploads
from apps_portal.models import StagedUpload, Submission
from apps_portal.submissions import FormInvalid
from orchestrator import storage
from orchestrator.models import Artifact, Execution
from tenants.errors import Conflict, Forbidden, Invalid, NotFound, TooLarge, TooMany
from tenants.models import AuditEntry
from tenants.tenancy import in_tenant
from tests.apps_portal import stage as house


def test_a_submission_starts_the_flow_as_the_person_and_is_written_down(stage):
    app = house.app(stage, rest='title: "For {{ inputs.name }}"\n')
    submission = house.submitted(stage, app, name="Eve", count="3")
    execution = submission.execution
    assert (submission.number, submission.title, submission.user_id) == (1, "For Eve", stage.bob.pk)
    assert execution.started_by_id == stage.bob.pk
    assert execution.inputs == {"name": "Eve", "country": "HU", "vat": None, "count": 3, "urgent": False}
    assert execution.labels["system.app"] == "greet_app"
    assert execution.cause == {"kind": "app", "app": app.uid, "title": "For Eve"}
    actions = set(AuditEntry.across_tenants.filter(user_id=stage.bob.pk).values_list("action", flat=True))
    assert actions == {"app.execute", "flow.execute"}
    house.settle()
    assert Execution.across_tenants.get().state == "SUCCESS"


def test_numbers_count_per_tenant(stage):
    app = house.app(stage)
    numbers = [house.submitted(stage, app, name=f"n{n}").number for n in range(3)]
    assert numbers == [1, 2, 3]


def test_what_is_wrong_starts_nothing_and_comes_back_with_the_form(stage):
    app = house.app(stage)
    with pytest.raises(FormInvalid) as error:
        submissions.submit(stage.actor("bob"), app, {"count": "0", "country": "XX"})
    wrong = {one.name: one.error for one in error.value.sheet.form.wrong}
    assert wrong.keys() == {"name", "country", "count"}
    assert wrong["count"] == "This must be at least 1."
    assert not Execution.across_tenants.exists()


@pytest.mark.parametrize("name", ["charlie", "dana"])
def test_who_may_not_run_the_app_submits_nothing(stage, name):
    app = house.app(stage)
    with pytest.raises(Forbidden):
        submissions.submit(stage.actor(name), app, {"name": "Eve"})
    assert not Submission.across_tenants.exists()


def test_a_closed_app_takes_nothing(stage):
    app = house.app(stage, rest="expiration: {endDate: 2020-01-01T00:00:00Z}\n")
    with pytest.raises(Conflict):
        house.submitted(stage, app)


def test_the_same_form_sent_twice_is_one_request(stage):
    app = house.app(stage)
    bob = stage.actor("bob")
    first = submissions.submit(bob, app, {"name": "Eve"}, key="k")
    assert submissions.submit(bob, app, {"name": "Eve"}, key="k").pk == first.pk
    assert submissions.submit(bob, app, {"name": "Eve"}, key="another").pk != first.pk
    assert submissions.submit(stage.actor("alice"), app, {"name": "Eve"}, key="k").pk != first.pk
    assert Execution.across_tenants.count() == 3
    publishing.disable(stage.actor("admin"), app)
    assert submissions.submit(bob, house.again(app), {"name": "Eve"}, key="k").pk == first.pk, "also after it closed"


def test_hidden_and_fixed_fields_take_nothing_from_what_was_posted(stage):
    rest = """\
form:
  fields:
    vat: {showIf: "{{ inputs.country == 'HU' }}"}
    name: {fixed: "{{ requester.email }}"}
"""
    app = house.app(stage, rest=rest)
    inputs = house.submitted(stage, app, name="eve@example.com", country="US", vat="HU123").execution.inputs
    assert (inputs["name"], inputs["vat"]) == ("bob@example.com", None)


values = st.sampled_from(["HU", "US", "hidden-value-7", ""])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(country=st.sampled_from(["HU", "US"]), vat=values, count=st.sampled_from(["1", "5", ""]))
def test_a_hidden_fields_posted_value_never_reaches_the_execution(stage, country, vat, count):
    rest = """\
form:
  fields:
    vat: {showIf: "{{ inputs.country == 'HU' and inputs.count != null }}"}
"""
    app = house.App.across_tenants.select_related("flow").first() or house.app(stage, rest=rest)
    posted = {"name": "Eve", "country": country, "vat": vat, "count": count}
    posted = {name: value for name, value in posted.items() if value}
    kept = submissions.submit(stage.actor("bob"), app, posted).execution.inputs
    shown = country == "HU" and count != ""
    assert kept["vat"] == ((vat or None) if shown else None)


def test_secrets_and_sensitive_values_stay_out_of_the_title(stage):
    rest = """\
title: "{{ inputs.name }} {{ inputs.bank }} {{ inputs.password }}"
form: {fields: {bank: {sensitive: {revealTo: [group:Finance]}}}}
"""
    app = house.app(stage, house.SECRETIVE, rest)
    submission = house.submitted(stage, app, name="Eve", bank="HU42", password="hunter2")
    assert submission.title == "Eve •••• ••••"
    assert submission.execution.sensitive == ["bank", "password"]
    assert submission.execution.cause["title"] == submission.title


def test_audiences_are_kept_on_the_execution(stage):
    app = house.app(stage, rest="visibility: {logs: [operators], files: [requester]}\n")
    assert house.submitted(stage, app).execution.shown_to == {"logs": ["operators"], "files": ["requester"]}


def test_a_pinned_revision_is_the_one_that_runs(stage):
    app = house.app(stage, rest="flowRevision: 1\n")
    house.saved(stage, house.GREET + "labels: {newer: yes}\n")
    assert house.submitted(stage, app).execution.revision.number == 1


def test_limits_per_person(stage):
    app = house.app(stage, rest="limits: {perUser: 3/PT1H, runningPerUser: 2}\n")
    house.submitted(stage, app, name="1")
    house.submitted(stage, app, name="2")
    with pytest.raises(TooMany):
        house.submitted(stage, app, name="3")
    house.settle()
    house.submitted(stage, app, name="3")
    house.settle()
    with pytest.raises(TooMany):
        house.submitted(stage, app, name="4")
    assert house.submitted(stage, app, by="alice", name="mine").number == 4


def test_earlier_values_can_be_used_again_without_secrets_and_files(stage):
    app = house.app(stage, house.SECRETIVE, "form: {fields: {bank: {sensitive: true}}}\n")
    submission = house.submitted(stage, app, name="Eve", bank="HU42", password="hunter2")
    sheet = forms.begin(stage.actor("bob"), forms.open_app(app), house.reloaded(submission))
    assert {one.name: one.value for one in sheet.form.fields} == {"name": "Eve", "bank": "", "password": ""}


# Files --------------------------------------------------------------------------------------------------------------


def test_a_staged_file_becomes_the_executions_own(stage):
    app = house.app(stage, house.FILES)
    row = house.staged(stage, app)
    submission = house.submitted(stage, app, report=str(row.pk), note="n")
    artifact = Artifact.across_tenants.get()
    assert (artifact.execution_id, artifact.input_id, artifact.name) == (submission.execution_id, "report", "r.csv")
    assert artifact.uri == submission.execution.inputs["report"]
    assert artifact.sha256 == row.sha256
    with storage.open(stage.tenant.pk, artifact.uri) as file:
        assert file.read() == b"a,b\n1,2\n"


def test_a_staged_file_is_its_owners_and_its_apps_alone(stage):
    app = house.app(stage, house.FILES)
    other = house.app(stage, house.FILES, app_id="other")
    row = house.staged(stage, app)
    for by, target in (("alice", app), ("bob", other)):
        with pytest.raises(FormInvalid) as error:
            house.submitted(stage, target, by=by, report=str(row.pk), note="n")
        assert [one.name for one in error.value.sheet.form.wrong] == ["report"]
    with pytest.raises(NotFound):
        access.staged_for(stage.actor("dana"), app, str(row.pk))
    assert not Execution.across_tenants.exists()


@pytest.mark.parametrize("text", ["portico:///company/team/x.csv", "kestra:///x", "nsfile:///x", "no-id", "../../x"])
def test_a_form_cannot_name_a_file_by_its_address(stage, text):
    app = house.app(stage, house.FILES)
    with pytest.raises(FormInvalid):
        house.submitted(stage, app, report=text, note="n")


def test_a_file_that_is_too_large_or_of_the_wrong_kind_is_refused(stage):
    app = house.app(stage, house.FILES)
    with pytest.raises(TooLarge) as error:
        house.staged(stage, app, content=b"x" * 2000)
    assert "r.csv" in error.value.sentence
    with pytest.raises(Invalid):
        house.staged(stage, app, name="r.exe")
    assert not StagedUpload.across_tenants.exists()


def test_the_instances_own_limit_holds_for_every_file(stage, settings):
    settings.UPLOAD_LIMIT = 10
    app = house.app(stage, house.FILES)
    with pytest.raises(TooLarge):
        house.staged(stage, app, content=b"x" * 20)


def test_a_staged_file_is_gone_after_a_day(stage):
    app = house.app(stage, house.FILES)
    row = house.staged(stage, app)
    StagedUpload.across_tenants.update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(FormInvalid):
        house.submitted(stage, app, report=str(row.pk), note="n")
    assert uploads.sweep(timezone.now()) == 1
    assert not StagedUpload.across_tenants.exists()
    with pytest.raises(storage.FileAbsent):
        storage.size(stage.tenant.pk, row.uri)


def test_a_person_cannot_fill_the_storage_with_waiting_files(stage, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_PER_PERSON", 2)
    app = house.app(stage, house.FILES)
    house.staged(stage, app)
    house.staged(stage, app)
    with pytest.raises(TooMany):
        house.staged(stage, app)
    spec = forms.open_app(house.again(app)).input("report")
    uploads.stage(stage.actor("alice"), app, spec, "r.csv", 1, io.BytesIO(b"x"), timezone.now())


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_the_same_moment_make_one_request(settings, tmp_path, transactional_db):
    settings.STORAGE_URL = f"file://{tmp_path}/storage"
    publishing.forget_all()
    stage = house.cast()
    app = house.app(stage)
    bob = stage.actor("bob")
    ready = threading.Barrier(2)
    numbers: list[int] = []

    def click() -> None:
        try:
            ready.wait(10)
            with in_tenant(stage.tenant.pk):
                numbers.append(submissions.submit(bob, app, {"name": "Eve"}, key="same").number)
        finally:
            connection.close()

    clicks = [threading.Thread(target=click) for _ in range(2)]
    for thread in clicks:
        thread.start()
    for thread in clicks:
        thread.join(20)
    assert numbers == [1, 1]
    assert Execution.across_tenants.count() == 1
