"""The assessment of one piece of evidence: verified, rejected or unsupported, with facts, findings and what was not checked.

Bad evidence is an answer here, never an exception. "Verified" means: authentic, and not contradicted by its own certificate.
Whether anybody should care, because signer, builder and source are the wanted ones, is for policy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from proofs.claims import FAIL, ClaimFinding, check_claims
from proofs.dsse import parse_envelope
from proofs.errors import Refusal
from proofs.evidence import COSIGN, MAX_BYTES, TrustMaterial, VerifiedEvidence, read_evidence, verify_read_evidence
from proofs.facts import extract_facts
from proofs.sigstore.cosign_layer import SIGNATURE_TYPE, claimed_statement, is_layer
from proofs.sigstore.pep740 import claimed_envelope, is_attestation
from proofs.sigstore.signed_file import parse_signed_file
from proofs.statement import MAX_CLAIMED, Statement, parse_statement

VERIFIED, REJECTED, UNSUPPORTED = "verified", "rejected", "unsupported"
VERDICT_SCHEMA = "countersign-verdict/v1"
# Raised whenever the same bytes under the same trust may come to another verdict; whatever was judged by another is judged anew.
VERIFIER_VERSION = "4"
# Those before it, and the kinds of facts that some of them did not read yet.
EARLIER_VERIFIERS = ("0.1.0", "2", "3")
FACTS_ADDED = ("predicate", "parameters", "coSigners")
# What they refused by these codes may be read today: fields that are null, base64 without its padding.
READ_SINCE = ("bundle.malformed", "dsse.malformed")
# Those whose verdicts do not say for which projects and environments the signer may attest this.
BEFORE_GRANTS = ("0.1.0", "2", "3")
# Those that rejected what a known delegator signed for another builder.
BEFORE_DELEGATION = ("0.1.0", "2")

_UNSUPPORTED_PREFIX = "evidence.unsupported_"
_NOTHING_AFTER = ("Everything after the step that failed.",)
_NEVER_CHECKED = "Whether the statement is true: a signature proves who said it, not that it is so."
_WITNESSES = "Whether the log shows everyone the same tree: no witness was asked."
_NEWEST_ROOT = "Whether the stored trust root is the newest one."
_UNTIMED_KEY = (
    "When the signature was made: a key's signature carries no trusted time, so the key was judged as of when the evidence came in here, or "
    "where it was registered later, as of this verdict."
)
_UNPUBLISHED = "Whether the statement was published: it is in no transparency log."
_UNKEPT_PROMISE = "Whether the log kept its promise: this old bundle carries the log's signed promise and no inclusion proof."
_COLLECTED = "What is inside the collection: it is said who collected it, and nothing in it counts as evidence by itself."
_COLLECTIONS = ("witness-collection", "chainloop")
_BARE_FILE = "How the file was made, from what and by whom: the signature is over the file alone, and states nothing about it."

_BARE_IMAGE = (
    "How the image was made, and what its signer says beside its digest: the signature is over the image, and states nothing about it."
)


@dataclass(frozen=True, slots=True)
class Assessment:
    """The answer about one piece of evidence. `facts` is None unless its signatures verified.

    `other_signatures` counts those of an envelope that count for nothing today, and may count once their key is registered. `copy_keys` are
    those of `VerifiedEvidence`, none without facts.
    """

    result: str
    code: str
    reason: str
    facts: dict[str, Any] | None
    findings: tuple[ClaimFinding, ...]
    claimed_subjects: tuple[str, ...]
    not_checked: tuple[str, ...]
    other_signatures: int = 0
    copy_keys: tuple[str, ...] = ()


def assess_evidence(
    unverified_bytes: bytes,
    *,
    trust: TrustMaterial,
    received_at: datetime,
    max_bytes: int | None = MAX_BYTES,
    as_before_4: bool = False,
) -> Assessment:
    """Return the assessment of evidence received at `received_at`; never raises for bad evidence.

    `max_bytes` is as in `proofs.evidence.read_evidence`, `as_before_4` as in `proofs.facts.extract_facts`.
    """
    value = None
    try:
        value = read_evidence(unverified_bytes, max_bytes=max_bytes)
        verified = verify_read_evidence(value, trust=trust, received_at=received_at)
        facts = extract_facts(verified, as_before_4=as_before_4)
    except Refusal as refusal:
        result = UNSUPPORTED if refusal.code.startswith(_UNSUPPORTED_PREFIX) else REJECTED
        return Assessment(result, refusal.code, refusal.reason, None, (), _subjects_claimed_by(value), _NOTHING_AFTER)
    findings = check_claims(facts)
    not_checked = _not_checked(verified, facts)
    subjects = tuple(dict.fromkeys(digest for subject in facts["subjects"] for digest in subject["digests"]))
    contradiction = next((finding for finding in findings if finding.outcome == FAIL), None)
    if contradiction is not None:
        code, said, copied = contradiction.code, contradiction.sentence, verified.copy_keys
        return Assessment(REJECTED, code, said, facts, findings, subjects, not_checked, copy_keys=copied)
    which = "The signature of each registered key" if verified.other_signatures else "Every signature"
    reason = f"{which} holds, and nothing in the statement contradicts its signer."
    left_alone, copied = verified.other_signatures, verified.copy_keys
    return Assessment(VERIFIED, "evidence.verified", reason, facts, findings, subjects, not_checked, left_alone, copied)


def build_verdict(
    assessment: Assessment,
    *,
    evidence_digest: str,
    identity: dict[str, Any] | None,
    trust_digests: dict[str, Any],
    verified_at: str,
    as_of: str,
    co_identities: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """Return the verdict document: the assessment, what it rested on, and the identity the caller resolved the signer to.

    `evidence_digest` is the SHA-256 (hex) of the exact bytes; `identity` has id, kind, name, issuer, subject, team (a slug or None) and grants
    (where it may attest this: {"project", "environment"}, each a slug or None for any), or is None. `co_identities`
    says the same of each co-signer: {"keyId", "identity"}; the document names them only where there are some. `as_of` is the time that was
    given to `assess_evidence` as that of receipt, never later than `verified_at`.
    """
    return {
        "schema": VERDICT_SCHEMA,
        "evidence": {"sha256": evidence_digest},
        "result": assessment.result,
        "code": assessment.code,
        "reason": assessment.reason,
        "facts": assessment.facts,
        "findings": [asdict(finding) for finding in assessment.findings],
        "identity": identity,
        **({"coIdentities": list(co_identities)} if co_identities else {}),
        "trust": trust_digests,
        "verifier": {"name": "countersign", "version": VERIFIER_VERSION},
        "notChecked": list(assessment.not_checked),
        "verifiedAt": verified_at,
        "asOf": as_of,
    }


def _not_checked(verified: VerifiedEvidence, facts: dict[str, Any]) -> tuple[str, ...]:
    bundle, statement = verified.bundle, verified.statement
    listed = [_NEVER_CHECKED]
    if bundle is None:
        listed += [_UNTIMED_KEY, _UNPUBLISHED]
        if verified.other_signatures:
            who = (
                "no other key registered for that time made them"
                if verified.all_tried
                else "not every registered key was held against them"
            )
            listed.append(f"{verified.other_signatures} further signatures of the envelope: {who}.")
    else:
        listed += [_WITNESSES if bundle.log_id is not None else _UNPUBLISHED, _NEWEST_ROOT]
        if bundle.log_id is not None and not bundle.has_inclusion_proof:
            listed.append(_UNKEPT_PROMISE)
        if bundle.strange_timestamps:
            listed.append(
                f"{bundle.strange_timestamps} RFC 3161 timestamps: the trust root does not know the authority, so they count for nothing."
            )
    if statement.is_bare_file:
        listed.append(_BARE_FILE)
    elif verified.format == COSIGN and statement.predicate_type == SIGNATURE_TYPE:
        listed.append(_BARE_IMAGE)
    elif facts.get("predicate", {}).get("kind") in _COLLECTIONS:
        listed.append(_COLLECTED)
    elif not facts["claims"]["understood"] and "predicate" not in facts:
        listed.append(f"What the predicate {statement.predicate_type or 'without a type'} says: this type is kept and not read.")
    return tuple(listed)


def claimed_subjects(unverified_bytes: bytes, *, max_bytes: int | None = MAX_BYTES) -> tuple[str, ...]:
    """Return the digests that refused evidence claims to be about, to file it under them; nothing about them is proven."""
    try:
        return _subjects_claimed_by(read_evidence(unverified_bytes, max_bytes=max_bytes))
    except Refusal:
        return ()


def may_be_about(unverified_bytes: bytes, digest: str, *, max_bytes: int | None = MAX_BYTES) -> bool:
    """Return whether evidence that nobody has judged yet may be about the digest: it claims so, or cannot be searched for what it claims.

    Nobody reads all of a large payload before it is known who signed it. What no signer could make good is about nothing.
    """
    try:
        value = read_evidence(unverified_bytes, max_bytes=max_bytes)
    except Refusal:
        return False
    try:
        subjects = _read_claimed(value)
    except Refusal as refusal:
        return not refusal.code.startswith(("statement.", _UNSUPPORTED_PREFIX))
    return not subjects or digest in subjects


def _subjects_claimed_by(value: Any) -> tuple[str, ...]:
    try:
        return _read_claimed(value)
    except Refusal:
        return ()


def _read_claimed(value: Any) -> tuple[str, ...]:
    if not isinstance(value, dict):
        return ()
    if is_layer(value):
        return _digests_of(claimed_statement(value))
    # What a verifier reads as an envelope is read as one here, whatever else stands in it.
    is_envelope = "payload" in value
    if not is_envelope and value.get("messageSignature") is not None and value.get("dsseEnvelope") is None:
        return (str(parse_signed_file(value["messageSignature"]).digest),)
    envelope = value if is_envelope else claimed_envelope(value) if is_attestation(value) else value.get("dsseEnvelope")
    if not isinstance(envelope, dict):
        return ()
    return _digests_of(parse_statement(parse_envelope(envelope).payload, max_members=MAX_CLAIMED))


def _digests_of(statement: Statement) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(digest) for subject in statement.subjects for digest in subject.digests))
