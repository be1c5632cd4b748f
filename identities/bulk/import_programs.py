"""Take a file of the register in: register what is new, add signers and grants, hand over, say a purpose anew. A dry run does the same and keeps nothing.

Everything goes through the acts that one program goes through, with the rights of whoever imports. Either all of the file is taken in or
nothing: one refusal, and the whole is rolled back. Nothing is taken away for not standing in the file, and nothing that was revoked comes back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from identities.bulk.document import GrantRow, ProgramRow, SignerRow
from identities.bulk.known import Known
from identities.grants.grant_right import grant_right
from identities.lifecycle.change_owner import change_owner
from identities.lifecycle.change_purpose import change_purpose
from identities.models import Environment, EvidenceSigner, Identity, Project, Team
from identities.register import register_nonhuman, register_signer
from ledger.rehearse import rehearsal
from proofs.errors import Conflict, Refusal
from proofs.keys import load_pem
from proofs.moment import rfc3339

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
    `import.malformed`, `import.kind`, `import.name`, `import.team`, `import.twice`, `import.revoked`, `import.signer_end`, `person.unknown`,
    `team.unknown`, `project.unknown` or `environment.unknown`.

    A dry run tries one program after the other and holds nothing up meanwhile, so two of the file that get into each other's way by the
    name of a workflow, on any ref and on one, are noticed only when it is taken in."""
    outcome = Outcome()
    if is_dry_run:
        known = Known(programs, now=now)
        outcome.lines = [_line(program, lambda each: _rehearse(each, known, by=by, now=now)) for program in programs]
        return outcome
    try:
        with transaction.atomic():
            known = Known(programs, now=now)
            outcome.lines = [_line(program, lambda each: _take_in(each, known, by=by, now=now)) for program in programs]
            if outcome.refused:
                raise _NothingKept
    except _NothingKept:
        return outcome
    outcome.is_kept = True
    return outcome


def _line(program: ProgramRow, take_in: Callable[[ProgramRow], tuple[str, ...]]) -> Line:
    if program.flaw is not None:
        return Line(program, refusal=program.flaw)
    try:
        return Line(program, take_in(program))
    except Refusal as refusal:
        return Line(program, refusal=refusal)


def _rehearse(program: ProgramRow, known: Known, *, by: Identity | None, now: datetime) -> tuple[str, ...]:
    with rehearsal():
        return tuple(_changes(program, known, by=by, now=now))


def _take_in(program: ProgramRow, known: Known, *, by: Identity | None, now: datetime) -> tuple[str, ...]:
    with transaction.atomic():
        return tuple(_changes(program, known, by=by, now=now))


def _changes(program: ProgramRow, known: Known, *, by: Identity | None, now: datetime) -> Iterator[str]:
    owner, team, identity = known.owner(program.owner), known.place(Team, "team", program.team), known.identity(program)
    if identity is None:
        identity = register_nonhuman(
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
        yield from _differences(program, identity, owner, team, by=by, now=now)
    for signer in program.signers:
        yield from _add_signer(signer, identity, program.where, known, by=by, now=now)
    for grant in program.grants:
        yield from _add_grant(grant, identity, known, by=by, now=now)


def _differences(
    program: ProgramRow, identity: Identity, owner: Identity, team: Team, *, by: Identity | None, now: datetime
) -> Iterator[str]:
    for code, got, has in (
        ("import.kind", program.kind, str(identity.kind)),
        ("import.name", program.name, identity.name.strip()),
        ("import.team", team.slug, identity.team.slug if identity.team else "none"),
    ):
        if got != has:
            raise Conflict(code, f"got {got!r}, but {program.subject} is registered with {has!r}, and that is not changed by an import")
    if identity.status == Identity.Status.RETIRED:
        # It may stand in a file that was exported; nothing about it changes any more, so only a wish for a change is refused.
        return
    if owner.pk != identity.owner_id:
        change_owner(identity=identity, owner=owner, reason=REASON, by=by, now=now)
        yield f"handed over from {identity.owner} to {owner}"
    if program.purpose and program.purpose != identity.purpose.strip():
        change_purpose(identity=identity, purpose=program.purpose, reason=REASON, by=by, now=now)
        yield "its purpose is said anew"


def _add_signer(row: SignerRow, identity: Identity, where: str, known: Known, *, by: Identity | None, now: datetime) -> Iterator[str]:
    key_id = load_pem(row.public_key.encode()).key_id if row.public_key else ""
    name = ("", key_id) if key_id else (row.certificate_issuer, row.certificate_identity)
    mine = [each for each in known.signers[identity.pk] if _name_of(each) == name]
    held = [each for each in mine if each.revoked_at is None]
    if held and (key_id or held[0].any_ref == row.any_ref):
        _refuse_other_end(row, held[0])
        return
    if mine and not held:
        words = f"{mine[0]} was revoked for {identity}, and no import brings it back; register it on its page if it may sign again"
        raise Conflict("import.revoked", words)
    first = known.claimed.setdefault(name, where)
    if first != where:
        raise Conflict("import.twice", f"got {name[1]} as a signer in {first} and in {where}; one signer is one identity")
    signer = register_signer(
        identity=identity,
        certificate_issuer=row.certificate_issuer,
        certificate_identity=row.certificate_identity,
        any_ref=row.any_ref,
        public_key_pem=row.public_key.encode() if row.public_key else None,
        valid_until=row.valid_until,
        by=by,
        now=now,
    )
    known.signers[identity.pk].append(signer)
    yield f"signs evidence as {signer}" + (f" until {rfc3339(row.valid_until)}" if row.valid_until else "")


def _name_of(signer: EvidenceSigner) -> tuple[str, str]:
    return ("", signer.key_id) if signer.key_id else (signer.certificate_issuer, signer.certificate_identity)


def _refuse_other_end(row: SignerRow, signer: EvidenceSigner) -> None:
    """A file that says no end says nothing about it."""
    if row.valid_until is not None and row.valid_until != _whole_second(signer.valid_until):
        has = f"until {rfc3339(signer.valid_until)}" if signer.valid_until else "without an end"
        words = (
            f"got {rfc3339(row.valid_until)}, but {signer} is registered {has}, and that is not changed by an import; rotate or revoke it"
        )
        raise Conflict("import.signer_end", words)


def _add_grant(row: GrantRow, identity: Identity, known: Known, *, by: Identity | None, now: datetime) -> Iterator[str]:
    project = known.place(Project, "project", row.project) if row.project else None
    environment = known.place(Environment, "environment", row.environment) if row.environment else None
    wanted = (row.right, row.object, project.pk if project else None, environment.pk if environment else None, row.valid_until)
    for held in known.grants[identity.pk]:
        if (held.right, held.object, held.project_id, held.environment_id, _whole_second(held.valid_until)) == wanted:
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
    known.grants[identity.pk].append(grant)
    yield f"may {str(grant)[0].lower()}{str(grant)[1:]}"


def _whole_second(at: datetime | None) -> datetime | None:
    return at.replace(microsecond=0) if at else None
