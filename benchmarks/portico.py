"""The workloads on Portico; each returns figures of what the database says was done."""

import statistics
import threading
import time
from dataclasses import dataclass
from typing import Any

import django

django.setup()

from django.db import connection, transaction  # noqa: E402 - after set-up

from benchmarks import webhooks  # noqa: E402
from benchmarks.stack import Stack  # noqa: E402
from orchestrator import executions, flows  # noqa: E402
from orchestrator.executions import Cause  # noqa: E402
from orchestrator.models import Execution, FlowRevision  # noqa: E402
from tenants import tenancy, users  # noqa: E402
from tenants.actor import Actor  # noqa: E402

KEY = "bench-key-0123456789"
_pause = threading.Event()

TWO_STEPS = f"""
id: two_steps
namespace: bench
tasks:
  - {{id: values, type: core.output.OutputValues, values: {{greeting: "hello"}}}}
  - {{id: say, type: core.log.Log, message: "{{{{ outputs.values.values.greeting }}}}"}}
triggers:
  - {{id: hook, type: core.trigger.Webhook, key: {KEY}}}
"""
NO_OP = "{id: %s, type: core.flow.Sleep, duration: PT0S}"
ONE_TASK = f"id: one_task\nnamespace: bench\ntasks:\n  - {NO_OP % 'nothing'}\n"
FIB = "def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)\\nfib(%d)"


def parallel(width: int) -> str:
    """A flow of so many no-op tasks side by side, then one."""
    children = "\n".join(f"      - {NO_OP % f't{n}'}" for n in range(width))
    return (
        f"id: parallel_{width}\nnamespace: bench\ntasks:\n  - id: all\n    type: core.flow.Parallel\n    tasks:\n"
        f"{children}\n  - {NO_OP % 'join'}\n"
    )


def for_each(width: int) -> str:
    """A loop over so many values with a no-op task each."""
    values = ", ".join(str(n) for n in range(width))
    return (
        f"id: each_{width}\nnamespace: bench\ntasks:\n  - id: all\n    type: core.flow.ForEach\n"
        f"    concurrencyLimit: 0\n    values: [{values}]\n    tasks:\n      - {NO_OP % 'nothing'}\n"
    )


def chain(length: int, number: int) -> str:
    """So many Python scripts one after the other."""
    script = FIB % number
    tasks = "\n".join(f'  - {{id: t{n}, type: scripts.python.Script, script: "{script}"}}' for n in range(length))
    return f"id: chain_{length}_{number}\nnamespace: bench\ntasks:\n{tasks}\n"


@dataclass
class Portico:
    """A tenant to measure in."""

    stack: Stack
    actor: Actor

    @classmethod
    def prepare(cls, stack: Stack) -> "Portico":
        """Make the tenant."""
        admin = users.create(email="bench@example.com", name="Bench", password="quiet-harbour-77")
        tenant = tenancy.create_tenant(slug="bench", name="Bench", first_admin=admin, acting=None)
        return cls(stack, Actor.system(tenant.pk))

    def save(self, source: str) -> FlowRevision:
        """Save a flow."""
        return flows.save(self.actor, source)

    def start(self, revision: FlowRevision, number: int = 1) -> list[str]:
        """Start executions in one transaction."""
        with transaction.atomic():
            return [
                executions.insert(self.actor.tenant_id, revision.pk, {}, cause=Cause("flow")) for _ in range(number)
            ]

    def await_end(self, ids: list[str], seconds: float = 300) -> None:
        """Wait until all have ended well."""
        until = time.monotonic() + seconds
        pending = len(ids)
        while pending and time.monotonic() < until:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT count(*) FROM orchestrator_execution WHERE id = ANY(%s) AND ended_at IS NULL", [ids]
                )
                pending = cursor.fetchone()[0]
            if pending:
                _pause.wait(0.001 if len(ids) == 1 else 0.01)
        good = Execution.across_tenants.filter(pk__in=ids, state="SUCCESS").count()
        if good != len(ids):
            raise SystemExit(f"{good} of {len(ids)} executions ended well")

    def timed(self, revision: FlowRevision, number: int = 1) -> float:
        """Seconds from the start of so many executions to the end of the last."""
        began = time.perf_counter()
        self.await_end(self.start(revision, number))
        return time.perf_counter() - began

    def warm_up(self) -> None:
        """Let every process import and compile what it needs."""
        for source in (ONE_TASK, TWO_STEPS, chain(1, 1)):
            revision = self.save(source)
            for _ in range(3):
                self.timed(revision, 20)

    def w0(self, seconds: float) -> dict[str, Any]:
        """Webhook -> OutputValues -> Log over HTTP, as fast as it goes; then the worker side alone."""
        revision = self.save(TWO_STEPS)
        path = f"/api/v1/bench/executions/webhook/bench/two_steps/{KEY}"
        webhooks.load(self.stack.port, path, clients=4, seconds=2)
        before = Execution.across_tenants.filter(revision=revision).count()
        began = time.perf_counter()
        seen = webhooks.load(self.stack.port, path, clients=16, seconds=seconds)
        ids = list(Execution.across_tenants.filter(revision=revision).values_list("pk", flat=True))
        self.await_end(ids)
        spent = time.perf_counter() - began
        if len(ids) - before != seen.accepted:
            raise SystemExit(f"{seen.accepted} webhooks were accepted, {len(ids) - before} executions exist")
        calm = webhooks.load(self.stack.port, path, clients=1, seconds=2)
        _pause.wait(1)
        newest = Execution.across_tenants.filter(revision=revision).order_by("-created_at")[: calm.accepted]
        ends = [(one.ended_at - one.created_at).total_seconds() for one in newest]
        drained = self._drain(revision, 5_000)
        return {
            "accepted": seen.accepted,
            "per_second": seen.accepted / spent,
            "answer_p50": seen.median,
            "end_p50": statistics.median(ends) + calm.median,
            "drained_per_second": drained,
        }

    def _drain(self, revision: FlowRevision, number: int) -> float:
        """Executions a second when so many are created at once and then drained."""
        ids = self.start(revision, number)
        began = time.perf_counter()
        self.await_end(ids)
        return number / (time.perf_counter() - began)

    def w5(self, times: int) -> tuple[float, float]:
        """Median and 95th percentile of submit to finished for one no-op task on a worker, idle."""
        revision = self.save(ONE_TASK)
        taken = []
        for _ in range(times):
            taken.append(self.timed(revision))
            _pause.wait(0.05)
        return statistics.median(taken), statistics.quantiles(taken, n=20)[-1]
