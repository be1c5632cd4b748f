"""`manage.py change_owner IDENTITY OWNER --reason TEXT`: give a program another person to answer for it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from identities.lifecycle.change_owner import change_owner
from identities.models import Identity
from portal.management.console import IdentityCommand, find_identity, find_person


class Command(IdentityCommand):
    help = "Give a program another owner. An orphan answers for its signatures again."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("identity", help="id or name")
        parser.add_argument("owner", help="username of the person who answers for it from now on")
        parser.add_argument("--reason", required=True)

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        found, owner = find_identity(options["identity"]), find_person(options["owner"])
        changed = change_owner(identity=found, owner=owner, reason=options["reason"], by=by, now=timezone.now())
        self.stdout.write(f"{owner} answers for {changed}")
