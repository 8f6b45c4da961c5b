"""What people do to the engine, from a process of its own: one JSON line says the act, one line answers.

Run as `python -m tests.faults.acts` by ground.py; the parts under test never see it.
"""

import json
import random
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import django
from django.db import close_old_connections

django.setup()

from orchestrator import executions, flows, revisions  # noqa: E402 - models exist after setup
from orchestrator.executions import Cause  # noqa: E402
from orchestrator.models import Execution, FlowRevision  # noqa: E402
from tenants.errors import Conflict, PorticoError  # noqa: E402
from tenants.models import Tenant, User  # noqa: E402
from tests import factories  # noqa: E402
from tests.cast import cast  # noqa: E402

PAUSE = threading.Event()


class Acts:
    """Alice starts and stops things in her tenant, Dana in the other."""

    def __init__(self):
        if not Tenant.objects.filter(slug="acme").exists():
            cast()
        self.actors = {"alice": self._actor("alice", "acme"), "dana": self._actor("dana", "globex")}

    @staticmethod
    def _actor(name, slug):
        person = User.objects.get(email=f"{name}@example.com")
        return factories.actor(tenant=Tenant.objects.get(slug=slug), user=person)

    def save(self, source, who="alice"):
        """Save a flow; return its revision."""
        return flows.save(self.actors[who], source).pk

    def refused(self, source, who="alice"):
        """Save a flow that must be refused; return how, and how long it took."""
        began = time.monotonic()
        try:
            flows.save(self.actors[who], source)
        except PorticoError as refused:
            return {"how": type(refused).__name__, "seconds": time.monotonic() - began}
        return {"how": "saved", "seconds": time.monotonic() - began}

    def start(self, revision, count=1, who="alice", every=0.0):
        """Start executions; return each one's id and how long its start took."""
        row = FlowRevision.across_tenants.select_related("flow").get(pk=revision)
        revisions.revision_of(revision)
        ids, seconds = [], []
        for _ in range(count):
            began = time.monotonic()
            ids.append(executions.start(self.actors[who], row, {}, cause=Cause("flow")).pk)
            seconds.append(time.monotonic() - began)
            PAUSE.wait(max(0.0, every - seconds[-1])) if every else None
        return {"ids": ids, "seconds": seconds}

    def kill(self, execution, who="alice"):
        """Kill an execution; tell whether it was still time."""
        try:
            executions.kill(self.actors[who], Execution.across_tenants.get(pk=execution))
        except Conflict:
            return False
        return True

    def start_and_kill(self, revision, count, within, threads=4):
        """Start executions and kill each, twice at the same time, up to `within` seconds later."""

        def one(_number):
            close_old_connections()
            (execution,) = self.start(revision)["ids"]
            PAUSE.wait(random.uniform(0, within))
            return execution, self.kill(execution)

        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(one, range(count)))


def main():
    acts = Acts()
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        said = json.loads(line)
        close_old_connections()
        try:
            answer = {"answer": getattr(acts, said.pop("act"))(**said)}
        except Exception as failure:  # noqa: BLE001 - told to the test, which fails with it
            answer = {"failed": f"{type(failure).__name__}: {failure}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
