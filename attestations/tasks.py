"""The doorbell: after a commit, ask the broker's workers to look at the rows now instead of at the next sweep.

A bell that is lost changes when work is done, never whether, so nothing here is worth failing a request for.
"""

from __future__ import annotations

from celery import current_app
from django.conf import settings
from django.db import transaction

SWEEP_TASK = "portal.tasks.sweep"


def ring_after_commit() -> None:
    """Ring once the surrounding transaction is committed; do nothing where there is no broker."""
    if settings.BROKER_URL:
        transaction.on_commit(_ring, robust=True)


def _ring() -> None:
    # One short try: a request must not wait for a broker that is down.
    current_app.send_task(SWEEP_TASK, ignore_result=True, retry=False, expires=5)
