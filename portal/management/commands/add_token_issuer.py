"""`manage.py add_token_issuer URL …`: take in a platform whose tokens prove jobs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from identities.models import Identity
from identities.workload.issuers import add_token_issuer
from portal.management.console import IdentityCommand, find_team
from proofs.tokens.compact import ALGORITHMS


class Command(IdentityCommand):
    help = "Take in a token issuer. Its keys are fetched from it now and every hour, or given with --jwks and never fetched."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("url", help="the issuer, as its tokens write it (iss), to the letter")
        parser.add_argument("--name", required=True, help="what people call the platform")
        parser.add_argument("--team", help="the team whose issuer it is; the whole portal's if left out")
        parser.add_argument("--jwks", type=Path, metavar="FILE", help="its public keys as a JWK set; they are never fetched then")
        parser.add_argument("--algorithm", action="append", choices=ALGORITHMS, help="the only one allowed; both if left out")
        parser.add_argument("--may-be-private", action="store_true", help="its keys may come from an address that is not public")

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        file: Path | None = options["jwks"]
        issuer = add_token_issuer(
            url=options["url"],
            name=options["name"],
            team=find_team(options["team"]) if options["team"] else None,
            keys_document=file.read_bytes() if file else None,
            algorithms=options["algorithm"] or ALGORITHMS,
            may_be_private=options["may_be_private"],
            by=by,
            now=timezone.now(),
        )
        self.stdout.write(f"tokens of {issuer.url} prove jobs that are bound; keys: {issuer.get_source_display().lower()}")
