"""`manage.py remove_token_issuer URL`: believe an issuer's tokens no longer."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from identities.models import Identity
from identities.workload.issuers import remove_token_issuer
from portal.management.console import IdentityCommand, find_token_issuer


class Command(IdentityCommand):
    help = "Remove a token issuer. Credentials that were had for its tokens end at once."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("url", help="the issuer")

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        issuer = remove_token_issuer(issuer=find_token_issuer(options["url"]), by=by, now=timezone.now())
        self.stdout.write(f"removed {issuer.url}")
