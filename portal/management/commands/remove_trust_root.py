"""`manage.py remove_trust_root DIGEST --reason TEXT`: stop trusting a stored trust root, while there are no two officers to do it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from attestations.trust.roots import remove_trust_root_alone
from portal.management.console import DataCommand
from proofs.errors import Refusal


class Command(DataCommand):
    help = "Stop trusting a trust root. What rests on it opens no gate from now on, and is verified again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("digest", help="the trust root's digest, as add_trust_root printed it")
        parser.add_argument("--reason", required=True)

    def handle(self, *, digest: str, reason: str, **options: Any) -> None:
        try:
            row = remove_trust_root_alone(digest=digest, reason=reason, by=None, now=timezone.now())
        except Refusal as refusal:
            raise CommandError(f"{refusal.code}: {refusal.reason}") from refusal
        self.stdout.write(f"{row.name}: no longer trusted; workers verify again what rested on it")
