"""manage.py prepare: bring tables, keys, the operator's identity providers and static files up to date, before the processes start."""

from __future__ import annotations

import io
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from ledger.keys import create_portal_keys
from portal.collected import is_collected, note_collected
from proofs.errors import Refusal


class Command(BaseCommand):
    help = "Migrate, make the portal's keys where they are missing, read the file of identity providers, and collect static files. Safe to run at every start."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--skip-static", action="store_true", help="the static files were collected before, as in the image")

    def handle(self, *, skip_static: bool, **options: Any) -> None:
        call_command("migrate", verbosity=0)
        call_command("check", databases=["default"], stdout=io.StringIO())
        try:
            made = create_portal_keys()
        except Refusal as refusal:
            raise CommandError(f"{refusal.code}: {refusal.reason}") from refusal
        for path in made:
            if options["verbosity"]:
                self.stdout.write(f"made {path}")
        if settings.IDENTITY_PROVIDERS_FILE is not None:
            call_command("sync_identity_providers", stdout=self.stdout, stderr=self.stderr)
        if not skip_static and not is_collected():
            call_command("collectstatic", interactive=False, verbosity=0)
            note_collected()
