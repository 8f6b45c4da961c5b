"""Bare Celery: the rate of no-op messages, the round trip, a chain and a join."""

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

PROCESSES = 8
_pause = threading.Event()


@contextmanager
def worker(redis_url: str, broker_url: str, log: Path) -> Iterator[None]:
    """Run a Celery worker with eight processes."""
    os.environ.update(BENCH_REDIS_URL=redis_url, BENCH_BROKER_URL=broker_url)
    command = [sys.executable, "-m", "celery", "-q", "-A", "benchmarks.celery_tasks", "worker", "-c", str(PROCESSES)]
    command += ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=WARNING"]
    # bare: with Django's settings in sight Celery would load all of Django
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)


class Celery:
    """The peer's workloads; each returns seconds, or messages a second where it says so."""

    def __init__(self) -> None:
        from benchmarks import celery_tasks

        self.tasks = celery_tasks
        self.redis = redis.Redis.from_url(celery_tasks.URL)
        self.tasks.nothing.delay().get(timeout=60)

    def rate(self, messages: int) -> float:
        """No-op messages a second."""
        self.redis.delete("bench:done")
        began = time.perf_counter()
        for _ in range(messages):
            self.tasks.count.delay()
        while int(self.redis.get("bench:done") or 0) < messages:
            _pause.wait(0.002)
        return messages / (time.perf_counter() - began)

    def round_trips(self, times: int) -> tuple[float, float]:
        """Median and 95th percentile of there and back, idle."""
        taken = []
        for _ in range(times):
            began = time.perf_counter()
            self.tasks.nothing.delay().get(timeout=30, interval=0.001)
            taken.append(time.perf_counter() - began)
            _pause.wait(0.01)
        return statistics.median(taken), statistics.quantiles(taken, n=20)[-1]

    def chain(self, length: int, number: int) -> float:
        """Tasks one after the other, driven stepwise."""
        began = time.perf_counter()
        for _ in range(length):
            self.tasks.fib.delay(number).get(timeout=60, interval=0.001)
        return time.perf_counter() - began

    def join(self, width: int) -> float:
        """No-op messages at once, then one that waits for all."""
        began = time.perf_counter()
        results = [self.tasks.nothing.delay() for _ in range(width)]
        for result in results:
            result.get(timeout=60, interval=0.001)
        self.tasks.nothing.delay().get(timeout=60, interval=0.001)
        return time.perf_counter() - began
