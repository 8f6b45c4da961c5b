"""What the portal's tests share: flows, apps, files, and people in front of pages."""

import io
from collections.abc import Mapping

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from apps_portal import access, forms, publishing, submissions, uploads
from apps_portal.models import App, StagedUpload, Submission
from orchestrator import executor, flows
from orchestrator.models import Flow, FlowRevision
from tests import cast as people
from tests.cast import HOME, Cast

GREET = """\
id: greet
namespace: company.team
description: Says hello to somebody.
inputs:
  - {id: name, type: STRING}
  - {id: country, type: SELECT, values: [HU, US], defaults: HU}
  - {id: vat, type: STRING, required: false}
  - {id: count, type: INT, required: false, min: 1}
  - {id: urgent, type: BOOL, defaults: false}
tasks:
  - id: say
    type: core.output.OutputValues
    values:
      said: "Hello {{ inputs.name }}"
      vat: "{{ inputs.vat ?? 'none' }}"
outputs:
  - {id: said, type: STRING, value: "{{ outputs.say.values.said }}"}
  - {id: rows, type: ARRAY, itemType: JSON, value: [{city: Pécs, delay: 4}, {city: Bonn, delay: 7}]}
  - {id: total, type: INT, value: 336776}
"""
FILES = """\
id: reader
namespace: company.team
inputs:
  - {id: report, type: FILE, allowedFileExtensions: [.csv], maxSize: 1KB}
  - {id: note, type: STRING}
tasks:
  - {id: log, type: core.log.Log, message: "{{ inputs.report }}"}
outputs:
  - {id: file, type: FILE, value: "{{ inputs.report }}"}
"""
ASKING = """\
id: asking
namespace: company.team
inputs:
  - {id: amount, type: INT}
tasks:
  - id: finance_ok
    type: core.flow.Approval
    description: Finance approval
    levels: [{name: Finance, who: {groups: [Finance]}, need: 1}]
    reasonRequired: [REJECT]
  - {id: done, type: core.output.OutputValues, values: {by: "{{ outputs.finance_ok.by }}"}}
"""
PAUSED = """\
id: paused
namespace: company.team
tasks:
  - id: stop
    type: core.flow.Pause
    onResume: [{id: comment, type: STRING}]
  - {id: after, type: core.log.Log, message: x}
"""
SECRETIVE = """\
id: secretive
namespace: company.team
inputs:
  - {id: name, type: STRING}
  - {id: bank, type: STRING}
  - {id: password, type: SECRET, required: false}
tasks:
  - {id: log, type: core.log.Log, message: x}
outputs:
  - {id: bank, type: STRING, value: "{{ inputs.bank }}"}
"""
FAILING = """\
id: failing
namespace: company.team
tasks:
  - {id: first_step, type: core.log.Log, message: x}
  - {id: load_data, type: core.execution.Fail, errorMessage: The warehouse is closed}
"""


def saved(stage: Cast, source: str) -> FlowRevision:
    return flows.save(stage.actor("admin"), source)


def flow(stage: Cast, source: str) -> Flow:
    return saved(stage, source).flow


def document(flow_id: str = "greet", app_id: str = "", rest: str = "") -> str:
    return f"id: {app_id or flow_id}_app\ntype: apps.Execution\nnamespace: {HOME}\nflowId: {flow_id}\n{rest}"


def app(stage: Cast, source: str = GREET, rest: str = "", *, app_id: str = "") -> App:
    """Publish a flow's text as an app; `rest` is more of the app's own text."""
    made = flow(stage, source)
    text = document(made.flow_id, app_id, rest)
    return again(publishing.publish(stage.actor("admin"), text).app)


def again(row: App) -> App:
    return App.across_tenants.select_related("flow").get(pk=row.pk)


def submitted(stage: Cast, row: App, by: str = "bob", **values: object) -> Submission:
    return submissions.submit(stage.actor(by), again(row), values or {"name": "Eve"})


def settle(rounds: int = 20) -> None:
    """Advance whatever waits until nothing does; enough for flows of instant tasks."""
    for _ in range(rounds):
        if not executor.advance_waiting():
            return
    raise AssertionError("it does not settle")


def reloaded(submission: Submission) -> Submission:
    return Submission.across_tenants.select_related("app", "app__flow", "revision", "execution", "user").get(
        pk=submission.pk
    )


def staged(stage: Cast, row: App, by: str = "bob", content: bytes = b"a,b\n1,2\n", name: str = "r.csv") -> StagedUpload:
    opened = forms.open_app(again(row))
    spec = next(one for one in opened.inputs if one.type == "FILE")
    return uploads.stage(stage.actor(by), again(row), spec, name, len(content), io.BytesIO(content), timezone.now())


def chosen_file(content: bytes = b"a,b\n1,2\n", name: str = "r.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="text/csv")


def page_post(values: Mapping[str, object], seen: str = "name country vat count urgent", key: str = "") -> dict:
    """What a browser without script sends."""
    return {"_seen": seen, "_key": key or "k-1", **values}


def cast() -> Cast:
    return people.cast()


def runnable_by(stage: Cast) -> dict[str, bool]:
    """Who may run the tenant's first app."""
    row = App.across_tenants.select_related("flow").first()
    return {name: access.may_run(stage.actor(name), row) for name in ("alice", "bob", "charlie")}
