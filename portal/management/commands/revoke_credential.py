"""`manage.py revoke_credential CREDENTIAL`: end an API credential at once."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from identities.issue import revoke_credential
from identities.models import Identity
from portal.management.console import IdentityCommand, find_credential


class Command(IdentityCommand):
    help = "Revoke an API credential."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("credential", help="crd_…")

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        credential = revoke_credential(credential=find_credential(options["credential"]), by=by, now=timezone.now())
        self.stdout.write(f"revoked {credential.pk}")
