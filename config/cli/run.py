"""Start an execution of a flow as one of its users and follow it to its end."""

import argparse
import sys
import threading
from collections.abc import Mapping

from django.db import connection
from django.utils import timezone

from orchestrator import access, executions, flows
from orchestrator.core.inputs import bind
from orchestrator.core.states import FINAL, State
from orchestrator.executions import Cause
from orchestrator.models import Execution
from tenants.actor import Actor, actor_in, seat_of
from tenants.errors import PorticoError
from tenants.models import User
from tenants.tenancy import in_tenant

GOOD = {State.SUCCESS, State.WARNING}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `portico run` understands."""
    parser.add_argument("flow", help="namespace and id, for instance company.team/hello")
    parser.add_argument("--tenant", required=True, help="the tenant's id")
    parser.add_argument("--as", dest="email", required=True, help="e-mail of the user who starts it")
    parser.add_argument("-i", "--input", action="append", default=[], metavar="NAME=VALUE", help="an input's value")
    parser.add_argument("--no-wait", action="store_true", help="print the execution's id and end")


def run(arguments: argparse.Namespace) -> int:
    """Start and follow; 0 for SUCCESS and WARNING, 1 for another end, 2 when it could not be started."""
    actor = _actor(arguments.email, arguments.tenant)
    namespace, _, flow_id = arguments.flow.rpartition("/")
    if actor is None or not namespace:
        why = "write the flow as namespace/id" if actor else f"{arguments.email} is no member of {arguments.tenant}"
        print(f"portico run: {why}", file=sys.stderr)
        return 2
    given = dict(pair.partition("=")[::2] for pair in arguments.input)
    try:
        execution_id = _start(actor, namespace, flow_id, given)
    except PorticoError as refused:
        print(f"portico run: {refused.sentence}", file=sys.stderr)
        return 2
    if execution_id is None:
        return 2
    print(execution_id)
    return 0 if arguments.no_wait else _follow(actor, execution_id)


def _actor(email: str, tenant: str) -> Actor | None:
    user = User.objects.filter(email__iexact=email).first()
    seat = seat_of(user.pk, tenant) if user else None
    return actor_in(seat) if seat else None


def _start(actor: Actor, namespace: str, flow_id: str, given: Mapping[str, object]) -> str | None:
    with in_tenant(actor.tenant_id):
        flow = access.flow_for(actor, "flow.execute", namespace, flow_id)
        revision = flows.head_of(flow)
        bound = bind(flows.spec_of(revision.pk).inputs, given, at=timezone.now(), zone=actor.zone)
        for problem in bound.problems:
            print(f"{problem.input_id}: {problem.message}", file=sys.stderr)
        if bound.problems:
            return None
        return str(executions.start(actor, revision, bound.values, cause=Cause("api")).pk)


def _follow(actor: Actor, execution_id: str) -> int:
    pause = threading.Event()
    shown: set[tuple[str, int, int]] = set()
    while True:
        with in_tenant(actor.tenant_id):
            execution = access.execution_for(actor, "execution.view", execution_id)
            _show_lines(execution, shown)
        if execution.state in FINAL:
            print(execution.state)
            connection.close()
            return 0 if execution.state in GOOD else 1
        pause.wait(0.3)


def _show_lines(execution: Execution, shown: set[tuple[str, int, int]]) -> None:
    for line in access.log_lines_of(execution).order_by("at", "n"):
        key = (line.task_run_id, line.attempt, line.n)
        if key not in shown:
            shown.add(key)
            print(f"  {line.at:%H:%M:%S} {line.level:<5} {line.message}")
