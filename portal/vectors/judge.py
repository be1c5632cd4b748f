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

JUDGES: dict[str, Callable[[Row, datetime], Outcome]] = {
    "sigstore-bundle": judge_bundle,
    "dsse": judge_envelope,
    "dsse-inline-cert": judge_envelope,
    "vsa-dsse": judge_summary,
    "in-toto-statement": judge_any,
    "pypi-attestation": judge_attestation,
    "pypi-provenance": judge_attestation,
    "npm-attestations": judge_npm,
    "gcb-provenance": judge_build,
    "merkle-inclusion-suite": judge_suite,
    "merkle-consistency-suite": judge_suite,
    "tlog-checkpoint-suite": judge_suite,
    "tlog-checkpoint": judge_checkpoint,
    "tuf-root-update": judge_root_update,
    "webauthn-assertion": judge_assertion,
    "webauthn-registration": judge_registration,
}
# What a row may tell a verifier. One that tells more asks something that we would not look at.
INPUTS = frozenset(
    [
        "identity",
        "issuer",
        "signer_workflow",
        "source_repository",
        "source_branch",
        "source_tag",
        "versioned_tag",
        "builder_id",
        "artifact_digest",
        "artifact_name",
        "artifact_file",
        "package_name",
        "package_version",
        "distribution",
        "publisher",
        "threshold",
        "key_id",
        "subject_digest",
        "verifier_id",
        "resource_uri",
        "verified_levels",
        "allow_no_transparency_log",
        "allow_no_sct",
        "allow_cross_origin",
        "log_id",
        "ceremony",
        "challenge",
        "credential_public_key",
        "origin",
        "rp_id",
        "require_user_verification",
        "sign_count",
    ]
)
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
        judge = JUDGES.get(row.format) or (judge_document if row.format.startswith(_DOCUMENTS) else None)
        if judge is None:
            outcome = Outcome(UNSUPPORTED, "vectors.format", f"rows of the format {row.format!r} are not known")
            return Judged(row, outcome, "its format is not known, so nothing was judged")
        unknown = sorted(set(row.inputs) - INPUTS)
        if unknown:
            outcome = Outcome(UNSUPPORTED, "vectors.input", f"the input {unknown[0]!r} is not known")
            return Judged(row, outcome, "" if row.expected.get("verdict") == REJECTED else f"not judged: {outcome.reason}")
        return _judge(row, judge, now)
    except Exception as error:  # noqa: BLE001  a bug, or a row that is none, must not hide the others; it is counted as wrong
        outcome = Outcome("error", "vectors.crash", f"{type(error).__name__}: {error}")
        return Judged(row, outcome, f"crashed: {outcome.reason}")


def _judge(row: Row, judge: Callable[[Row, datetime], Outcome], now: datetime) -> Judged:
    try:
        outcome = judge(row, now)
    except Refusal as refusal:
        verdict = UNSUPPORTED if refusal.code.startswith("evidence.unsupported_") else REJECTED
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
        # Whoever cannot read something rejects it for its version or form, whatever else is wrong with it.
        if outcome.verdict == REJECTED and not accepted & set(REASONS.get(outcome.code, ())):
            return f"rejected for {outcome.code}, expected one of {', '.join(sorted(filter(None, accepted)))}"
        return ""
    if outcome.verdict != VERIFIED:
        return f"{outcome.verdict} ({outcome.code}: {outcome.reason}), expected verified"
    wrong = differences(row.expected.get("facts", {}), outcome.facts)
    return f"verified with other facts: {'; '.join(wrong[:3])}" if wrong else ""
