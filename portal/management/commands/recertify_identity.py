"""`manage.py recertify_identity IDENTITY --note TEXT`: say that a program is still needed, and end the grants that are not."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from identities.models import Identity
from identities.review.recertify import recertify_identity
from portal.management.console import IdentityCommand, find_identity


class Command(IdentityCommand):
    help = "Say that you looked at a program's purpose and grants, and that it is still needed."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("identity", help="id or exact name")
        parser.add_argument("--note", required=True, help="what you found, or why it is still needed")
        parser.add_argument("--end-grant", action="append", default=[], metavar="GRANT", help="a grant that is not needed any more, grt_…")

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        found = find_identity(options["identity"])
        made = recertify_identity(identity=found, note=options["note"], end_grants=options["end_grant"], by=by, now=timezone.now())
        self.stdout.write(f"{made.identity} is recertified until {made.identity.next_review_at:%Y-%m-%d} with {len(made.grants)} grants:")
        for grant in made.grants:
            self.stdout.write(f"  {grant['id']}: {grant['words']}")
