"""`manage.py replace_issuer_keys URL --jwks FILE`: give an issuer whose keys are given by hand other ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from identities.models import Identity
from identities.workload.issuers import replace_issuer_keys
from portal.management.console import IdentityCommand, find_token_issuer


class Command(IdentityCommand):
    help = "Replace the stored keys of a token issuer, as after its rotation."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("url", help="the issuer")
        parser.add_argument("--jwks", type=Path, required=True, metavar="FILE", help="all its public keys as a JWK set")

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        issuer = find_token_issuer(options["url"])
        issuer = replace_issuer_keys(issuer=issuer, keys_document=options["jwks"].read_bytes(), by=by, now=timezone.now())
        self.stdout.write(f"tokens of {issuer.url} are held against these keys from now on")
