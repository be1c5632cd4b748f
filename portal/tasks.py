"""The one Celery task: a round of everything that is due. Safe to run twice, at the same time too."""

from __future__ import annotations

from celery import shared_task

from portal.heartbeat import beat_heart
from portal.schedule import work_one_round


@shared_task(name="portal.tasks.sweep", ignore_result=True)
def sweep() -> None:
    """Work until nothing is waiting."""
    while work_one_round():
        beat_heart("worker")
    beat_heart("worker")
