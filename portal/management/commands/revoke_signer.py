"""`manage.py revoke_signer SIGNER --reason TEXT`: end one way an identity signs evidence, from now or from an earlier time on."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from identities.models import Identity
from identities.revoke_signer import revoke_signer
from portal.management.console import IdentityCommand, find_evidence_signer, moment
from proofs.moment import rfc3339


class Command(IdentityCommand):
    help = "Revoke a registered signer. What it signed and came in from that time on is verified again, and rejected."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("signer", help="key id (SHA256:…) or certificate name")
        parser.add_argument("--from", dest="revoked_from", type=moment, metavar="TIME", help="since when it cannot be relied on; since now")
        parser.add_argument("--reason", required=True)

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        now = timezone.now().replace(microsecond=0)
        signer = find_evidence_signer(options["signer"])
        row = revoke_signer(signer=signer, revoked_from=options["revoked_from"] or now, reason=options["reason"], by=by, now=now)
        self.stdout.write(f"{row} of {row.identity.name} is revoked from {rfc3339(row.revoked_at or now)} on")
