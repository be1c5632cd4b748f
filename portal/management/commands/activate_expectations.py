"""manage.py activate_expectations: a policy owner puts a project's expectations into force."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from approvals.policies.expectations import activate_expectations
from identities.models import Identity
from portal.management.console import IdentityCommand, find_project


class Command(IdentityCommand):
    help = "Put expectations (countersign-expectations/v1, as YAML) into force for a project, as its policy owner."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("project", help="the project's slug, which the document names as well")
        parser.add_argument("file", type=Path, help="the expectations")

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        if by is None:
            raise CommandError("--by is needed: a policy owner puts expectations into force, never the operator")
        project = find_project(options["project"])
        source = options["file"].read_text("utf-8")
        activation = activate_expectations(source=source, project=project, by=by, now=timezone.now())
        version = activation.expectations
        self.stdout.write(f"{project.slug} {version.version}: sha256:{version.digest}, log entry {activation.entry_id}")
