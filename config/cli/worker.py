"""Start a worker: a Celery main process with child processes that do the work."""

import argparse
import warnings

from celery.platforms import SecurityWarning
from django.conf import settings

from config.celery import app, transport_options

CONSUME_SECONDS = 10.0  # the main process only listens; it must not take a quiet broker for a dead one


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `portico worker` understands."""
    parser.add_argument(
        "--queues", default=",".join(settings.WORKER_QUEUES), help="queues (worker groups), separated by commas"
    )
    parser.add_argument("--processes", type=int, default=settings.WORKER_CONCURRENCY, help="default $PORTICO_WORKERS")


def run(arguments: argparse.Namespace) -> int:
    """Work until stopped."""
    # it fears pickled messages from a broker others can write to; we accept JSON alone
    warnings.filterwarnings("ignore", category=SecurityWarning)
    app.conf.broker_transport_options = transport_options(CONSUME_SECONDS)
    app.worker_main(
        [
            "--quiet",
            "worker",
            "--pool=prefork",
            f"--concurrency={arguments.processes}",
            f"--queues={arguments.queues}",
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
            "--loglevel=WARNING",
        ],
    )
    return 0
