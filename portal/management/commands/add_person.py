"""`manage.py add_person USERNAME --name NAME`: register a person and their sign-in account."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from identities.models import Identity
from identities.register import register_person
from portal.management.console import IdentityCommand, find_team


class Command(IdentityCommand):
    help = "Register a person. They hold no role until one is granted. Without --password-file a password is made up and printed once."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("username")
        parser.add_argument("--name", required=True)
        parser.add_argument("--email", default="")
        parser.add_argument("--team", required=True, metavar="SLUG")
        parser.add_argument("--password-file", type=Path)

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        file: Path | None = options["password_file"]
        password = file.read_text("utf-8").strip() if file else secrets.token_urlsafe(18)
        person = register_person(
            name=options["name"],
            username=options["username"],
            email=options["email"],
            password=password,
            team=find_team(options["team"]),
            by=by,
            now=timezone.now(),
        )
        self.stdout.write(f"registered {person.name} as {person.pk}")
        if file is None:
            self.stdout.write(f"password, shown once: {password}")
