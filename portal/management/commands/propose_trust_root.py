"""manage.py propose_trust_root: an officer proposes a trusted_root.json from the console. Another officer confirms it on the page Trust."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from attestations.trust.propose_change import propose_trust_root
from identities.models import Identity
from portal.management.console import IdentityCommand


class Command(IdentityCommand):
    help = "Propose, as an officer, that evidence be verified under a trusted_root.json. Another officer confirms it on the page Trust."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path, help="the trusted_root.json; the digest of exactly these bytes names the trust root")
        parser.add_argument("--name", required=True, help="what people call the instance")
        parser.add_argument("--reason", required=True, help="why, for the officer who confirms it")
        parser.add_argument("--profile", default="{}", help='thresholds as JSON, for example {"sct": 1}; the strict ones unless given')

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        if by is None:
            raise CommandError("--by is needed: an officer proposes, never the operator")
        try:
            profile = json.loads(options["profile"])
        except json.JSONDecodeError as error:
            raise CommandError(f"--profile is not JSON: {error}") from error
        proposal = propose_trust_root(
            name=options["name"],
            document=options["file"].read_bytes(),
            profile=profile,
            reason=options["reason"],
            by=by,
            now=timezone.now(),
        )
        self.stdout.write(
            f"{proposal.pk}: {proposal.name}, sha256:{proposal.root_digest}\n"
            f"Another officer confirms it on the page Trust until {proposal.lapses_at:%Y-%m-%d %H:%M} UTC."
        )
