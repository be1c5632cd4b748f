"""`manage.py rotate_signer SIGNER --public-key FILE --overlap DAYS --reason TEXT`: let a new key take over from an old one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from identities.lifecycle.rotate_signer import rotate_signer
from identities.models import EvidenceSigner, Identity
from portal.management.console import IdentityCommand, find_evidence_signer
from proofs.moment import rfc3339


class Command(IdentityCommand):
    help = "Register what takes over from a signer. Both count during the overlap, then only the new one; what the old one signed stays."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("signer", help="key id (SHA256:…) or certificate name that is replaced")
        new = parser.add_mutually_exclusive_group(required=True)
        new.add_argument("--public-key", type=Path, metavar="FILE", help="the new public key in PEM")
        new.add_argument("--certificate-identity", default="", metavar="NAME", help="the new certificate name, of the same issuer")
        parser.add_argument("--overlap", type=int, default=14, metavar="DAYS", help="how long the old one still counts, 0 to 90 (14)")
        parser.add_argument("--reason", required=True)

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        old = find_evidence_signer(options["signer"])
        file: Path | None = options["public_key"]
        new = rotate_signer(
            identity=old.identity,
            signer=old,
            public_key_pem=file.read_bytes() if file else None,
            certificate_identity=options["certificate_identity"],
            overlap_days=options["overlap"],
            reason=options["reason"],
            by=by,
            now=timezone.now(),
        )
        ends = EvidenceSigner.objects.get(pk=old.pk).valid_until
        assert ends is not None
        self.stdout.write(f"{new.identity} signs evidence as {new}; {old} counts until {rfc3339(ends)}")
