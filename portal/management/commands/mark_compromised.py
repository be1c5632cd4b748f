"""`manage.py mark_compromised IDENTITY --since TIME --reason TEXT`: take back what a program did since; `--preview` only says what that is."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from identities.lifecycle.compromise import mark_compromised
from identities.models import Identity
from portal.management.console import IdentityCommand, find_identity, moment
from reports.compromise.preview import Affected, preview_compromise


class Command(IdentityCommand):
    help = "Mark a program as compromised from a time on: nothing it did since counts, and it can do nothing any more."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("identity", help="id or exact name")
        parser.add_argument("--since", required=True, type=moment, metavar="TIME")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--reason")
        what.add_argument("--preview", action="store_true", help="say what is affected, and change nothing")

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        found, since, now = find_identity(options["identity"]), options["since"], timezone.now()
        if options["preview"]:
            self._tell(preview_compromise(found, since=since, reader=by, now=now))
            return
        marked = mark_compromised(identity=found, since=since, reason=options["reason"], by=by, now=now)
        self.stdout.write(f"{marked} is compromised from {marked.compromised_from:%Y-%m-%dT%H:%M:%SZ} on")

    def _tell(self, affected: Affected) -> None:
        more = " (the newest only; there is more)" if affected.is_cut else ""
        lines = [
            f"evidence signed since     {len(affected.evidence)}{more}",
            f"evidence that stays       {affected.kept}",
            *(f"artifact                  {artifact}" for artifact in affected.artifacts),
            *(f"request                   {request.pk} {request.title}" for request in affected.requests),
            *(f"approval                  {approval.pk} by {approval.identity}" for approval in affected.approvals),
            *(f"environment               {environment.slug}" for environment in affected.environments),
            *(f"let through               {gone.artifact_digest} to {gone.environment_slug}" for gone in affected.promotions),
            f"observations since        {affected.observations}",
            f"credentials, bindings     {affected.credentials}, {affected.bindings}",
        ]
        if affected.hidden:
            lines.append(f"requests you cannot read  {affected.hidden}")
        self.stdout.write("\n".join(lines))
