"""A person without the right and a person of another tenant, at every door of the API that changes something."""

import pytest

from orchestrator.executions import Cause, start
from orchestrator.models import Execution, FlowRevision
from tests.cast import HOME, Cast
from tests.orchestrator.stage import WAITING, hello, program, saved, settle

pytestmark = pytest.mark.django_db(transaction=True)
API = "/api/v1/acme"
YAML = "application/x-yaml"
RUN = f"{API}/executions/{{run}}"

WRITES = {
    "make a flow": ("post", f"{API}/flows", hello("new")),
    "change a flow": ("put", f"{API}/flows/{HOME}/waiting", WAITING.replace("On we go", "Elsewhere")),
    "delete a flow": ("delete", f"{API}/flows/{HOME}/waiting", ""),
    "start a flow": ("post", f"{API}/executions/{HOME}/waiting", ""),
    "kill a run": ("post", f"{RUN}/actions/kill", ""),
    "kill a run as the field does": ("delete", f"{RUN}/kill", ""),
    "resume a run": ("post", f"{RUN}/actions/resume", ""),
}
READS = [
    f"{API}/flows/{HOME}/waiting",
    RUN,
    f"{RUN}/flow",
    f"{RUN}/graph",
    f"{API}/logs/{{run}}",
    f"{RUN}/file/metas?path=portico:///x",
]


@pytest.fixture
def waiting(stage: Cast) -> str:
    """A run of Alice's that is paused."""
    revision = saved(stage, WAITING)
    run = start(stage.actor("alice"), revision, {}, cause=Cause("flow")).pk
    settle()
    return run


@pytest.mark.parametrize(("name", "answers"), [("charlie", {403, 404, 405}), ("dana", {404}), ("nobody", {401})])
@pytest.mark.parametrize("write", WRITES)
def test_nothing_changes_for_who_may_not(stage: Cast, waiting: str, name: str, answers: set[int], write: str):
    method, address, body = WRITES[write]
    client = program(stage, name) if name != "nobody" else program(stage, "alice").__class__()
    answer = getattr(client, method)(address.format(run=waiting), body, content_type=YAML)
    assert answer.status_code in answers, (write, answer.status_code, answer.content[:200])
    assert Execution.across_tenants.get().state == "PAUSED"
    assert FlowRevision.across_tenants.count() == 1
    if name == "dana":
        assert b"waiting" not in answer.content


@pytest.mark.parametrize(("name", "answers"), [("charlie", {403, 404}), ("dana", {404}), ("nobody", {401})])
def test_nothing_is_shown_to_who_may_not_see_it(stage: Cast, waiting: str, name: str, answers: set[int]):
    client = program(stage, name) if name != "nobody" else program(stage, "alice").__class__()
    for address in READS:
        answer = client.get(address.format(run=waiting))
        assert answer.status_code in answers, (address, answer.status_code)
        assert b"On we go" not in answer.content
