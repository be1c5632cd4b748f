"""Adopt or block a key that nobody registered, by evidence that it signed and the public key that somebody brings.

The key is proved first: it must have made a signature of that very evidence. What it may attest, and for whom, is as for any other signer.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from attestations.unknown_keys import find_unknown_key, prove_given_key
from identities.grants.grant_right import ANYTHING
from identities.models import BlockedSigner, Identity, Project, Team
from identities.permissions import demand
from identities.signers.adopt_signer import NewProgram, SeenSigner, adopt_signer
from identities.signers.block_signer import block_signer
from proofs.errors import NotAllowed


@transaction.atomic
def adopt_key(
    *,
    attestation_id: str,
    public_key_pem: bytes,
    program: NewProgram,
    predicate_types: Collection[str],
    project: Project | None,
    reason: str,
    by: Identity | None,
    now: datetime,
) -> Identity:
    """Register the program, this key and a grant for each predicate type, once the key is proved; the evidence is verified again by itself.

    Where a log or a timestamp proves when it was signed, the key counts from that moment, so that this evidence counts. Refuses as
    `find_unknown_key` (`signer.settled`), `prove_given_key` (`signer.other_key`) and `adopt_signer` do, and with `signer.not_stated` for a
    predicate type that the evidence does not name. `by` is None at the console.
    """
    if by is not None:
        demand(by, "identities.steward", team=program.team)
    seen = find_unknown_key(attestation_id)
    proven = prove_given_key(attestation=seen.attestation, public_key_pem=public_key_pem, now=now)
    beyond = sorted(set(predicate_types) - {proven.predicate_type or ANYTHING})
    if beyond:
        raise NotAllowed("signer.not_stated", f"got {beyond[0][:80]!r}, expected what this key is proved to have stated")
    return adopt_signer(
        seen=SeenSigner("", proven.key_id),
        program=program,
        any_ref=False,
        public_key_pem=public_key_pem,
        valid_from=proven.signed_since,
        predicate_types=predicate_types,
        project=project,
        reason=reason,
        by=by,
        now=now,
    )


@transaction.atomic
def block_key(*, attestation_id: str, public_key_pem: bytes, team: Team, reason: str, by: Identity | None, now: datetime) -> BlockedSigner:
    """Block the key that signed this evidence, once it is proved. Refuses as `adopt_key` and `block_signer` do."""
    if by is not None:
        demand(by, "identities.steward", team=team)
    seen = find_unknown_key(attestation_id)
    proven = prove_given_key(attestation=seen.attestation, public_key_pem=public_key_pem, now=now)
    return block_signer(issuer="", name=proven.key_id, team=team, reason=reason, by=by, now=now)
