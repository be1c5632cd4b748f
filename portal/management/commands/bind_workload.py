"""`manage.py bind_workload IDENTITY --issuer URL --claim NAME=VALUE … --scope …`: say which tokens are which program."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from identities.models import ApiCredential, Identity
from identities.workload.bind import bind_workload
from portal.management.console import IdentityCommand, find_identity, find_token_issuer


def claim(text: str) -> tuple[str, str]:
    """Return name and value of `NAME=VALUE`; the value may hold more equals signs."""
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise ArgumentTypeError(f"got {text!r}, expected NAME=VALUE")
    return name, value


class Command(IdentityCommand):
    help = "Bind a non-human identity to the tokens of an issuer that carry exactly these claims."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("identity", help="id or exact name")
        parser.add_argument("--issuer", required=True, metavar="URL")
        parser.add_argument("--claim", type=claim, action="append", required=True, metavar="NAME=VALUE", help="must stand in the token")
        parser.add_argument("--scope", action="append", required=True, choices=ApiCredential.Scope.values)

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        binding = bind_workload(
            identity=find_identity(options["identity"]),
            issuer=find_token_issuer(options["issuer"]),
            claims=dict(options["claim"]),
            scopes=options["scope"],
            by=by,
            now=timezone.now(),
        )
        self.stdout.write(f"{binding.pk}: tokens of {binding.issuer.url} with these claims are {binding.identity.name}")
