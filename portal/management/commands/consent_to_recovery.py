"""manage.py consent_to_recovery: the operator stands in for one of the two officers who agree to a recovery of approval keys.

Refused where two officers other than the person can be asked. It counts as one consent and is marked as the operator's.
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from identities.models import KeyRecovery
from identities.people.recovery.consent_to_recovery import consent_to_recovery
from portal.management.console import DataCommand
from proofs.errors import Refusal


class Command(DataCommand):
    help = "Agree, as the operator, to the recovery of somebody's approval keys, where there are fewer than two officers to ask."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("recovery", help="its id, as the person's page shows it: rec_…")

    def handle(self, *, recovery: str, **options: Any) -> None:
        row = KeyRecovery.objects.filter(pk=recovery).first()
        if row is None:
            raise CommandError(f"recovery.unknown: got {recovery[:40]!r}, expected the id of a recovery")
        try:
            standing = consent_to_recovery(recovery=row, by=None, now=timezone.now())
        except Refusal as refusal:
            raise CommandError(f"{refusal.code}: {refusal.reason}") from refusal
        follows = f"{standing.missing} more must agree" if standing.missing else f"{row.identity.name} can add a new key now"
        self.stdout.write(f"{row.pk}: agreed as the operator; {follows}")
