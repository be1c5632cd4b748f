"""`manage.py make_provisioning_token PROVIDER --days N`: give an identity provider the secret it provisions by SCIM with."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from identities.models import Identity
from identities.providers import find_provider
from identities.scim.make_provisioning_token import make_provisioning_token
from portal.management.console import IdentityCommand


class Command(IdentityCommand):
    help = "Make a provisioning token. The secret is printed once, alone on standard output; it cannot be shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("provider", help="short name of the identity provider")
        parser.add_argument("--days", type=int, default=180, help="how long it is valid (180)")

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        now = timezone.now()
        until = now + timedelta(days=options["days"])
        token, secret = make_provisioning_token(provider=find_provider(options["provider"]), expires_at=until, by=by, now=now)
        self.stderr.write(f"made {token.pk}, expires {token.expires_at:%Y-%m-%d}; the secret, shown once:")
        self.stdout.write(secret)
