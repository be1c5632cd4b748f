"""`manage.py issue_credential IDENTITY --scope … --days N`: give a program a secret to call the API with."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from identities.issue import issue_credential
from identities.models import ApiCredential, Identity
from portal.management.console import IdentityCommand, find_identity


class Command(IdentityCommand):
    help = "Issue an API credential. The token is printed once, alone on standard output; it cannot be shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("identity", help="id or exact name")
        parser.add_argument("--scope", action="append", required=True, choices=ApiCredential.Scope.values)
        parser.add_argument("--days", type=int, default=90, help="how long it is valid (90)")

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        now = timezone.now()
        credential, token = issue_credential(
            identity=find_identity(options["identity"]),
            scopes=options["scope"],
            expires_at=now + timedelta(days=options["days"]),
            by=by,
            now=now,
        )
        self.stderr.write(f"issued {credential.pk}, expires {credential.expires_at:%Y-%m-%d}; the token, shown once:")
        self.stdout.write(token)
