"""`manage.py rotate_credential CREDENTIAL`: give a program a new API credential in place of one it has."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from identities.lifecycle.rotate_credential import rotate_credential
from identities.models import Identity
from portal.management.console import IdentityCommand, find_credential


class Command(IdentityCommand):
    help = "Issue a credential with the scopes of an old one, and revoke the old one. The token is printed once, alone on standard output."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("credential", help="the one that is replaced, crd_…")
        parser.add_argument("--days", type=int, default=90, help="how long the new one is valid (90)")
        parser.add_argument("--keep-old", action="store_true", help="the old one counts until it expires or you revoke it")

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        now, old = timezone.now(), find_credential(options["credential"])
        new, token = rotate_credential(
            credential=old, expires_at=now + timedelta(days=options["days"]), keep_old=options["keep_old"], by=by, now=now
        )
        kept = f"counts until {old.expires_at:%Y-%m-%d} unless you revoke it: manage.py revoke_credential {old.pk}"
        self.stderr.write(f"{old.pk} {kept if options['keep_old'] else 'is revoked'}")
        self.stderr.write(f"issued {new.pk}, expires {new.expires_at:%Y-%m-%d}; the token, shown once:")
        self.stdout.write(token)
