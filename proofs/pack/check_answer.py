"""Verify one recorded answer again from its signed material, without a pack around it: steps 3 and 5 to 9 of the argument.

Whatever the decision is. Not checked here: what the answer is about, and whether it still counts (`proofs.approval.verdict`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from proofs.approval.approval_parts import HumanApproval
from proofs.approval.human_approval import parse_human_approval
from proofs.approval.record import Record, TokenReference
from proofs.canonical import parse_canonical
from proofs.dsse import parse_envelope
from proofs.errors import Unproven
from proofs.leaf import build_dsse_leaf
from proofs.pack.check_record import check_mirror, open_envelope
from proofs.pack.check_sign_in import check_sign_in, check_sign_in_level, check_sign_in_named
from proofs.pack.check_signer import check_assertion, check_level, check_signer, weigh_signer
from proofs.pack.trust import Trust


@dataclass(frozen=True, slots=True)
class VerifiedAnswer:
    """A person's answer whose record, signature and signer verified."""

    approval: HumanApproval
    record: Record
    level: str


def verify_answer(envelope: bytes, leaf: bytes, *, files: Mapping[str, bytes], trust: Trust) -> VerifiedAnswer:
    """Return the answer in a record's canonical `envelope`, whose ledger entry is `leaf`.

    `files` holds what a pack would: the signer's enrolment and revocation, or the provider's token and keys. Refuses as the steps do.
    """
    # 3
    recorder, record = open_envelope(parse_envelope(envelope), trust)
    if build_dsse_leaf(parse_canonical(envelope), recorder.pem) != leaf:
        raise Unproven("log.leaf_mismatch", "the ledger entry of this answer is not the entry of its record")
    # 5
    approval = parse_human_approval(record.payload)
    # 6
    check_mirror(record, trust)
    # 7 to 9
    if isinstance(record.signature, TokenReference):
        check_sign_in_named(approval, record.signature)
        level = check_sign_in_level(record, check_sign_in(files, record, approval, record.signature, trust))
        return VerifiedAnswer(approval, record, level)
    signer = check_signer(files, record, approval, trust)
    verified = check_assertion(record, approval, signer, trust)
    return VerifiedAnswer(approval, record, check_level(record, verified, signer, weigh_signer(files, signer, trust)))
