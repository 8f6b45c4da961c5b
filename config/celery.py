"""Celery runs the worker processes and carries the doorbell; it holds no work and no results (reliability.md 1-3)."""

import importlib
import logging
import os
import signal
from typing import Any
from urllib.parse import parse_qs, urlsplit

from celery import Celery
from celery.signals import (
    setup_logging,
    worker_process_init,
    worker_process_shutdown,
    worker_ready,
    worker_shutting_down,
)
from django.conf import settings
from django.db import connections

from config.processes import die_with_parent

log = logging.getLogger("portico.worker")

PUBLISH_SECONDS = 0.3  # a hung broker must not hang whoever rings


def broker_url(redis_url: str) -> str:
    """Return Celery's spelling of a Redis URL: unix sockets have another scheme and name the database otherwise."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    number = parse_qs(parts.query).get("db", ["0"])[-1]
    login = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    return f"redis+socket://{login}{parts.path}?virtual_host={number}"


def transport_options(seconds: float) -> dict[str, Any]:
    """Return the broker connection's options with one time limit for everything."""
    return {"socket_timeout": seconds, "socket_connect_timeout": seconds, "socket_keepalive": True}


app = Celery("portico")
app.conf.update(
    broker_url=broker_url(settings.REDIS_URL),
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options=transport_options(PUBLISH_SECONDS),
    task_publish_retry=False,
    task_ignore_result=True,
    task_store_errors_even_if_ignored=False,
    task_acks_late=False,
    task_default_queue="default",
    task_serializer="json",
    accept_content=["json"],
    result_backend=None,
    worker_prefetch_multiplier=1,
    worker_send_task_events=False,
    worker_enable_remote_control=False,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    enable_utc=True,
    timezone="UTC",
)
app.autodiscover_tasks(["orchestrator"], related_name="messages")


def _keep_our_logging(**_facts: object) -> None:
    """Celery sets up logging of its own unless somebody listens here."""


def _child_began(**_facts: object) -> None:
    """Bind a worker's child process to its main process, and let the room start its threads."""
    die_with_parent(signal.SIGKILL, os.getppid())
    connections.close_all()
    app.conf.broker_transport_options = transport_options(PUBLISH_SECONDS)
    _tell_worker("child_started")


def _child_ends(**_facts: object) -> None:
    """Let a child process hand back what its own threads still run; Celery knows of its messages alone."""
    _tell_worker("child_stopping")


def _worker_stops(**_facts: object) -> None:
    """Tell the children, which Celery does not, to hand back what they hold."""
    _tell_worker("drain")


def _worker_is_ready(**_facts: object) -> None:
    log.info("ready")


def _tell_worker(what: str) -> None:
    """Call the room's function; by name, for this module is imported before the rows are."""
    getattr(importlib.import_module("orchestrator.worker"), what)()


setup_logging.connect(_keep_our_logging)
worker_process_init.connect(_child_began)
worker_process_shutdown.connect(_child_ends)
worker_ready.connect(_worker_is_ready)
worker_shutting_down.connect(_worker_stops)
