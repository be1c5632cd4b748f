"""One row in, one line out: what we say of it, and whether that is right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from portal.vectors.evidence import (
    judge_any,
    judge_attestation,
    judge_build,
    judge_bundle,
    judge_envelope,
    judge_npm,
    judge_summary,
)
from portal.vectors.facts import differences
from portal.vectors.manifest import REJECTED, UNSUPPORTED, VERIFIED, Outcome, Row
from portal.vectors.reasons import REASONS
from portal.vectors.standards import (
    judge_assertion,
    judge_checkpoint,
    judge_document,
    judge_registration,
    judge_root_update,
    judge_suite,
)
from proofs.errors import Refusal

Judge = Callable[[Row, datetime], Outcome]

# What a row may tell a verifier, by what judges it. One that tells more asks something that nobody would look at. `artifact_name` is
# what the row calls the file in hand; signers call theirs as they like.
_SIGNER = ("identity", "issuer", "signer_workflow", "source_repository", "source_branch", "source_tag", "versioned_tag", "builder_id")
_LENIENCE = ("allow_no_transparency_log", "allow_no_sct")
_BUNDLE = frozenset([*_SIGNER, *_LENIENCE, "artifact_digest", "artifact_name", "artifact_file"])
_PEP740 = frozenset([*_SIGNER, *_LENIENCE, "artifact_digest", "artifact_name", "distribution", "publisher"])
_NPM = frozenset([*_SIGNER, *_LENIENCE, "artifact_digest", "artifact_name", "package_name", "package_version"])
_BUILD = frozenset(["artifact_digest", "artifact_name", "source_repository", "source_branch", "source_tag", "versioned_tag", "builder_id"])
_ENVELOPE = frozenset(["threshold", "artifact_digest", "artifact_name", "artifact_file"])
_SUMMARY = frozenset(["key_id", "subject_digest", "artifact_digest", "verifier_id", "resource_uri", "verified_levels"])
_REGISTRATION = frozenset(["ceremony", "rp_id", "origin", "challenge", "require_user_verification", "allow_cross_origin"])
_ASSERTION = _REGISTRATION | {"credential_public_key", "sign_count"}
_NOTHING: frozenset[str] = frozenset()

JUDGES: dict[str, tuple[Judge, frozenset[str]]] = {
    "sigstore-bundle": (judge_bundle, _BUNDLE),
    "dsse": (judge_envelope, _ENVELOPE),
    "dsse-inline-cert": (judge_envelope, _ENVELOPE),
    "vsa-dsse": (judge_summary, _SUMMARY),
    "in-toto-statement": (judge_any, _NOTHING),
    "pypi-attestation": (judge_attestation, _PEP740),
    "pypi-provenance": (judge_attestation, _PEP740),
    "npm-attestations": (judge_npm, _NPM),
    "gcb-provenance": (judge_build, _BUILD),
    "merkle-inclusion-suite": (judge_suite, _NOTHING),
    "merkle-consistency-suite": (judge_suite, _NOTHING),
    "tlog-checkpoint-suite": (judge_suite, _NOTHING),
    "tlog-checkpoint": (judge_checkpoint, frozenset(["log_id"])),
    "tuf-root-update": (judge_root_update, _NOTHING),
    "webauthn-assertion": (judge_assertion, _ASSERTION),
    "webauthn-registration": (judge_registration, _REGISTRATION),
}
_DOCUMENTS = ("cyclonedx-", "spdx-", "openvex-")


@dataclass(frozen=True, slots=True)
class Judged:
    """A row with our outcome. `complaint` is empty where it is right."""

    row: Row
    outcome: Outcome
    complaint: str


def judge_row(row: Row, *, now: datetime) -> Judged:
    """Return what we say of the row. Only refusals are answers: any other exception is a bug of ours, and counts as wrong."""
    try:
        judge, known = JUDGES.get(row.format) or ((judge_document, _NOTHING) if row.format.startswith(_DOCUMENTS) else (None, _NOTHING))
        if judge is None:
            outcome = Outcome(UNSUPPORTED, "vectors.format", f"rows of the format {row.format!r} are not known")
            return Judged(row, outcome, "its format is not known, so nothing was judged")
        strange = sorted(name for name, value in row.inputs.items() if name not in known or value is None)
        if strange:
            outcome = Outcome(UNSUPPORTED, "vectors.input", f"nothing here looks at the input {strange[0]!r} of such a row, or it is null")
            return Judged(row, outcome, f"not judged: {outcome.reason}")
        return _judge(row, judge, now)
    except Exception as error:  # noqa: BLE001  a bug, or a row that is none, must not hide the others; it is counted as wrong
        outcome = Outcome("error", "vectors.crash", f"{type(error).__name__}: {error}")
        return Judged(row, outcome, f"crashed: {outcome.reason}")


def _judge(row: Row, judge: Judge, now: datetime) -> Judged:
    try:
        outcome = judge(row, now)
    except Refusal as refusal:
        # Whoever cannot read something may say so of what should be verified. Where it should be rejected, that is a reason like any other.
        is_unread = refusal.code.startswith("evidence.unsupported_") and row.expected.get("verdict") != REJECTED
        verdict = UNSUPPORTED if is_unread else REJECTED
        outcome = Outcome(verdict, refusal.code, refusal.reason)
    return Judged(row, outcome, _complaint(row, outcome))


def _complaint(row: Row, outcome: Outcome) -> str:
    wanted = row.expected["verdict"]
    if wanted not in (VERIFIED, REJECTED):
        return f"the row expects {wanted!r}, which is no verdict"
    if outcome.code.startswith("vectors."):
        return f"not judged: {outcome.reason}"
    if wanted == REJECTED:
        if outcome.verdict == VERIFIED:
            return f"verified, expected rejected ({row.expected.get('reason')})"
        accepted = {row.expected.get("reason"), *row.expected.get("reason_also_ok", [])}
        if not accepted & set(REASONS.get(outcome.code, ())):
            return f"rejected for {outcome.code}, expected one of {', '.join(sorted(filter(None, accepted)))}"
        return ""
    if outcome.verdict != VERIFIED:
        return f"{outcome.verdict} ({outcome.code}: {outcome.reason}), expected verified"
    wrong = differences(row.expected.get("facts", {}), outcome.facts)
    return f"verified with other facts: {'; '.join(wrong[:3])}" if wrong else ""
