"""Calls from outside: the key, what becomes of the call, and that a delivery starts one execution."""

import json
import threading

import pytest
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from orchestrator import access, flows
from orchestrator.models import Execution, Fire
from orchestrator.triggers import webhook
from tests.cast import HOME, Cast, cast
from tests.orchestrator.stage import HOOKED, execution, hello, hooked, saved, settle

pytestmark = pytest.mark.django_db
HOOK = f"/api/v1/acme/executions/webhook/{HOME}/hooked/a-long-secret-key"


@pytest.fixture
def stage():
    webhook.forget_all()
    return cast()


def call(address: str = HOOK, body: object = None, **headers: str):
    return Client().post(
        address,
        data=json.dumps(body) if body is not None else "",
        content_type="application/json",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def test_a_call_starts_the_flow_and_brings_body_headers_and_parameters(stage: Cast):
    text = hooked().replace("message: Hello", 'message: "{{ trigger.body.name }} {{ trigger.parameters.a[0] }}"')
    saved(stage, text)
    answer = call(f"{HOOK}?a=1&a=2", {"name": "Ada"}, x_source="shop", authorization="Basic secret")
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert (body["flowId"], body["namespace"], body["flowRevision"]) == ("hooked", HOME, 1)
    run = execution(stage, body["executionId"])
    assert run.id == body["id"]
    assert run.started_by_id is None
    assert run.cause["kind"] == "webhook"
    assert run.cause["variables"]["body"] == {"name": "Ada"}
    assert run.cause["variables"]["parameters"] == {"a": ["1", "2"]}
    assert run.cause["variables"]["headers"]["x-source"] == ["shop"]
    assert "secret" not in json.dumps(run.cause)
    settle()
    lines = list(access.log_lines_of(run).values_list("message", flat=True))
    assert lines == ["Ada 1"]


def test_get_and_put_do_the_same_and_a_text_stays_text(stage: Cast):
    saved(stage, hooked())
    assert Client().get(HOOK).status_code == 200
    answer = Client().put(HOOK, data="just words", content_type="text/plain")
    assert execution(stage, answer.json()["id"]).cause["variables"]["body"] == "just words"
    assert Client().delete(HOOK).status_code == 405


def test_the_trigger_fills_the_inputs_of_the_flow(stage: Cast):
    text = (
        HOOKED.format(id="hooked", namespace=HOME).replace(
            "tasks:",
            "inputs:\n  - id: name\n    type: STRING\n  - id: times\n    type: INT\n    defaults: 2\ntasks:",
        )
        + '    inputs:\n      name: "{{ trigger.body.name }}"\n'
    )
    saved(stage, text)
    run = execution(stage, call(body={"name": "Ada {{ 1 + 1 }}"}).json()["id"])
    assert run.inputs == {"name": "Ada {{ 1 + 1 }}", "times": 2}
    refused = call(body={})
    assert refused.status_code == 422
    assert Execution.objects.in_tenant(stage.tenant.pk).count() == 1


@pytest.mark.parametrize(
    "address",
    [
        f"/api/v1/acme/executions/webhook/{HOME}/hooked/a-wrong-key",
        f"/api/v1/acme/executions/webhook/{HOME}/hooked/a-long-secret-ke",
        f"/api/v1/acme/executions/webhook/{HOME}/absent/a-long-secret-key",
        f"/api/v1/acme/executions/webhook/{HOME}/hello/a-long-secret-key",
        "/api/v1/acme/executions/webhook/company.other/hooked/a-long-secret-key",
        f"/api/v1/globex/executions/webhook/{HOME}/hooked/a-long-secret-key",
        f"/api/v1/nowhere/executions/webhook/{HOME}/hooked/a-long-secret-key",
        f"/api/v1/acme/executions/webhook/{HOME}/..%2F/a-long-secret-key",
        f"/api/v1/acme/executions/webhook/{HOME}/hooked/%00",
        "/api/v1/acme/executions/webhook/%00/%00/%F0%9F%98%80",
    ],
)
def test_what_is_absent_and_what_is_wrong_look_alike(stage: Cast, address: str):
    saved(stage, hooked())
    saved(stage, hello())
    right = call().json()["id"]
    answer = call(address)
    assert answer.status_code == 404
    assert answer.json() == call("/api/v1/acme/executions/webhook/no/no/no").json()
    assert list(Execution.objects.in_tenant(stage.tenant.pk).values_list("id", flat=True)) == [right]


def test_a_disabled_flow_or_trigger_is_a_conflict_at_once(stage: Cast):
    alice = stage.actor("alice")
    saved(stage, hooked())
    assert call().status_code == 200
    flow = access.flow_for(alice, "flow.disable", HOME, "hooked")
    flows.disable(alice, flow)
    webhook.forget_all()  # inside a test's transaction nothing is committed, so nothing is announced
    assert call().status_code == 409
    flows.enable(alice, flow)
    saved(stage, hooked() + "    disabled: true\n")
    webhook.forget_all()
    assert call().status_code == 409
    flows.delete(alice, flow)
    webhook.forget_all()
    assert call().status_code == 404


def test_a_new_key_holds_and_the_old_one_does_not(stage: Cast):
    saved(stage, hooked())
    saved(stage, hooked().replace("a-long-secret-key", "another-key"))
    webhook.forget_all()
    assert call().status_code == 404
    assert call(HOOK.replace("a-long-secret-key", "another-key")).json()["flowRevision"] == 2


def test_the_same_delivery_is_answered_with_its_first_execution(stage: Cast):
    saved(stage, hooked())
    first = call(body={"a": 1}, idempotency_key="delivery-1").json()
    again = call(body={"a": 1}, idempotency_key="delivery-1")
    assert again.status_code == 200
    assert again.json()["executionId"] == first["executionId"]
    assert (first["first"], again.json()["first"]) == (True, False)
    assert call(body={"a": 2}, idempotency_key="delivery-1").status_code == 409
    assert call(body={"a": 1}, x_github_delivery="delivery-2").json()["executionId"] != first["executionId"]
    assert Execution.objects.in_tenant(stage.tenant.pk).count() == 2


def test_keys_of_any_length_are_kept_apart(stage: Cast):
    saved(stage, hooked())
    ids = {call(idempotency_key="k" * 5_000 + end).json()["id"] for end in "ab"}
    assert len(ids) == 2
    assert call(idempotency_key="k" * 5_000 + "a").json()["id"] in ids


def test_calls_without_a_key_are_all_new(stage: Cast):
    saved(stage, hooked())
    assert len({call(body={"a": 1}).json()["id"] for _ in range(3)}) == 3
    assert not Fire.objects.in_tenant(stage.tenant.pk).exists()


def test_a_body_over_the_limit_is_refused(stage: Cast):
    saved(stage, hooked())
    assert Client().post(HOOK, data=b"x" * (webhook.BODY_LIMIT + 1), content_type="text/plain").status_code == 413
    assert Client().post(HOOK, data=b"x" * webhook.BODY_LIMIT, content_type="text/plain").status_code == 200


def test_a_body_may_be_any_bytes(stage: Cast):
    saved(stage, hooked())
    for body in (b"\xff\xfe\x00", b'{"a": "\x00"}', b'{"a": "\\u0000"}', b"[" * 100_000, b'{"a": 1e999}', b"{"):
        assert Client().post(HOOK, data=body, content_type="application/json").status_code == 200, body[:20]


def test_a_call_costs_few_queries(stage: Cast):
    saved(stage, hooked())
    call()
    with CaptureQueriesContext(connection) as queries:
        assert call().status_code == 200
    said = [query["sql"].split()[0] for query in queries]
    assert sum(word in {"SELECT", "INSERT", "UPDATE"} for word in said) <= 4, [query["sql"][:80] for query in queries]


@pytest.mark.django_db(transaction=True)
def test_eight_at_once_with_one_key_start_one_execution():
    stage = cast()
    saved(stage, hooked())
    answers: list[tuple[int, str]] = []
    together = threading.Barrier(8)

    def deliver() -> None:
        try:
            together.wait()
            answer = call(body={"a": 1}, idempotency_key="delivery-1")
            answers.append((answer.status_code, answer.json().get("executionId")))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=deliver) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [status for status, _ in answers] == [200] * 8
    assert len({execution_id for _, execution_id in answers}) == 1
    assert Execution.objects.in_tenant(stage.tenant.pk).count() == 1


@pytest.mark.django_db(transaction=True)
def test_what_this_process_changed_is_noticed_at_once():
    stage = cast()
    saved(stage, hooked())
    assert call().status_code == 200
    alice = stage.actor("alice")
    flows.disable(alice, access.flow_for(alice, "flow.disable", HOME, "hooked"))
    assert call().status_code == 409
