"""`manage.py let_read_tables USERNAME`: let a person look at every table at /django-admin/, or end it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from identities.let_read_tables import end_reading_tables, let_read_tables
from identities.models import Identity
from portal.management.console import IdentityCommand, find_person


class Command(IdentityCommand):
    help = "Let a person look at the tables of all teams at /django-admin/. They can change nothing there. Only the operator may."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("username")
        parser.add_argument("--end", action="store_true", help="end it")

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        if by is not None:
            raise CommandError("only the operator opens the tables; leave --by out")
        person, now = find_person(options["username"]), timezone.now()
        account = end_reading_tables(identity=person, now=now) if options["end"] else let_read_tables(identity=person, now=now)
        self.stdout.write(
            f"{account.username} {'reads the tables at /django-admin/' if account.is_staff else 'reads the tables no longer'}"
        )
