"""`manage.py add_identity NAME --kind workflow …`: register a non-human identity and the person who answers for it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from identities.models import Identity
from identities.register import register_nonhuman
from portal.management.console import IdentityCommand, find_person, find_team


class Command(IdentityCommand):
    help = "Register a workflow, service, agent, key or bot. How it signs evidence is added with add_signer."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("name")
        parser.add_argument("--kind", required=True, choices=[kind for kind in Identity.Kind.values if kind != Identity.Kind.PERSON])
        parser.add_argument("--issuer", required=True, help="who names it, for example https://token.actions.githubusercontent.com")
        parser.add_argument("--subject", required=True, help="its name at the issuer")
        parser.add_argument("--owner", required=True, metavar="USERNAME", help="the person who answers for it")
        parser.add_argument("--team", required=True, metavar="SLUG")
        parser.add_argument("--purpose", default="")

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        identity = register_nonhuman(
            kind=options["kind"],
            name=options["name"],
            issuer=options["issuer"],
            subject=options["subject"],
            owner=find_person(options["owner"]),
            team=find_team(options["team"]),
            purpose=options["purpose"],
            by=by,
            now=timezone.now(),
        )
        self.stdout.write(f"registered {identity.name} as {identity.pk}")
