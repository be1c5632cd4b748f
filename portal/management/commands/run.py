"""manage.py run: one process of the portal, in the place of this one; for containers and service managers."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal import processes


class Command(BaseCommand):
    help = "Become one process of the portal: web, worker, beat or checkpointd. `manage.py prepare` must have run before."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("process", choices=processes.NAMES)
        parser.add_argument("--host", default="127.0.0.1", help="web: address to listen on (default 127.0.0.1)")
        parser.add_argument("--workers", type=int, default=2, help="web: server processes (default 2)")

    def handle(self, *, process: str, host: str, workers: int, **options: Any) -> None:
        if process == "beat" and not settings.BROKER_URL:
            raise CommandError(
                "Beat rings a broker's bell and COUNTERSIGN_BROKER_URL is not set; the worker keeps its own time without it."
            )
        children = {
            "web": lambda: processes.web(host=host, port=settings.PORT, workers=workers),
            "worker": processes.worker,
            "beat": processes.beat,
            "checkpointd": processes.checkpointd,
        }
        command = children[process]().command
        os.chdir(settings.BASE_DIR)
        os.execv(command[0], command)
