"""`manage.py grant_right IDENTITY RIGHT OBJECT --reason TEXT`: say what a non-human identity may attest, use or read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from identities.grants.grant_right import grant_right
from identities.models import Grant, Identity
from portal.management.console import IdentityCommand, find_environment, find_identity, find_project


class Command(IdentityCommand):
    help = "Grant a non-human identity the right to attest a predicate type, to use a tool, or to read a secret."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("identity", help="id or exact name")
        parser.add_argument("right", choices=Grant.Right.values)
        parser.add_argument("object", help="the predicate type, the tool or the secret's path, to the letter; * for any")
        parser.add_argument("--reason", required=True)
        parser.add_argument("--project", metavar="SLUG", help="for this project only")
        parser.add_argument("--environment", metavar="SLUG", help="for this environment only")
        parser.add_argument("--days", type=int, help="how long it holds from now; until it is ended if left out")

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        now = timezone.now()
        grant = grant_right(
            identity=find_identity(options["identity"]),
            right=options["right"],
            object=options["object"],
            project=find_project(options["project"]) if options["project"] else None,
            environment=find_environment(options["environment"]) if options["environment"] else None,
            valid_until=now + timedelta(days=options["days"]) if options["days"] is not None else None,
            reason=options["reason"],
            by=by,
            now=now,
        )
        self.stdout.write(f"{grant.pk}: {grant.identity} may {str(grant)[0].lower()}{str(grant)[1:]}")
