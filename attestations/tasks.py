"""The doorbell: after a commit, ask the broker's workers to look at the rows now instead of at the next sweep.

A bell that is lost changes when work is done, never whether, so nothing here is worth failing a request for.
"""

from __future__ import annotations

from celery import current_app
from django.conf import settings
from django.db import transaction

SWEEP_TASK = "portal.tasks.sweep"
# A request must not wait for a broker that is down; the library would try for seconds.
ONE_SHORT_TRY = {"max_retries": 0, "socket_connect_timeout": 0.5, "socket_timeout": 0.5}


def ring_after_commit() -> None:
    """Ring once the surrounding transaction is committed; do nothing where there is no broker."""
    if settings.BROKER_URL:
        transaction.on_commit(_ring, robust=True)


def _ring() -> None:
    with current_app.connection_for_write(transport_options=ONE_SHORT_TRY) as connection:
        current_app.send_task(SWEEP_TASK, connection=connection, ignore_result=True, retry=False, expires=5)
