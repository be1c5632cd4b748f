"""`manage.py set_group_rules SLUG FILE`: say which roles the groups of a provider carry."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from identities.models import Identity
from identities.providers import find_provider
from identities.sso.group_roles import read_rules
from identities.sso.set_group_rules import set_group_rules
from portal.management.console import IdentityCommand
from proofs.errors import Malformed


class Command(IdentityCommand):
    help = "Write the next version of a provider's group rules, whole, from a TOML file of [[rule]] tables: group, team, role, perhaps project."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug")
        parser.add_argument("file", type=Path)

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        provider = find_provider(options["slug"])
        try:
            document = tomllib.loads(options["file"].read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise Malformed("sso.rules", f"got {options['file']}, which is no TOML: {error}") from error
        if set(document) - {"rule"}:
            raise Malformed("sso.rules", f"got {', '.join(sorted(document))}, expected only tables [[rule]]")
        made = set_group_rules(
            provider=provider, rules=document.get("rule", []), seen=read_rules(provider).version, by=by, now=timezone.now()
        )
        self.stdout.write(
            f"version {made.version} of the group rules of {provider} counts from each next sign-in on"
            if made
            else "these rules count already"
        )
