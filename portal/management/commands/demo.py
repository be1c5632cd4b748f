"""manage.py demo: a portal with sample data, in a folder of its own, on this machine only."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from approvals.trust import current_trust
from identities.models import Identity
from portal.management.commands import up
from proofs.pack.trust import build_trust

MARKER = "this-is-a-demo"
# There while sample data is being made: the rows are one transaction, and the log's signed heads stand outside of it.
HALF_MADE = "sample-data-half-made"
MARKER_TEXT = "Sample data of `manage.py demo`. `manage.py demo --fresh` deletes this folder.\n"


class Command(BaseCommand):
    help = "Make sample data and run a whole portal on it: SQLite, no Redis, nothing outside the demo's own folder."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="localhost", help="address to listen on (default localhost)")
        parser.add_argument("--port", type=int, default=8000, help="port to listen on (default 8000)")
        parser.add_argument("--fresh", action="store_true", help="delete the demo's data first")
        parser.add_argument("--small", action="store_true", help="make four people and two releases instead of a whole history")

    def handle(self, *, host: str, port: int, fresh: bool, small: bool, **options: Any) -> None:
        from portal.demo.progress import Progress
        from portal.demo.sample import make_sample_data

        up.refuse_taken_port(host, port)
        folder = Path(settings.VAR_DIR)
        with up.alone_in_folder():
            half_made = (folder / HALF_MADE).exists()
            if half_made and not fresh:
                print("The sample data was only half made when the demo was stopped; it is made anew.", flush=True)
            if fresh or half_made:
                delete_demo_data(folder)
            claim_folder(folder)
            print("preparing the demo …", flush=True)
            call_command("prepare", verbosity=0)
            with whole_or_again(folder):
                lines = make_sample_data(now=timezone.now(), is_small=small, tell=Progress(sys.stdout).tell)
            for line in lines:
                print(line)
            trust = folder / "trust.json"
            trust.write_bytes(build_trust(current_trust()))
            print(f"What `countersign verify --trust` pins for this demo's packs: {trust}")
            up.run(host=host, port=port, workers=1)


@contextmanager
def whole_or_again(folder: Path) -> Iterator[None]:
    """Leave a mark in the folder until what is made within is whole; the next start finds it and begins anew."""
    if Identity.objects.exists():
        # Whole already, and perhaps somebody has worked on it since.
        yield
        return
    (folder / HALF_MADE).touch()
    yield
    (folder / HALF_MADE).unlink()


def claim_folder(folder: Path) -> None:
    """Mark the folder as the demo's. Refuses with CommandError if a real portal's data is there."""
    if (folder / "countersign.sqlite3").exists() and not (folder / MARKER).exists():
        raise CommandError(f"{folder} holds a portal that is not a demo; unset COUNTERSIGN_VAR_DIR or name another folder.")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARKER).write_text(MARKER_TEXT)


def delete_demo_data(folder: Path) -> None:
    """Delete a demo's folder. Refuses with CommandError if the folder was not made by the demo."""
    if not (folder / MARKER).exists() and [path.name for path in folder.iterdir()] not in ([], ["secret_key"]):
        raise CommandError(f"{folder} was not made by the demo; it is left alone. Delete it by hand if you mean it.")
    for path in folder.iterdir():
        # This process signs with the key already; without the marker, a deletion cut short would leave a folder nobody dares to use.
        if path.name in ("secret_key", MARKER, HALF_MADE):
            continue
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    (folder / HALF_MADE).unlink(missing_ok=True)
