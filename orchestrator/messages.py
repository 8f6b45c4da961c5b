"""The Celery functions: doorbells, a few lines each."""

from celery import shared_task

from orchestrator import worker
from orchestrator.dispatch import WORK_MESSAGE


@shared_task(name=WORK_MESSAGE, ignore_result=True)  # type: ignore[untyped-decorator]  # Celery has no types
def work(queue: str) -> None:
    """There is work in the database: take it."""
    worker.work(queue)
