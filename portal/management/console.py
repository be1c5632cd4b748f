"""What the commands about identities share: finding rows by the names people type, and saying refusals plainly.

A command is a door: it reads, calls one act and reports. Without --by the act is the operator's, who stands at the server.
"""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.db.models import Q

from identities.models import (
    ApiCredential,
    BlockedSigner,
    Environment,
    EvidenceSigner,
    Grant,
    Identity,
    Project,
    RoleAssignment,
    Team,
    TokenIssuer,
    WorkloadBinding,
)
from portal.prepared import count_missing_migrations, has_no_database_file
from proofs.errors import NotFound, Refusal
from proofs.moment import parse_moment


class DataCommand(BaseCommand):
    """A command that needs a portal's data, and says so in a sentence where there is none."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            missing = has_no_database_file() or count_missing_migrations()
        except DatabaseError as error:
            raise CommandError(f"The database does not answer: {error}") from error
        if missing:
            raise CommandError(
                f"There is no portal here yet, or not in this version (its folder would be {settings.VAR_DIR}). Run `manage.py prepare` "
                "first, or set the COUNTERSIGN_ variables that the portal is started with."
            )
        return super().execute(*args, **options)


class IdentityCommand(DataCommand):
    """A command that turns a refusal of its act into one line and exit code 1."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--by", metavar="USERNAME", help="the person who does this, with their own rights; the operator if left out")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.act(options, find_person(options["by"]) if options["by"] else None)
        except Refusal as refusal:
            raise CommandError(f"{refusal.code}: {refusal.reason}") from refusal
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}") from error

    def act(self, options: dict[str, Any], by: Identity | None) -> None:
        """Call the one act and report."""
        raise NotImplementedError


def moment(text: str) -> datetime:
    """Return the time a person typed; for `type=` of an argument. Only the one form in which verdicts write times is taken."""
    try:
        return parse_moment(text, code="command.time", what="a time")
    except Refusal as refusal:
        raise ArgumentTypeError(refusal.reason) from refusal


def find_evidence_signer(name: str) -> EvidenceSigner:
    """Return a registered signer by its key id, certificate name or row number. Refuses with `signer.unknown`."""
    rows = EvidenceSigner.objects.select_related("identity__team")
    fitting = Q(key_id=name) | Q(certificate_identity=name)
    found = list(rows.filter(fitting | Q(pk=int(name)) if name.isdecimal() else fitting)[:2])
    if len(found) != 1:
        raise NotFound(
            "signer.unknown", f"{'several signers are' if found else 'no signer is'} registered as {name}; its identity's page shows it"
        )
    return found[0]


def find_block(block_id: str) -> BlockedSigner:
    """Return a block, lifted or not. Refuses with `block.unknown`."""
    found = BlockedSigner.objects.filter(pk=block_id).select_related("team").first()
    if found is None:
        raise NotFound("block.unknown", f"there is no block {block_id}; the page of unknown signers shows it")
    return found


def find_person(username: str) -> Identity:
    """Return the person who signs in as `username`. Refuses with `person.unknown`."""
    found = Identity.objects.filter(user__username=username).select_related("team").first()
    if found is None:
        raise NotFound("person.unknown", f"nobody signs in as {username}")
    return found


def find_identity(name: str) -> Identity:
    """Return an identity by id, username or exact name. Refuses with `identity.unknown` or when a name is not clear."""
    for condition in ({"pk": name}, {"user__username": name}, {"name": name}):
        found = list(Identity.objects.filter(**condition).select_related("team", "owner")[:2])
        if len(found) == 1:
            return found[0]
        if found:
            raise NotFound("identity.unknown", f"{name!r} names several identities; use the id that their page shows")
    raise NotFound("identity.unknown", f"no identity has the id, username or name {name!r}")


def find_team(slug: str) -> Team:
    """Return a team. Refuses with `team.unknown`."""
    found = Team.objects.filter(slug=slug).first()
    if found is None:
        raise NotFound(
            "team.unknown", f"there is no team {slug}; known: {', '.join(Team.objects.values_list('slug', flat=True)) or 'none'}"
        )
    return found


def find_project(slug: str) -> Project:
    """Return a project. Refuses with `project.unknown`."""
    found = Project.objects.filter(slug=slug).select_related("team").first()
    if found is None:
        raise NotFound("project.unknown", f"there is no project {slug}")
    return found


def find_environment(slug: str) -> Environment:
    """Return an environment. Refuses with `environment.unknown`."""
    found = Environment.objects.filter(slug=slug).first()
    if found is None:
        raise NotFound("environment.unknown", f"there is no environment {slug}")
    return found


def find_grant(grant_id: str) -> Grant:
    """Return a grant. Refuses with `grant.unknown`."""
    found = Grant.objects.filter(pk=grant_id).first()
    if found is None:
        raise NotFound("grant.unknown", f"there is no grant {grant_id}; its identity's page shows it")
    return found


def find_held_role(identity: Identity, role: str, team: Team, project: Project | None) -> RoleAssignment:
    """Return the role a person holds now. Refuses with `role.not_held`."""
    held = RoleAssignment.objects.held().filter(identity=identity, role=role, team=team, project=project).first()
    if held is None:
        raise NotFound("role.not_held", f"{identity.name} does not hold {role} in {project or team}")
    return held


def find_credential(credential_id: str) -> ApiCredential:
    """Return a credential. Refuses with `credential.unknown`."""
    found = ApiCredential.objects.filter(pk=credential_id).first()
    if found is None:
        raise NotFound("credential.unknown", f"there is no credential {credential_id}")
    return found


def find_token_issuer(url: str) -> TokenIssuer:
    """Return a token issuer that was not removed. Refuses with `issuer.unknown`."""
    found = TokenIssuer.objects.filter(url=url, removed_at__isnull=True).select_related("team").first()
    if found is None:
        known = ", ".join(TokenIssuer.objects.filter(removed_at__isnull=True).values_list("url", flat=True))
        raise NotFound("issuer.unknown", f"{url} is no token issuer here; known: {known or 'none'}")
    return found


def find_workload_binding(binding_id: str) -> WorkloadBinding:
    """Return a binding. Refuses with `binding.unknown`."""
    found = WorkloadBinding.objects.filter(pk=binding_id).select_related("identity__team", "issuer").first()
    if found is None:
        raise NotFound("binding.unknown", f"there is no binding {binding_id}; its identity's page shows it")
    return found
