"""`manage.py export_trust`: print what a verifier of this portal's packs has to pin."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from approvals.trust import current_trust
from portal.management.console import DataCommand
from proofs.digest import sha256_hex
from proofs.errors import Refusal
from proofs.pack.trust import build_trust


class Command(DataCommand):
    help = "Print the trust file that `countersign verify` pins; its digest goes to the error stream, to be read out by telephone."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            document = build_trust(current_trust())
        except Refusal as refusal:
            raise CommandError(f"{refusal.code}: {refusal.reason}") from refusal
        self.stdout.write(document.decode(), ending="")
        self.stderr.write(f"sha256:{sha256_hex(document)}")
