"""Take a signer that was seen and that nobody registered into the register, in one step: who it is, how it signs, what it may attest.

All of it or nothing. Each part is an act of its own and writes its own ledger entry.
Not checked here: that the signer was ever seen; the page that offers this looks it up in verified evidence.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from identities.grants.grant_right import grant_right
from identities.lifecycle.change_status import reason_of
from identities.models import EvidenceSigner, Grant, Identity, Project, Team
from identities.register import register_nonhuman, register_signer
from proofs.errors import Conflict, Malformed
from proofs.keys import load_pem
from proofs.workflow import split_workflow


@dataclass(frozen=True, slots=True)
class SeenSigner:
    """A way of signing as verified evidence shows it: a certificate's issuer and whole name, or, without an issuer, a key's id."""

    issuer: str
    name: str

    @property
    def is_key(self) -> bool:
        return not self.issuer

    @property
    def workflow(self) -> str:
        """The part of a workflow's name before its ref; empty where the name does not come apart."""
        return "" if self.is_key else split_workflow(self.name)[0] or ""


@dataclass(frozen=True, slots=True)
class NewProgram:
    """Who the signer is said to be. `issuer` and `subject` name it in signed statements."""

    kind: str
    name: str
    issuer: str
    subject: str
    owner: Identity
    team: Team
    purpose: str = ""


@transaction.atomic
def adopt_signer(
    *,
    seen: SeenSigner,
    program: NewProgram,
    any_ref: bool,
    public_key_pem: bytes | None,
    predicate_types: Collection[str],
    project: Project | None,
    reason: str,
    by: Identity | None,
    now: datetime,
    valid_from: datetime | None = None,
) -> Identity:
    """Register the program, this way of signing (on `any_ref` of its workflow, or exactly this name), and a grant for each predicate type.

    `valid_from` is as in `register_signer`.
    Refuses as `register_nonhuman`, `register_signer` and `grant_right` do; with `signer.key_differs` when the public key is not the one that
    was seen, and with `signer.adopted` where its workflow is registered on any ref already. What it signed before is looked at again.
    """
    said = reason_of(reason)
    if any_ref and not seen.workflow:
        raise Malformed("signer.incomplete", f"got {seen.name!r} for any ref, expected the name of a workflow at a ref")
    if seen.is_key != (public_key_pem is not None):
        raise Malformed("signer.incomplete", "expected the public key of a key, and none for a certificate's name")
    if public_key_pem is not None and load_pem(public_key_pem).key_id != seen.name:
        raise Malformed("signer.key_differs", f"got the public key {load_pem(public_key_pem).key_id}, expected {seen.name}")
    _refuse_covered(seen)
    identity = register_nonhuman(
        kind=program.kind,
        name=program.name,
        issuer=program.issuer,
        subject=program.subject,
        owner=program.owner,
        team=program.team,
        purpose=program.purpose,
        by=by,
        now=now,
    )
    register_signer(
        identity=identity,
        certificate_issuer=seen.issuer,
        certificate_identity="" if seen.is_key else seen.workflow if any_ref else seen.name,
        any_ref=any_ref,
        public_key_pem=public_key_pem,
        valid_from=valid_from,
        by=by,
        now=now,
    )
    for predicate_type in sorted(set(predicate_types)):
        grant_right(identity=identity, right=Grant.Right.ATTEST, object=predicate_type, project=project, reason=said, by=by, now=now)
    return identity


def _refuse_covered(seen: SeenSigner) -> None:
    """An identity that covers the whole workflow answers for this name already; it is no stranger."""
    covering = EvidenceSigner.objects.filter(
        any_ref=True, certificate_issuer=seen.issuer, certificate_identity=seen.workflow, revoked_at__isnull=True
    )
    other = covering.select_related("identity").first() if seen.workflow else None
    if other is not None:
        raise Conflict("signer.adopted", f"{seen.name} is registered already: {other.identity} signs as {other} on any ref")
