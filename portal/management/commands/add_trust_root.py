"""manage.py add_trust_root: store a Sigstore trusted_root.json that evidence may be verified against, at the first set-up.

Once there are two officers it refuses, and they decide: propose_trust_root and the page Trust.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from attestations.trust.fetch_root import PUBLIC_GOOD, embedded_trust_root
from attestations.trust.roots import add_trust_root
from portal.management.console import DataCommand
from proofs.errors import Refusal


class Command(DataCommand):
    help = "Store a trusted_root.json of a Sigstore instance. For the first set-up: two officers decide afterwards."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", type=Path, nargs="?", help="the trusted_root.json; the digest of exactly these bytes names the trust root"
        )
        parser.add_argument("--public-good", action="store_true", help="take Sigstore's public root as the installed sigstore carries it")
        parser.add_argument("--name", required=True, help="what people call the instance, for example: Sigstore public good")
        parser.add_argument("--profile", default="{}", help='thresholds as JSON, for example {"sct": 1}; the strict ones unless given')

    def handle(self, *, file: Path | None, public_good: bool, name: str, profile: str, **options: Any) -> None:
        if (file is None) is not public_good:
            raise CommandError("got both or neither of a file and --public-good, expected exactly one")
        try:
            document = embedded_trust_root() if file is None else file.read_bytes()
            mirror = PUBLIC_GOOD if public_good else ""
            row = add_trust_root(name=name, document=document, profile=json.loads(profile), by=None, now=timezone.now(), mirror=mirror)
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}") from error
        except json.JSONDecodeError as error:
            raise CommandError(f"--profile is not JSON: {error}") from error
        except Refusal as refusal:
            raise CommandError(f"{refusal.code}: {refusal.reason}") from refusal
        self.stdout.write(f"{row.name}: sha256:{row.digest}")
