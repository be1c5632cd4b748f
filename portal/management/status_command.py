"""What the commands that suspend, resume and retire an identity share: its name, a reason, and one act."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.core.management.base import CommandParser
from django.utils import timezone

from identities.models import Identity
from portal.management.console import IdentityCommand, find_identity


class StatusCommand(IdentityCommand):
    """A command whose `change` is the act that gives an identity another status."""

    change: ClassVar[Callable[..., Identity]]

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("identity", help="id, username or name")
        parser.add_argument("--reason", required=True)

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        found = find_identity(options["identity"])
        changed = type(self).change(identity=found, reason=options["reason"], by=by, now=timezone.now())
        self.stdout.write(f"{changed} is {changed.standing}")
