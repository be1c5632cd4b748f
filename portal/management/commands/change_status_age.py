"""`manage.py change_status_age ENVIRONMENT MINUTES`: say for how long a signed status is good there; 0 is what its tier allows."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from identities.models import Environment, Identity
from identities.places.change_status_age import change_status_age
from portal.management.console import IdentityCommand


class Command(IdentityCommand):
    help = "Change for how long a signed status of approvals is good in an environment."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("environment", help="its short name")
        parser.add_argument("minutes", type=int, help="1 to 1440; 0 for what its tier allows")

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        found = Environment.objects.filter(slug=options["environment"]).first()
        if found is None:
            raise CommandError(f"there is no environment {options['environment'][:64]!r}")
        changed = change_status_age(environment=found, minutes=options["minutes"] or None, by=by, now=timezone.now())
        said = f"{changed.max_status_age} minutes" if changed.max_status_age else "as long as its tier allows"
        self.stdout.write(f"a status for {changed} is good for {said}")
