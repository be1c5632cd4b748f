"""manage.py worker: background work without a broker."""

from __future__ import annotations

from typing import Any

import structlog
from django.conf import settings
from django.core.checks import Tags
from django.core.management.base import BaseCommand, CommandParser

from portal.schedule import work_one_round
from portal.stopping import stop_on_signals
from portal.worker import run_until


class Command(BaseCommand):
    help = "Verify evidence and refresh requests, round after round, until SIGTERM or Ctrl-C. Needs no broker."
    # Addresses and pages are the web server's: checking them means loading them, which takes longer than everything else here.
    requires_system_checks = (Tags.security, Tags.compatibility)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="work until nothing is waiting, then end")

    def handle(self, *, once: bool, **options: Any) -> None:
        if once:
            while work_one_round():
                pass
            return
        stop = stop_on_signals()
        log = structlog.get_logger("portal.worker")
        log.info("worker started")
        run_until(stop, process="worker", round_of_work=work_one_round, pause=settings.SWEEP_SECONDS)
        log.info("worker stopped")
