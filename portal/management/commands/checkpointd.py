"""manage.py checkpointd: the process that signs the ledger's tree heads, and alone reads the log key."""

from __future__ import annotations

from typing import Any

import structlog
from django.core.checks import Tags
from django.core.management.base import BaseCommand, CommandParser
from django.db import close_old_connections
from django.utils import timezone

from ledger.publish import publish_checkpoint
from portal.stopping import stop_on_signals
from portal.worker import run_until
from proofs.errors import Refusal


class Command(BaseCommand):
    help = "Sign a checkpoint whenever the ledger has grown, until SIGTERM or Ctrl-C. Refuses to sign a tree that does not extend the last one."
    # Addresses and pages are the web server's: checking them means loading them, which takes longer than everything else here.
    requires_system_checks = (Tags.security, Tags.compatibility)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="sign once if there is something to sign, then end")
        parser.add_argument("--every", type=float, default=1.0, help="seconds between looks (default 1)")

    def handle(self, *, once: bool, every: float, **options: Any) -> None:
        self.log = structlog.get_logger("portal.checkpointd")
        self.last_refusal = ""
        if once:
            publish_checkpoint(now=timezone.now())
            return
        stop = stop_on_signals()
        self.log.info("checkpointd started")
        run_until(stop, process="checkpointd", round_of_work=self.sign_once, pause=every)
        self.log.info("checkpointd stopped")

    def sign_once(self) -> int:
        """Look once. A refusal to sign is said once and repeated at every look until someone has mended its cause."""
        close_old_connections()
        try:
            publish_checkpoint(now=timezone.now())
        except Refusal as refusal:
            if refusal.code != self.last_refusal:
                self.log.error("not signed", code=refusal.code, reason=refusal.reason)
            self.last_refusal = refusal.code
        except Exception:  # A database that is away for a minute must not end the log.
            self.log.exception("checkpoint failed")
        else:
            self.last_refusal = ""
        close_old_connections()
        return 0
