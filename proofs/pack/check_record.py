"""Steps 3, 4, 6, 10 and 11 of the argument: the portal's record, its place in the ledger, its copies, and the order of times.

Whose key signed the statement, and what the statement says, is looked at elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from proofs.approval.approval_parts import HumanApproval, SignInReference
from proofs.approval.record import Record, mirror_of, parse_record, signer_of
from proofs.canonical import parse_canonical
from proofs.checkpoint import Checkpoint, verify_checkpoint
from proofs.digest import sha256_hex
from proofs.dsse import IN_TOTO_PAYLOAD_TYPE, Envelope
from proofs.errors import Malformed, Unproven
from proofs.keys import PublicKey
from proofs.leaf import build_dsse_leaf
from proofs.merkle import leaf_hash, verify_consistency, verify_inclusion
from proofs.pack import layout
from proofs.pack.build import build_copies, recorder_of
from proofs.pack.record_bundle import RecordBundle, build_record_bundle, parse_record_bundle
from proofs.pack.trust import Trust, recorder_keys_at
from proofs.tlog_proof import build_inclusion_file, parse_head_file

# Binding rule of the statement: whoever leaves a signing page open must not find it still valid.
MAX_CEREMONY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class OpenedRecord:
    """A record whose signature by a trusted recorder key verified."""

    bundle: RecordBundle
    recorder: PublicKey
    record: Record
    digest: str


def open_record(files: Mapping[str, bytes], folder: str, trust: Trust) -> OpenedRecord:
    """3. Return the record when exactly one signature, by a recorder key valid at that time, covers it."""
    bundle = parse_record_bundle(files[folder + layout.RECORD_BUNDLE])
    recorder, record = open_envelope(bundle.envelope, trust)
    return OpenedRecord(bundle, recorder, record, sha256_hex(bundle.envelope.payload))


def open_envelope(envelope: Envelope, trust: Trust) -> tuple[PublicKey, Record]:
    """3. Return recorder key and record when exactly one signature, by a recorder key valid at that time, covers the envelope."""
    if len(envelope.signatures) != 1:
        raise Malformed("record.sig_count", f"got {len(envelope.signatures)} signatures on the record, expected exactly one")
    if envelope.payload_type != IN_TOTO_PAYLOAD_TYPE:
        raise Malformed("record.malformed", f"got payload type {envelope.payload_type[:60]!r}, expected {IN_TOTO_PAYLOAD_TYPE}")
    recorder = recorder_of(envelope.signatures[0].key_hint, trust)
    recorder.verify(envelope.signatures[0].signature, envelope.signed_bytes, code="record.signature", what="the record")
    record = parse_record(envelope.payload)
    if recorder.key_id not in {item.key.key_id for item in recorder_keys_at(trust, record.checked_at)}:
        raise Unproven("record.key_not_valid", f"the record says it was made at {record.checked_at}, when its key did not count")
    return recorder, record


def check_ledger(files: Mapping[str, bytes], folder: str, opened: OpenedRecord, trust: Trust) -> Checkpoint:
    """4. Return the signed tree head that holds exactly this record, leaf rebuilt from the record itself."""
    bundle = opened.bundle
    checkpoint = verify_checkpoint(bundle.proof.note, trust.log)
    leaf = build_dsse_leaf(bundle.envelope_json, opened.recorder.pem)
    if leaf != bundle.leaf:
        raise Unproven("log.leaf_mismatch", "the ledger entry in the pack is not the entry of this record")
    verify_inclusion(leaf_hash(leaf), bundle.proof.index, checkpoint.size, bundle.proof.path, checkpoint.root, code="log.inclusion")
    rebuilt = build_record_bundle(envelope=bundle.envelope_json, recorder=opened.recorder, log=trust.log, proof=bundle.proof)
    if files[folder + layout.RECORD_BUNDLE] != rebuilt or files[folder + layout.RECORD_PROOF] != build_inclusion_file(bundle.proof):
        raise Unproven("pack.inconsistent", f"{layout.RECORD_BUNDLE} and {layout.RECORD_PROOF} do not say the same about the ledger")
    return checkpoint


def check_mirror(record: Record, trust: Trust) -> None:
    """6. Return when everything the record copies from the statement is what the statement says, and the trusted portal made it."""
    if record.portal != trust.origin:
        raise Unproven("record.mismatch", f"the record says it was made by {record.portal[:100]!r}, expected {trust.origin!r}")
    statement = parse_canonical(record.payload)
    if record.subject != statement["subject"]:
        raise Unproven("record.subject_mismatch", "the record is about other artifacts than the statement inside it")
    for name, truth in mirror_of(statement).items():
        if record.mirrored.get(name) != truth:
            raise Unproven("record.mismatch", f"the record's {name} is not what the person signed")
    signer = signer_of(record.payload)
    if record.enrollment != ("" if isinstance(signer, SignInReference) else signer.enrollment):
        raise Unproven("record.mismatch", "the record names another enrolment than the person signed")


def check_copies(files: Mapping[str, bytes], folder: str, record: Record, key: PublicKey | None) -> None:
    """10. Return when the files that restate the statement in other formats restate exactly this one."""
    copies = build_copies(payload=record.payload, assertion=record.signature, key=key)
    for name in (layout.STATEMENT, layout.SIGNED_BYTES, layout.HUMAN_ENVELOPE, layout.HUMAN_SSHSIG, layout.HUMAN_SIGN_IN):
        if files.get(folder + name) != copies.get(name):
            raise Unproven("pack.inconsistent", f"{folder}{name} does not restate the statement and signature in the record")


def check_statement_times(approval: HumanApproval) -> None:
    """11. Return when everything the statement rests on came before it was issued, and the time to sign it was short."""
    issued_at, expires_at = approval.validity.issued_at, approval.ceremony.expires_at
    rests_on = [(f"the evidence {item.name} was verified", item.verified_at) for item in approval.evidence]
    rests_on += [(f"the role {role.name} was looked up", role.as_of) for role in approval.approver.roles]
    rests_on.append(("the person signed in", approval.approver.authenticated_at))
    for what, moment in rests_on:
        if moment > issued_at:
            raise Unproven("time.issued_too_early", f"the statement was issued at {issued_at}, but {what} at {moment}, after that")
    if not issued_at < expires_at <= issued_at + MAX_CEREMONY:
        raise Unproven(
            "time.ceremony_too_long", f"the signing page was open from {issued_at} to {expires_at}, expected {MAX_CEREMONY} at most"
        )


def check_times(files: Mapping[str, bytes], folder: str, opened: OpenedRecord, approval: HumanApproval, checkpoint: Checkpoint) -> None:
    """11. Return when the ledger grew from the head the person signed, and the times follow one another."""
    head, record = approval.ceremony.log_head, opened.record
    if head.origin != checkpoint.origin:
        raise Unproven("log.origin", f"the person signed a head of the ledger {head.origin[:80]!r}, expected {checkpoint.origin!r}")
    if head.size > opened.bundle.proof.index:
        raise Unproven(
            "time.log_head_order",
            f"the record is entry {opened.bundle.proof.index}, before the head of {head.size} entries that the person had already seen",
        )
    proof = parse_head_file(files[folder + layout.HEAD_PROOF])
    if proof.old_size != head.size or proof.note != opened.bundle.proof.note:
        raise Unproven("pack.inconsistent", f"{folder}{layout.HEAD_PROOF} is about other tree heads than the statement and the record")
    verify_consistency(head.size, checkpoint.size, head.root, checkpoint.root, proof.path, code="log.rollback_or_fork")
    check_statement_times(approval)
    if record.checked_at < approval.validity.issued_at:
        raise Unproven("time.checked_before_issued", f"the signature was checked at {record.checked_at}, before the statement was issued")
    if record.checked_at > approval.validity.not_after:
        raise Unproven("validity.logged_late", f"the signature was checked at {record.checked_at}, after the approval had run out")
    if record.checked_at > approval.ceremony.expires_at:
        raise Unproven("time.ceremony_expired", f"the signature was checked at {record.checked_at}, after the signing page had expired")
