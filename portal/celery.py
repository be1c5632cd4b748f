"""Celery, for portals with a broker: the same rounds as the worker loop, rung for by doors and by beat.

Rows are the queue. A message is only a bell: lost, doubled or late ones change how soon work is done, never whether or how often.
"""

from __future__ import annotations

import os
from threading import Event, Thread
from typing import Any

from celery import Celery
from celery.beat import Scheduler
from celery.signals import worker_process_init, worker_process_shutdown

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

from django.conf import settings

from portal.heartbeat import beat_heart
from portal.worker import run_until

app = Celery("countersign")
app.conf.update(
    broker_url=settings.BROKER_URL,
    broker_connection_retry_on_startup=True,
    # Rounds are short. A message that was read and not finished is given out again soon; the rows' leases make that harmless.
    broker_transport_options={"visibility_timeout": 60},
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    worker_hijack_root_logger=False,
    worker_soft_shutdown_timeout=10,
    timezone="UTC",
    beat_scheduler="portal.celery:HeartbeatScheduler",
    # A bell nobody answered in time is thrown away: the next one asks for the same.
    beat_schedule={
        "sweep": {"task": "portal.tasks.sweep", "schedule": settings.SWEEP_SECONDS, "options": {"expires": 5 * settings.SWEEP_SECONDS}}
    },
)
app.autodiscover_tasks()
_stop_sweeping = Event()


@worker_process_init.connect
def sweep_beside_tasks(**_: Any) -> None:
    """Have every worker process look for waiting work by itself too: bells stop when beat dies or a broken connection is not noticed."""
    from portal.schedule import work_one_round  # Needs the models, which Celery loads after this module.

    loop = {"process": "worker", "round_of_work": work_one_round, "pause": settings.SWEEP_SECONDS}
    Thread(target=run_until, args=(_stop_sweeping,), kwargs=loop, name="sweep", daemon=True).start()


@worker_process_shutdown.connect
def stop_sweeping(**_: Any) -> None:
    _stop_sweeping.set()


class HeartbeatScheduler(Scheduler):
    """Beat without a schedule file (there is nothing to remember), leaving a heartbeat for the probe."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        pause: float = super().tick(*args, **kwargs)  # type: ignore[no-untyped-call]
        beat_heart("beat")
        return min(pause, 1.0)
