"""What tests of flows and executions share: texts of flows, and people at their doors."""

from django.test import Client

from orchestrator import access, executor, flows
from orchestrator.models import Execution, FlowRevision
from tenants.models import User
from tests import factories
from tests.cast import HOME, Cast

HELLO = """\
id: {id}
namespace: {namespace}
tasks:
  - id: greet
    type: core.log.Log
    message: Hello
"""
HOOKED = (
    HELLO
    + """\
triggers:
  - id: hook
    type: core.trigger.Webhook
    key: a-long-secret-key
"""
)
ASKING = """\
id: asking
namespace: company.team
inputs:
  - id: name
    type: STRING
  - id: count
    type: INT
    required: false
  - id: password
    type: SECRET
    required: false
  - id: report
    type: FILE
    required: false
    allowedFileExtensions: [.csv]
tasks:
  - id: greet
    type: core.output.OutputValues
    values:
      said: "Hello {{ inputs.name }}"
outputs:
  - id: said
    type: STRING
    value: "{{ outputs.greet.values.said }}"
"""
WAITING = """\
id: waiting
namespace: company.team
tasks:
  - id: stop
    type: core.flow.Pause
  - id: after
    type: core.log.Log
    message: On we go
"""


def hello(flow_id: str = "hello", namespace: str = HOME) -> str:
    return HELLO.format(id=flow_id, namespace=namespace)


def hooked(flow_id: str = "hooked", namespace: str = HOME) -> str:
    return HOOKED.format(id=flow_id, namespace=namespace)


def saved(stage: Cast, source: str, by: str = "alice") -> FlowRevision:
    return flows.save(stage.actor(by), source)


def door(stage: Cast, name: str) -> Client:
    """A browser in which somebody has signed in; `nobody` has not."""
    client = Client(raise_request_exception=True)
    if name != "nobody":
        client.force_login(getattr(stage, name))
    return client


def program(stage: Cast, name: str) -> Client:
    """A program with a token of somebody."""
    person: User = getattr(stage, name)
    tenant = stage.other_tenant if name == "dana" else stage.tenant
    _token, secret = factories.token(tenant=tenant, user=person)
    return Client(headers={"authorization": f"Bearer {secret}"})


def settle(rounds: int = 20) -> None:
    """Advance whatever waits until nothing does; enough for flows of instant tasks."""
    for _ in range(rounds):
        if not executor.advance_waiting():
            return
    raise AssertionError("it does not settle")


def execution(stage: Cast, execution_id: str) -> Execution:
    return access.execution_for(stage.actor("admin"), "execution.view", execution_id)
