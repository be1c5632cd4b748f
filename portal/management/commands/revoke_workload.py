"""`manage.py revoke_workload BINDING`: end a binding at once."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from identities.models import Identity
from identities.workload.bind import revoke_workload
from portal.management.console import IdentityCommand, find_workload_binding


class Command(IdentityCommand):
    help = "Revoke a binding of tokens to an identity. Credentials that were had by it end at once."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("binding", help="wlb_…")

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        binding = revoke_workload(binding=find_workload_binding(options["binding"]), by=by, now=timezone.now())
        self.stdout.write(f"revoked {binding.pk}")
