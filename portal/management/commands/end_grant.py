"""`manage.py end_grant GRANT --reason TEXT`: end a right of a non-human identity."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from identities.grants.grant_right import end_grant
from identities.models import Identity
from portal.management.console import IdentityCommand, find_grant


class Command(IdentityCommand):
    help = "End a right of a non-human identity from now on; what it signed under it before stays."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("grant", help="its id, grt_…")
        parser.add_argument("--reason", required=True)

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        ended = end_grant(grant=find_grant(options["grant"]), reason=options["reason"], by=by, now=timezone.now())
        self.stdout.write(f"{ended.pk} has ended: {ended.identity} no longer holds {ended}")
