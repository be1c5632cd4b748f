"""`manage.py grant_role USERNAME ROLE --team SLUG`: give a person a role."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from identities.models import Identity, RoleAssignment
from identities.people.roles import grant_role
from portal.management.console import IdentityCommand, find_person, find_project, find_team, moment


class Command(IdentityCommand):
    help = "Grant a role in a team, or in one project of it."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("username")
        parser.add_argument("role", choices=RoleAssignment.Role.values)
        parser.add_argument("--team", required=True, metavar="SLUG")
        parser.add_argument("--project", metavar="SLUG")
        parser.add_argument(
            "--until", type=moment, metavar="TIME", help="when it runs out, such as 2027-01-31T00:00:00Z; never if left out"
        )

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        assignment = grant_role(
            identity=find_person(options["username"]),
            role=options["role"],
            team=find_team(options["team"]),
            project=find_project(options["project"]) if options["project"] else None,
            valid_until=options["until"],
            by=by,
            now=timezone.now(),
        )
        self.stdout.write(str(assignment))
