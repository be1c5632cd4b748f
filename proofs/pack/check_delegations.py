"""Step 22 of the argument, where somebody answered in another's stead: that person signed for it, before, with roles of their own.

Each delegation an approval names is in the pack: the portal's record of it, its place in the ledger, and the enrolment of the key that
signed it. That it was not taken back cannot be shown offline, no more than that an approval was not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proofs.approval.approval_parts import HumanApproval
from proofs.approval.enrollment import Enrollment
from proofs.approval.person_statement import PersonStatement
from proofs.canonical import canonical_bytes, parse_canonical
from proofs.checkpoint import verify_checkpoint
from proofs.digest import sha256_hex
from proofs.dsse import parse_envelope
from proofs.errors import Unproven
from proofs.leaf import build_dsse_leaf
from proofs.merkle import leaf_hash, verify_inclusion
from proofs.pack import layout
from proofs.pack.check_record import check_mirror, open_envelope
from proofs.pack.check_signer import is_cooling_off, open_enrollment
from proofs.pack.trust import Trust
from proofs.pack.verify_person_statement import verify_person_statement
from proofs.policy.document import Policy
from proofs.policy.standing_in import lent_roles
from proofs.tlog_proof import parse_inclusion_file


@dataclass(frozen=True, slots=True)
class LoggedApproval:
    """An approval, and which entry of the ledger its record is."""

    approval: HumanApproval
    index: int


@dataclass(frozen=True, slots=True)
class _Opened:
    """A verified delegation, which entry of the ledger its record is, and the enrolment of the key that signed it."""

    statement: PersonStatement
    index: int
    enrollment: Enrollment


def check_delegations(
    files: Mapping[str, bytes], approvals: Sequence[LoggedApproval], *, policy: Policy, policy_input: dict[str, Any], trust: Trust
) -> list[tuple[str, ...] | None]:
    """22. Return of each approval the roles that were delegated for it; None where the approver answers for themselves.

    Refuses with `delegation.missing`, `delegation.unlisted`, `delegation.late`, with `signer.cooling_off` where the delegator's key was too
    new to approve there itself, as `lent_roles` does, and as the record, the ledger and the signature of a delegation do.
    """
    named = {item.approval.standing_in_for.delegation for item in approvals if item.approval.standing_in_for}
    expected = {path for digest in named for path in layout.delegation_paths(digest)}
    packed = {path for path in files if path.startswith(layout.DELEGATIONS)}
    if packed - expected:
        raise Unproven("delegation.unlisted", f"the pack holds {min(packed - expected)}, which no approval in it names")
    if expected - packed:
        raise Unproven("delegation.missing", f"an approval names a delegation of which the pack does not hold {min(expected - packed)}")
    opened = {digest: _open(files, digest, trust) for digest in sorted(named)}
    return [_roles(item, opened, policy, policy_input) for item in approvals]


def _roles(item: LoggedApproval, opened: Mapping[str, _Opened], policy: Policy, policy_input: dict[str, Any]) -> tuple[str, ...] | None:
    named = item.approval.standing_in_for
    if named is None:
        return None
    delegation, approval = opened[named.delegation], item.approval
    if delegation.index >= item.index:
        raise Unproven(
            "delegation.late",
            f"the delegation is entry {delegation.index} of the ledger, the approval that rests on it entry {item.index}",
        )
    if is_cooling_off(delegation.enrollment, tier=approval.environment.tier, at=approval.validity.issued_at):
        raise Unproven(
            "signer.cooling_off",
            f"the key that signed the delegation is new and counts for {approval.environment.name} from "
            f"{delegation.enrollment.matures_at} on, the approval is of {approval.validity.issued_at}",
        )
    return lent_roles(delegation.statement, digest=named.delegation, approval=approval, policy=policy, policy_input=policy_input)


def _open(files: Mapping[str, bytes], digest: str, trust: Trust) -> _Opened:
    """Return the delegation when portal, ledger and passkey stand behind it as behind an approval."""
    record_path, proof_path, signer_path = layout.delegation_paths(digest)
    value = parse_canonical(files[record_path])
    recorder, record = open_envelope(parse_envelope(value), trust)
    if sha256_hex(record.payload) != digest or canonical_bytes(value) != files[record_path]:
        raise Unproven("delegation.mismatch", f"{record_path} is the record of another statement")
    check_mirror(record, trust)
    proof = parse_inclusion_file(files[proof_path])
    checkpoint = verify_checkpoint(proof.note, trust.log)
    leaf = leaf_hash(build_dsse_leaf(value, recorder.pem))
    verify_inclusion(leaf, proof.index, checkpoint.size, proof.path, checkpoint.root, code="log.inclusion")
    enrollment, enrollment_digest = open_enrollment(files[signer_path], trust)
    verified = verify_person_statement(
        payload=record.payload,
        assertion=record.assertion,
        enrollment=enrollment,
        enrollment_digest=enrollment_digest,
        rp_id=trust.rp_id,
        origins=trust.origins,
        checked_at=record.checked_at,
    )
    return _Opened(verified.statement, proof.index, enrollment)
