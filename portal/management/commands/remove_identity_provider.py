"""`manage.py remove_identity_provider SLUG`: let an identity provider go."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.utils import timezone

from identities.models import Identity, IdentityProvider
from identities.providers import find_provider
from identities.sso.remove_provider import remove_provider
from portal.management.console import IdentityCommand


class Command(IdentityCommand):
    help = "Remove an identity provider: nobody comes in through it, and the roles its groups gave end."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug")

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        provider = find_provider(options["slug"])
        # Where there is no file any more, what came from it is the operator's to end here.
        source = IdentityProvider.Source.PAGE if settings.IDENTITY_PROVIDERS_FILE is not None or by is not None else provider.source
        done = remove_provider(provider=provider, by=by, now=timezone.now(), source=source)
        self.stdout.write(f"removed {provider}; roles ended: {done.roles}, sessions ended: {done.sessions}")
        for role in done.stays:
            self.stderr.write(f"{role} stays: {role.identity} is the last administrator of {role.team}")
