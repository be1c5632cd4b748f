"""`manage.py forget_sign_ins --days N`: remove old sign-ins and audit events."""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from identities.models import Identity
from identities.sign_in.forget_sign_ins import forget_sign_ins
from portal.management.console import IdentityCommand


def whole_days(text: str) -> int:
    """Read a number of days. Refuses what is not one from 0 to 36500."""
    if not (text.isascii() and text.isdigit()) or len(text) > 5 or int(text) > 36500:
        raise ArgumentTypeError(f"got {text!r}, expected a whole number of days")
    return int(text)


class Command(IdentityCommand):
    help = "Remove sign-ins, sign-outs and audit events that are older than so many days. Run it daily, from cron or a systemd timer."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--days", type=whole_days, required=True, help="how many days are kept; 0 keeps nothing")
        parser.add_argument("--username", default="", help="only those of this account")

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        now = timezone.now()
        count = forget_sign_ins(before=now - timedelta(days=options["days"]), username=options["username"], by=by, now=now)
        self.stdout.write(f"removed {count}")
