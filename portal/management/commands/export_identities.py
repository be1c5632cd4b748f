"""`manage.py export_identities FILE`: write every program with its signers and grants to a file, CSV or JSON by its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from identities.bulk.document import write_csv, write_json
from identities.bulk.export_programs import list_programs
from identities.models import Identity
from portal.management.console import IdentityCommand

WRITERS = {".csv": write_csv, ".json": write_json}


class Command(IdentityCommand):
    help = "Export the programs of the register; what was exported can be imported."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path)

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        file: Path = options["file"]
        write = WRITERS.get(file.suffix)
        if write is None:
            raise CommandError(f"got {file.name}, expected a name that ends in .csv or .json")
        programs = list(list_programs(Identity.objects.all(), now=timezone.now()))
        # As bytes, so that no platform changes the line ends that the form demands.
        file.write_bytes(write(programs).encode())
        self.stdout.write(f"{len(programs)} programs in {file}")
