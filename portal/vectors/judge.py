"""One row in, one line out: what we say of it, and whether that is right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from portal.vectors.check_row import check_row
from portal.vectors.complain import complaint_of
from portal.vectors.evidence import (
    judge_any,
    judge_attestation,
    judge_build,
    judge_bundle,
    judge_envelope,
    judge_npm,
    judge_summary,
)
from portal.vectors.manifest import REJECTED, UNSUPPORTED, Outcome, Row
from portal.vectors.passkeys import judge_assertion, judge_registration
from portal.vectors.standards import DOCUMENTS, judge_checkpoint, judge_document, judge_root_update, judge_suite
from proofs.errors import Refusal

Judge = Callable[[Row, datetime], Outcome]

# What a row may tell a verifier, by what judges it. One that tells more asks something that nobody would look at. `artifact_name` is
# what the row calls the file in hand; signers call theirs as they like.
_SIGNER = ("identity", "issuer", "signer_workflow", "source_repository", "source_branch", "source_tag", "versioned_tag", "builder_id")
# What the evidence itself proves, asked for as it is.
_PROVEN = ("predicate_type", "source_ref", "source_commit", "runner_environment", "build_trigger")
_LENIENCE = ("allow_no_transparency_log", "allow_no_sct")
_BUNDLE = frozenset([*_SIGNER, *_PROVEN, *_LENIENCE, "artifact_digest", "artifact_name", "artifact_file"])
_PEP740 = frozenset([*_SIGNER, *_PROVEN, *_LENIENCE, "artifact_digest", "artifact_name", "distribution", "publisher"])
_NPM = frozenset([*_SIGNER, *_PROVEN, *_LENIENCE, "artifact_digest", "artifact_name", "package_name", "package_version"])
_BUILD = frozenset(["artifact_digest", "artifact_name", "source_repository", "source_branch", "source_tag", "versioned_tag", "builder_id"])
_ENVELOPE = frozenset(["threshold", "artifact_digest", "artifact_name", "artifact_file"])
_SUMMARY = frozenset(["key_id", "subject_digest", "artifact_digest", "verifier_id", "resource_uri", "verified_levels"])
_REGISTRATION = frozenset(["ceremony", "rp_id", "origin", "challenge", "require_user_verification", "allow_cross_origin", "top_origin"])
_ASSERTION = _REGISTRATION | {"credential_public_key", "sign_count"}
_NOTHING: frozenset[str] = frozenset()

# The files that each judge reads.
_KEYS = ("public_key", "public_keys")
_IN_BUNDLE = frozenset(["evidence", "artifact", "trusted_root", *_KEYS])
_IN_SUMMARY = frozenset(["evidence", "artifact", *_KEYS])
_IN_PEP740 = frozenset(["evidence", "artifact", "trusted_root"])
_IN_NPM = _IN_PEP740 | {"npm_keys"}
_IN_BUILD = frozenset(["evidence", "artifact", "keys_by_keyid"])
_IN_SUITE = frozenset(["suite"])
_IN_TILES = frozenset(["suite", "vkey", "entries_tile", "hash_tile"])
_IN_CHECKPOINT = frozenset(["evidence", "vkey", "trusted_root"])
_IN_CEREMONY = frozenset(["evidence"])

JUDGES: dict[str, tuple[Judge, frozenset[str], frozenset[str]]] = {
    "sigstore-bundle": (judge_bundle, _BUNDLE, _IN_BUNDLE),
    "dsse": (judge_envelope, _ENVELOPE, _IN_BUNDLE),
    "dsse-inline-cert": (judge_envelope, _ENVELOPE, _IN_BUNDLE),
    "vsa-dsse": (judge_summary, _SUMMARY, _IN_SUMMARY),
    "in-toto-statement": (judge_any, _ENVELOPE, _IN_BUNDLE),
    "pypi-attestation": (judge_attestation, _PEP740, _IN_PEP740),
    "pypi-provenance": (judge_attestation, _PEP740, _IN_PEP740),
    "npm-attestations": (judge_npm, _NPM, _IN_NPM),
    "gcb-provenance": (judge_build, _BUILD, _IN_BUILD),
    "merkle-inclusion-suite": (judge_suite, _NOTHING, _IN_SUITE),
    "merkle-consistency-suite": (judge_suite, _NOTHING, _IN_SUITE),
    "tlog-checkpoint-suite": (judge_suite, _NOTHING, _IN_TILES),
    "tlog-checkpoint": (judge_checkpoint, frozenset(["log_id", "origin"]), _IN_CHECKPOINT),
    "tuf-root-update": (judge_root_update, _NOTHING, frozenset(["evidence", "trusted_root_metadata"])),
    "webauthn-assertion": (judge_assertion, _ASSERTION, _IN_CEREMONY),
    "webauthn-registration": (judge_registration, _REGISTRATION, _IN_CEREMONY),
}
_DOCUMENT = (judge_document, _NOTHING, frozenset(["evidence", "schema"]))


@dataclass(frozen=True, slots=True)
class Judged:
    """A row with our outcome. `complaint` is empty where it is right."""

    row: Row
    outcome: Outcome
    complaint: str


def judge_row(row: Row, *, now: datetime) -> Judged:
    """Return what we say of the row. Only refusals are answers: any other exception is a bug of ours, and counts as wrong."""
    try:
        known = (
            (JUDGES.get(row.format) or (_DOCUMENT if row.format.startswith(DOCUMENTS) else None)) if isinstance(row.format, str) else None
        )
        if known is None:
            outcome = Outcome(UNSUPPORTED, "vectors.format", f"rows of the format {row.format!r} are not known")
            return Judged(row, outcome, "its format is not known, so nothing was judged")
        return _judge(row, *known, now)
    except Exception as error:  # noqa: BLE001  a bug, or a row that is none, must not hide the others; it is counted as wrong
        outcome = Outcome("error", "vectors.crash", f"{type(error).__name__}: {error}")
        return Judged(row, outcome, f"crashed: {outcome.reason}")


def _judge(row: Row, judge: Judge, inputs: frozenset[str], files: frozenset[str], now: datetime) -> Judged:
    try:
        check_row(row, inputs=inputs, files=files, has_cases=judge is judge_suite)
        outcome = judge(row, now)
    except Refusal as refusal:
        # Whoever cannot read something may say so of what should be verified. Where it should be rejected, that is a reason like any other.
        if refusal.code.startswith("vectors."):
            return Judged(row, Outcome(UNSUPPORTED, refusal.code, refusal.reason), f"not judged: {refusal.reason}")
        is_unread = refusal.code.startswith("evidence.unsupported_") and row.expected.get("verdict") != REJECTED
        outcome = Outcome(UNSUPPORTED if is_unread else REJECTED, refusal.code, refusal.reason)
    return Judged(row, outcome, complaint_of(row.expected, outcome))
