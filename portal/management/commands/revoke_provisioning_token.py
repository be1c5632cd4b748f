"""`manage.py revoke_provisioning_token TOKEN`: end a secret that an identity provider provisions with."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from identities.models import Identity, ProvisioningToken
from identities.scim.revoke_provisioning_token import revoke_provisioning_token
from portal.management.console import IdentityCommand
from proofs.errors import NotFound


class Command(IdentityCommand):
    help = "Revoke a provisioning token at once. Whom the provider provisioned with it stays as they are."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("token", help="its id, pvt_…; never the secret")

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        token = ProvisioningToken.objects.filter(pk=options["token"]).first()
        if token is None:
            raise NotFound("provisioning_token.unknown", f"there is no provisioning token {options['token'][:60]}")
        row = revoke_provisioning_token(token=token, by=by, now=timezone.now())
        self.stdout.write(f"{row.pk} of {row.provider} is revoked")
