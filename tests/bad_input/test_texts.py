"""YAML bombs and odd values through the doors; the parser's own tests are in tests/core/flow_yaml."""

import json
import time

import pytest

from apps_portal import publishing
from orchestrator import flows
from orchestrator.models import Execution, Flow, FlowRevision
from tenants.errors import Invalid
from tests.cast import HOME, Cast
from tests.orchestrator.stage import ASKING, hello, program, saved, settle

pytestmark = pytest.mark.django_db(transaction=True)
API = "/api/v1/acme"
YAML = "application/x-yaml"


def aliases() -> str:
    bomb = hello() + "labels:\n  a: &a [x, x, x, x, x, x, x, x, x]\n"
    for above, name in zip("abcdefgh", "bcdefghi", strict=True):
        bomb += f"  {name}: &{name} [{', '.join([f'*{above}'] * 9)}]\n"
    return bomb


BOMBS = {
    "aliases": aliases(),
    "50,000 brackets": hello() + "labels: " + "[" * 50_000,
    "50,000 braces": hello() + "labels: " + "{a: " * 50_000,
    "50,000 dashes": hello() + "labels:\n  " + "- " * 50_000 + "x",
    "50,000 levels of indentation": hello()
    + "labels:\n"
    + "".join(" " * (n % 1_000 + 1) + "a:\n" for n in range(5_000)),
    "more than a megabyte": hello() + "# " + "x" * 1_100_000,
    "a merge of itself": hello() + "labels: &a {<<: *a}",
    "an object of Python's": hello() + "labels: !!python/object/apply:os.system [id]",
    "a key twice": hello() + "id: other\n",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_quickly_with_a_line_and_nothing_is_kept(stage: Cast, bomb: str):
    began = time.monotonic()
    with pytest.raises(Invalid) as refused:
        flows.save(stage.actor("alice"), BOMBS[bomb])
    assert time.monotonic() - began < 3
    assert refused.value.problems
    assert not FlowRevision.across_tenants.exists()


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_program_that_posts_a_bomb_gets_an_answer(stage: Cast, bomb: str):
    began = time.monotonic()
    api = program(stage, "alice")
    assert api.post(f"{API}/flows", BOMBS[bomb], content_type=YAML).status_code in {413, 422}
    assert api.post(f"{API}/flows/validate", BOMBS[bomb], content_type=YAML).status_code in {200, 413, 422}
    assert time.monotonic() - began < 6
    assert not Flow.across_tenants.exists()


@pytest.mark.parametrize("bomb", [name for name in BOMBS if name != "a merge of itself"])
def test_an_app_made_of_a_bomb_is_refused_too(stage: Cast, bomb: str):
    began = time.monotonic()
    with pytest.raises(Invalid):
        publishing.publish(stage.actor("alice"), BOMBS[bomb])
    assert time.monotonic() - began < 3


VALUES = {
    "NUL": '{"name": "a\\u0000b"}',
    "half a character": '{"name": "a\\ud800b"}',
    "an escape that was meant": '{"name": "a\\\\u0000b"}',
    "a number of 5,000 digits": '{"name": "x", "count": ' + "9" * 5_000 + "}",
    "a number beyond all": '{"name": "x", "count": 1e400}',
    "not a number": '{"name": "x", "count": NaN}',
    "50,000 levels": '{"name": ' + "[" * 50_000 + "]" * 50_000 + "}",
    "a list": "[1, 2]",
    "nothing": "",
    "no JSON": "{name",
    "inputs nobody asked for": '{"name": "x", "other": 1, "__class__": 2}',
    "a megabyte": json.dumps({"name": "x" * 1_000_000}),
}


@pytest.mark.parametrize("value", VALUES)
def test_odd_inputs_start_a_run_that_ends_or_are_refused_and_never_a_fault(stage: Cast, value: str):
    saved(stage, ASKING)
    answer = program(stage, "bob").post(
        f"{API}/executions/{HOME}/asking", VALUES[value], content_type="application/json"
    )
    assert answer.status_code in {200, 400, 413, 422}, (answer.status_code, answer.content[:300])
    settle()
    states = set(Execution.across_tenants.values_list("state", flat=True))
    assert states <= {"SUCCESS", "FAILED"}
    if answer.status_code != 200:
        assert not states
