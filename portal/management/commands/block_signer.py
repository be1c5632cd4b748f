"""`manage.py block_signer NAME --issuer URL --team SLUG --reason TEXT`: nothing that signs this way counts here any more."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from identities.models import Identity
from identities.signers.block_signer import block_signer
from portal.management.console import IdentityCommand, find_team


class Command(IdentityCommand):
    help = "Block a certificate's name or a key that nobody registered: what it signs fulfils no policy, until the block is lifted."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("name", help="the whole name in the certificate, or a key's id (SHA256:…)")
        parser.add_argument("--issuer", default="", metavar="URL", help="the issuer that stands in the certificate; left out for a key")
        parser.add_argument("--team", required=True, metavar="SLUG", help="the team that blocks it, and may lift it")
        parser.add_argument("--reason", required=True)

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        block = block_signer(
            issuer=options["issuer"],
            name=options["name"],
            team=find_team(options["team"]),
            reason=options["reason"],
            by=by,
            now=timezone.now(),
        )
        self.stdout.write(f"{block.pk}: {block} is blocked")
