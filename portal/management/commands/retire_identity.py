"""`manage.py retire_identity IDENTITY --reason TEXT`: end a person's or a program's part here for ever."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from identities.lifecycle.change_status import retire_identity
from identities.models import Identity
from portal.management.console import IdentityCommand, find_identity


class Command(IdentityCommand):
    help = "Retire an identity for ever. What it signed before stays what it is; what is signed later never counts."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("identity", help="id, username or name")
        parser.add_argument("--reason", required=True)

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        found = find_identity(options["identity"])
        changed = retire_identity(identity=found, reason=options["reason"], by=by, now=timezone.now())
        self.stdout.write(f"{changed} is {changed.standing}")
