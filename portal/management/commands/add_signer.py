"""`manage.py add_signer IDENTITY …`: register one way a non-human identity signs evidence."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from identities.models import Identity
from identities.register import register_signer
from portal.management.console import IdentityCommand, find_identity, moment


class Command(IdentityCommand):
    help = "Register a certificate identity, or a public key, that a non-human identity signs evidence with."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("identity", help="id or exact name")
        parser.add_argument("--certificate-issuer", default="", metavar="URL")
        parser.add_argument("--certificate-identity", default="", metavar="NAME", help="the certificate's subject alternative name")
        parser.add_argument("--any-ref", action="store_true", help="the name given is the part before its @: any branch or tag fits")
        parser.add_argument("--public-key", type=Path, metavar="FILE", help="a public key in PEM")
        parser.add_argument("--from", dest="valid_from", type=moment, metavar="TIME", help="since when it signs; since now if left out")
        parser.add_argument("--days", type=int, help="how long it is valid from now; without end if left out")

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        now = timezone.now()
        file: Path | None = options["public_key"]
        signer = register_signer(
            identity=find_identity(options["identity"]),
            certificate_issuer=options["certificate_issuer"],
            certificate_identity=options["certificate_identity"],
            any_ref=options["any_ref"],
            public_key_pem=file.read_bytes() if file else None,
            valid_from=options["valid_from"],
            valid_until=now + timedelta(days=options["days"]) if options["days"] else None,
            by=by,
            now=now,
        )
        self.stdout.write(f"{signer.identity.name} signs evidence as {signer}")
