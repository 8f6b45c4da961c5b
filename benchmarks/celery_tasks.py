"""What bare Celery runs: tasks that do nothing but say that they ran."""

import os

import redis
from celery import Celery

URL = os.environ["BENCH_REDIS_URL"]
app = Celery("bare", broker=os.environ["BENCH_BROKER_URL"], backend=os.environ["BENCH_BROKER_URL"])
app.conf.update(worker_prefetch_multiplier=1, task_serializer="json", result_serializer="json", accept_content=["json"])
counter = redis.Redis.from_url(URL)


@app.task(ignore_result=True)
def count() -> None:
    """Say that it ran."""
    counter.incr("bench:done")


@app.task
def nothing() -> int:
    """Do nothing and answer."""
    return 1


@app.task
def fib(number: int) -> int:
    """Work."""
    return number if number < 2 else fib(number - 1) + fib(number - 2)
