"""After commit: ring the doorbell of a queue that has work, and say "something changed" to screens.

A ring holds no work. Lost, doubled or late, the result is the same, because every worker also looks by itself.
"""

import logging
import threading
import time
from functools import cache, partial

import redis
from celery import current_app
from django.conf import settings
from django.db import transaction

from orchestrator.crier import Change, Crier

_log = logging.getLogger(__name__)

RING_FOR_MS = 500  # one ring of a queue in this time is enough
RING_EXPIRES = 60  # seconds after which an unheard ring means nothing
BROKER_TIMEOUT = 0.3  # seconds; a request must not hang on a broker that does
BROKER_PAUSE = 2.0  # seconds in which a broker that failed is left alone
WORK_MESSAGE = "orchestrator.work"


@cache
def broker() -> "redis.Redis":
    """Return this process's connection pool to Redis."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=BROKER_TIMEOUT,
        socket_connect_timeout=BROKER_TIMEOUT,
    )


class _Recently:
    """Remembers what was said a moment ago, so that a busy process does not say it hundreds of times a second."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._said: dict[object, float] = {}

    def said(self, what: object) -> bool:
        """Tell whether `what` was said within the time; if not, it counts as said now."""
        now = time.monotonic()
        if now - self._said.get(what, -self._seconds) < self._seconds:
            return True
        if len(self._said) > 10_000:
            self._said.clear()
        self._said[what] = now
        return False


_listed = _Recently(0.2)  # lists are read again at most once a second anyway


class _Silence:
    """Remembers that the broker failed, so that the next few seconds cost nobody a timeout."""

    def __init__(self) -> None:
        self._until = 0.0
        self._lock = threading.Lock()

    def holds(self) -> bool:
        with self._lock:
            return time.monotonic() < self._until

    def begin(self, why: Exception) -> None:
        with self._lock:
            if time.monotonic() >= self._until:
                _log.warning("the broker does not answer, workers will find the work by themselves: %s", why)
            self._until = time.monotonic() + BROKER_PAUSE


_silence = _Silence()


def ring(queue: str = "default") -> None:
    """Tell one worker of `queue`, once this transaction is committed, that there is work in the database."""
    transaction.on_commit(partial(_crier.ring, queue))


def ring_on(queue: str) -> None:
    """Wake the next sleeper, because work is left behind while this process goes on: the cascade."""
    _crier.ring(queue)


def changed(tenant_id: int, execution_id: str) -> None:
    """Tell open pages, once this transaction is committed, that an execution changed."""
    changed_many({(tenant_id, execution_id)})


def changed_many(pairs: set[Change]) -> None:
    """Tell open pages about several (tenant id, execution id) at once."""
    if pairs:
        transaction.on_commit(partial(_crier.changed, pairs))


def clear_ring(queue: str) -> None:
    """Forget that `queue` was rung, so that work which comes from now on rings again."""
    if _silence.holds():
        return
    try:
        broker().delete(_key(queue))
    except redis.RedisError as failure:
        _silence.begin(failure)


def _key(queue: str) -> str:
    return f"portico:ring:{queue}"


def _publish_ring(queue: str) -> None:
    if _silence.holds():
        return
    try:
        if not broker().set(_key(queue), 1, nx=True, px=RING_FOR_MS):
            return
    except redis.RedisError as failure:
        _silence.begin(failure)
        return
    try:
        current_app.send_task(
            WORK_MESSAGE,
            args=[queue],
            queue=queue,
            expires=RING_EXPIRES,
            retry=False,
            ignore_result=True,
        )
    except Exception as failure:  # noqa: BLE001 - kombu raises many kinds; none may reach who only wanted to ring
        clear_ring(queue)
        _silence.begin(failure)


def _say(queues: set[str], pairs: set[Change]) -> None:
    for queue in queues:
        _publish_ring(queue)
    if pairs:
        _publish_changes(pairs)


def _publish_changes(pairs: set[Change]) -> None:
    if _silence.holds():
        return
    try:
        pipeline = broker().pipeline(transaction=False)
        for tenant_id, execution_id in pairs:
            pipeline.publish(f"portico:changed:{tenant_id}:{execution_id}", "")
        for tenant_id in {tenant_id for tenant_id, _ in pairs if not _listed.said(tenant_id)}:
            pipeline.publish(f"portico:changed:{tenant_id}", "")
        pipeline.execute()
    except redis.RedisError as failure:
        _silence.begin(failure)


_crier = Crier(_say)
