"""`manage.py change_review_interval IDENTITY DAYS --reason TEXT`: say how often a program is looked at again."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from identities.lifecycle.change_review_interval import change_review_interval
from identities.models import Identity
from portal.management.console import IdentityCommand, find_identity


class Command(IdentityCommand):
    help = "Change how often a program is recertified."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("identity", help="id or exact name")
        parser.add_argument("days", type=int, help="1 to 366")
        parser.add_argument("--reason", required=True)

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        found = find_identity(options["identity"])
        changed = change_review_interval(identity=found, days=options["days"], reason=options["reason"], by=by, now=timezone.now())
        self.stdout.write(f"{changed} is looked at every {options['days']} days, next on {changed.next_review_at:%Y-%m-%d}")
