"""Take a file of the register in: register what is new, add signers and grants, hand over, say a purpose anew. A dry run does the same and keeps nothing.

Everything goes through the acts that one program goes through, with the rights of whoever imports. Either all of the file is taken in or
nothing: one refusal, and the whole is rolled back. Nothing is taken away for not standing in the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from django.db import transaction

from identities.bulk.document import GrantRow, ProgramRow, SignerRow
from identities.grants.grant_right import grant_right
from identities.grants.held import in_force
from identities.lifecycle.change_owner import change_owner
from identities.lifecycle.change_purpose import change_purpose
from identities.models import Environment, EvidenceSigner, Grant, Identity, Project, Team
from identities.register import register_nonhuman, register_signer
from proofs.errors import Conflict, NotFound, Refusal
from proofs.keys import load_pem

Row = TypeVar("Row", Team, Project, Environment)
REASON = "Imported from a file"


@dataclass(frozen=True, slots=True)
class Line:
    """What comes of one program: what is done, in words, or the refusal. Neither is: nothing changes."""

    program: ProgramRow
    done: tuple[str, ...] = ()
    refusal: Refusal | None = None


@dataclass(slots=True)
class Outcome:
    """What comes of a file. `is_kept` is false for a dry run, and where any line was refused."""

    lines: list[Line] = field(default_factory=list)
    is_kept: bool = False

    @property
    def refused(self) -> list[Line]:
        return [line for line in self.lines if line.refusal is not None]

    @property
    def changed(self) -> list[Line]:
        return [line for line in self.lines if line.done]

    @property
    def unchanged(self) -> int:
        """How many programs stand in the register already as in the file."""
        return len(self.lines) - len(self.refused) - len(self.changed)


class _NothingKept(Exception):
    """Rolls back what was tried."""


def import_programs(*, programs: list[ProgramRow], is_dry_run: bool, by: Identity | None, now: datetime) -> Outcome:
    """Return what comes of taking the programs in. Does not refuse: each line says its own refusal, with the codes of the acts it calls, and
    `import.kind`, `import.name`, `import.team`, `person.unknown`, `team.unknown`, `project.unknown` or `environment.unknown`."""
    outcome = Outcome()
    try:
        with transaction.atomic():
            outcome.lines = [_take_in(program, by=by, now=now) for program in programs]
            if is_dry_run or outcome.refused:
                raise _NothingKept
    except _NothingKept:
        return outcome
    outcome.is_kept = True
    return outcome


def _take_in(program: ProgramRow, *, by: Identity | None, now: datetime) -> Line:
    try:
        with transaction.atomic():
            return Line(program, tuple(_changes(program, by=by, now=now)))
    except Refusal as refusal:
        return Line(program, refusal=refusal)


def _changes(program: ProgramRow, *, by: Identity | None, now: datetime) -> Iterator[str]:
    owner, team = _find_owner(program.owner), _find(Team, "team", program.team)
    known = Identity.objects.select_related("owner", "team").filter(issuer=program.issuer, subject=program.subject).first()
    if known is None:
        known = register_nonhuman(
            kind=program.kind,
            name=program.name,
            issuer=program.issuer,
            subject=program.subject,
            purpose=program.purpose,
            owner=owner,
            team=team,
            by=by,
            now=now,
        )
        yield f"registered, in the care of {owner}"
    else:
        yield from _differences(program, known, owner, team, by=by, now=now)
    for signer in program.signers:
        yield from _add_signer(signer, known, by=by, now=now)
    for grant in program.grants:
        yield from _add_grant(grant, known, by=by, now=now)


def _differences(program: ProgramRow, known: Identity, owner: Identity, team: Team, *, by: Identity | None, now: datetime) -> Iterator[str]:
    for code, got, has in (
        ("import.kind", program.kind, str(known.kind)),
        ("import.name", program.name, known.name),
        ("import.team", team.slug, known.team.slug if known.team else "none"),
    ):
        if got != has:
            raise Conflict(code, f"got {got!r}, but {program.subject} is registered with {has!r}, and that is not changed by an import")
    if known.status == Identity.Status.RETIRED:
        # It may stand in a file that was exported; nothing about it changes any more, so only a wish for a change is refused.
        return
    if owner.pk != known.owner_id:
        change_owner(identity=known, owner=owner, reason=REASON, by=by, now=now)
        yield f"handed over from {known.owner} to {owner}"
    if program.purpose and program.purpose != known.purpose:
        change_purpose(identity=known, purpose=program.purpose, reason=REASON, by=by, now=now)
        yield "its purpose is said anew"


def _add_signer(row: SignerRow, identity: Identity, *, by: Identity | None, now: datetime) -> Iterator[str]:
    mine = EvidenceSigner.objects.filter(identity=identity, revoked_at__isnull=True)
    if row.public_key:
        if mine.filter(key_id=load_pem(row.public_key.encode()).key_id).exists():
            return
    elif mine.filter(
        certificate_issuer=row.certificate_issuer, certificate_identity=row.certificate_identity, any_ref=row.any_ref, key_id=""
    ).exists():
        return
    signer = register_signer(
        identity=identity,
        certificate_issuer=row.certificate_issuer,
        certificate_identity=row.certificate_identity,
        any_ref=row.any_ref,
        public_key_pem=row.public_key.encode() if row.public_key else None,
        by=by,
        now=now,
    )
    yield f"signs evidence as {signer}"


def _add_grant(row: GrantRow, identity: Identity, *, by: Identity | None, now: datetime) -> Iterator[str]:
    project = _find(Project, "project", row.project) if row.project else None
    environment = _find(Environment, "environment", row.environment) if row.environment else None
    held = Grant.objects.filter(in_force(now), identity=identity, right=row.right, object=row.object, valid_until=row.valid_until)
    if held.filter(project=project, environment=environment).exists():
        return
    grant = grant_right(
        identity=identity,
        right=row.right,
        object=row.object,
        project=project,
        environment=environment,
        valid_until=row.valid_until,
        reason=row.reason or REASON,
        by=by,
        now=now,
    )
    yield f"may {str(grant)[0].lower()}{str(grant)[1:]}"


def _find_owner(name: str) -> Identity:
    for found in (Identity.objects.filter(user__username=name), Identity.objects.filter(pk=name)):
        owner = found.select_related("team").first()
        if owner is not None:
            return owner
    raise NotFound("person.unknown", f"got the owner {name[:60]!r}, expected the username or id of a person who is registered")


def _find(model: type[Row], what: str, slug: str) -> Row:
    found: Row | None = model._default_manager.filter(slug=slug).first()
    if found is None:
        raise NotFound(f"{what}.unknown", f"there is no {what} {slug[:60]}")
    return found
