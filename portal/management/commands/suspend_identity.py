"""`manage.py suspend_identity IDENTITY --reason TEXT`: stop a person or a program at once, until resumed."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from identities.lifecycle.change_status import suspend_identity
from identities.models import Identity
from portal.management.console import IdentityCommand, find_identity


class Command(IdentityCommand):
    help = "Suspend an identity. It can do nothing, and gates deny what it signed, until it is resumed."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("identity", help="id, username or name")
        parser.add_argument("--reason", required=True)

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        found = find_identity(options["identity"])
        changed = suspend_identity(identity=found, reason=options["reason"], by=by, now=timezone.now())
        self.stdout.write(f"{changed} is {changed.standing}")
