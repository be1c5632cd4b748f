"""`manage.py sync_identity_providers`: make the identity providers set by file those that the file names."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.utils import timezone

from identities.sso.read_file import read_providers_file
from identities.sso.sync_providers import sync_providers
from portal.management.console import DataCommand
from proofs.errors import Refusal


class Command(DataCommand):
    help = "Read COUNTERSIGN_IDENTITY_PROVIDERS_FILE and bring its providers and group rules into the register. `prepare` does it at every start."

    def handle(self, *args: Any, **options: Any) -> None:
        path = settings.IDENTITY_PROVIDERS_FILE
        if path is None:
            raise CommandError("COUNTERSIGN_IDENTITY_PROVIDERS_FILE names no file; providers are set up on pages and by commands alone.")
        try:
            done = sync_providers(wanted=read_providers_file(path), now=timezone.now())
        except Refusal as refusal:
            raise CommandError(f"{path}: {refusal.code}: {refusal.reason}") from refusal
        for words, slugs in (
            ("added", done.added),
            ("changed", done.changed),
            ("removed", done.removed),
            ("new group rules of", done.rules),
        ):
            for slug in slugs:
                self.stdout.write(f"identity providers: {words} {slug}")
        for slug, why in done.waiting.items():
            self.stderr.write(f"identity providers: the group rules of {slug} wait: {why}")
