"""Start a worker: a Celery main process with child processes that do the work."""

import argparse

from django.conf import settings

from config.celery import app


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `portico worker` understands."""
    parser.add_argument("--queues", default=settings.WORKER_QUEUES, help="queues (worker groups), separated by commas")
    parser.add_argument("--processes", type=int, default=settings.WORKER_CONCURRENCY, help="default $PORTICO_WORKERS")


def run(arguments: argparse.Namespace) -> int:
    """Work until stopped."""
    app.worker_main(
        [
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
