"""`manage.py import_identities FILE`: say what importing programs from a file would change; `--apply` does it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from identities.bulk.document import parse_programs
from identities.bulk.import_programs import import_programs
from identities.models import Identity
from portal.management.console import IdentityCommand


class Command(IdentityCommand):
    help = "Import programs, their signers and grants from a CSV or JSON file; without --apply, only say what would change."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path)
        parser.add_argument("--apply", action="store_true", help="take it in, all of it or nothing")

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        programs = parse_programs(options["file"].read_bytes())
        outcome = import_programs(programs=programs, is_dry_run=not options["apply"], by=by, now=timezone.now())
        for line in outcome.lines:
            if line.refusal is not None:
                self.stdout.write(f"refused    {line.program.name} ({line.program.where}): {line.refusal.code}: {line.refusal.reason}")
            for done in line.done:
                self.stdout.write(f"{'changed' if outcome.is_kept else 'would'}    {line.program.name}: {done}")
        total = f"{len(outcome.changed)} to change, {outcome.unchanged} unchanged, {len(outcome.refused)} refused"
        self.stdout.write(f"{total}; {'taken in' if outcome.is_kept else 'nothing was changed'}")
        if outcome.refused:
            raise CommandError("nothing is taken in while a program is refused")
