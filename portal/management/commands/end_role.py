"""`manage.py end_role USERNAME ROLE --team SLUG`: take a role back."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from identities.models import Identity, RoleAssignment
from identities.people.roles import end_role
from portal.management.console import IdentityCommand, find_held_role, find_person, find_project, find_team


class Command(IdentityCommand):
    help = "End a role a person holds now. The last administrator of a team stays."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("username")
        parser.add_argument("role", choices=RoleAssignment.Role.values)
        parser.add_argument("--team", required=True, metavar="SLUG")
        parser.add_argument("--project", metavar="SLUG")

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        person, team = find_person(options["username"]), find_team(options["team"])
        project = find_project(options["project"]) if options["project"] else None
        ended = end_role(assignment=find_held_role(person, options["role"], team, project), by=by, now=timezone.now())
        self.stdout.write(f"ended: {ended}")
