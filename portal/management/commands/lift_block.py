"""`manage.py lift_block BLOCK --reason TEXT`: what signs this way is unknown again, and may be registered."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from identities.models import Identity
from identities.signers.block_signer import lift_block
from portal.management.console import IdentityCommand, find_block


class Command(IdentityCommand):
    help = "Lift the block on a way of signing. What it signed is verified again; that it is registered is another step."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("block", help="id of the block; the page of unknown signers shows it")
        parser.add_argument("--reason", required=True)

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        block = lift_block(block=find_block(options["block"]), reason=options["reason"], by=by, now=timezone.now())
        self.stdout.write(f"{block} is blocked no more")
