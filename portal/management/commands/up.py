"""manage.py up: the whole portal in one terminal, on the data and settings it finds."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.hold_folder import FolderInUse, hold_folder
from portal.processes import background, web
from portal.supervisor import Supervisor, port_is_taken


class Command(BaseCommand):
    help = "Migrate, then run web server, worker and checkpoint signer (and Celery's beat where there is a broker) until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="localhost", help="address to listen on (default localhost)")
        parser.add_argument("--port", type=int, default=8000, help="port to listen on (default 8000)")
        parser.add_argument("--workers", type=int, default=1, help="processes of the web server (default 1)")

    def handle(self, *, host: str, port: int, workers: int, **options: Any) -> None:
        refuse_taken_port(host, port)
        with alone_in_folder():
            call_command("prepare", verbosity=options["verbosity"])
            run(host=host, port=port, workers=workers)


@contextlib.contextmanager
def alone_in_folder() -> Iterator[None]:
    """Hold the portal's folder. Refuses with CommandError while another `up` or `demo` runs in it."""
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(hold_folder(Path(settings.VAR_DIR)))
        except FolderInUse as error:
            raise CommandError(str(error)) from error
        yield


def refuse_taken_port(host: str, port: int) -> None:
    """Refuse with CommandError where nothing can listen."""
    if sentence := port_is_taken(host, port):
        raise CommandError(sentence)


def run(*, host: str, port: int, workers: int) -> None:
    """Run every process until told to stop; end with their exit code."""
    print(f"Countersign is at {settings.ORIGIN}  (Ctrl-C stops it)", flush=True)
    code = Supervisor([web(host=host, port=port, workers=workers), *background()]).run()
    if code:
        sys.exit(code)
