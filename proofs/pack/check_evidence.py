"""Steps 17 and 18 of the argument: all the evidence the person was shown is here, unaltered, and still verifies the same way.

Evidence nobody listed is refused: what nobody was shown must not travel under their signature.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from proofs.approval.approval_parts import EvidenceReference, HumanApproval
from proofs.assess import (
    BEFORE_DELEGATION,
    EARLIER_VERIFIERS,
    READ_SINCE,
    REJECTED,
    UNSUPPORTED,
    VERIFIED,
    Assessment,
    assess_evidence,
    build_verdict,
)
from proofs.canonical import canonical_bytes, parse_canonical
from proofs.delegators import CONTRADICTED, DELEGATED
from proofs.digest import sha256_hex
from proofs.errors import Unproven
from proofs.evidence import TrustMaterial
from proofs.fields import Fields
from proofs.pack import layout
from proofs.pack.earlier_facts import facts_known_then

# Wording, what the portal knew from its own register, and what another verifier told it are not derived again; everything else is.
SECOND_OPINION_CHECK = "second_opinion"
_PORTAL_CHECKS = ("signer", "co_signers", SECOND_OPINION_CHECK)
_RESULT_FIELDS = ("schema", "evidence", "result", "code", "facts")


@dataclass(frozen=True, slots=True)
class EvidenceItem:
    """One item of evidence as the person signed for it: reference, raw bytes' digest and verdict document."""

    reference: EvidenceReference
    verdict: dict[str, Any]


def check_evidence_set(files: Mapping[str, bytes], approval: HumanApproval) -> tuple[EvidenceItem, ...]:
    """17. Return the items when every file the statement lists is here and hashes to what was signed, and no other is here."""
    items = []
    listed = set()
    for reference in approval.evidence:
        raw, verdict = layout.EVIDENCE + reference.digest, layout.VERDICTS + reference.verdict_digest
        listed |= {raw, verdict}
        for path in (raw, verdict):
            if path not in files:
                raise Unproven("evidence.missing", f"the person was shown {reference.name}, but {path} is not in the pack")
            if sha256_hex(files[path]) != path.rpartition("/")[2]:
                raise Unproven("evidence.altered", f"{path} is not what the person was shown as {reference.name}: its digest differs")
        items.append(EvidenceItem(reference, _read_verdict(files[verdict], reference)))
    for path in files:
        if path.startswith((layout.EVIDENCE, layout.VERDICTS)) and path not in listed:
            raise Unproven("evidence.unlisted", f"the pack holds {path}, which the person was never shown")
    return tuple(items)


def check_evidence_again(files: Mapping[str, bytes], items: tuple[EvidenceItem, ...], material: TrustMaterial) -> tuple[Assessment, ...]:
    """18. Return what each item comes to when verifying it again, against the trust given from outside, gives the verdict shown."""
    assessments = []
    for item in items:
        raw = files[layout.EVIDENCE + item.reference.digest]
        is_earlier = _verifier_of(item.verdict) in EARLIER_VERIFIERS
        assessment = assess_evidence(raw, trust=material, received_at=_as_of(item.verdict), max_bytes=None, as_before_4=is_earlier)
        assessments.append(assessment)
        if item.verdict["result"] != "verified" and assessment.result != "verified":
            # It counted for nothing and still does; which of several things is wrong with it may depend on what is trusted today.
            continue
        if is_earlier and (item.verdict["result"] == UNSUPPORTED or item.verdict.get("code") in READ_SINCE):
            # A verifier of then could not read it, and so it counted for nothing. Who wanted to hide it had only to leave it out.
            continue
        if item.verdict["result"] != VERIFIED and _was_doubted(item.verdict):
            # The portal asked a second verifier, which is not here, and counted the item for nothing although its own said yes.
            continue
        if _was_not_yet_delegated(item.verdict, assessment):
            # As above: rejected then, and nothing was accepted on the strength of it.
            continue
        again = build_verdict(
            assessment,
            evidence_digest=item.reference.digest,
            identity=None,
            trust_digests={},
            verified_at="",
            as_of="",
        )
        if is_earlier:
            again["facts"] = facts_known_then(again["facts"], item.verdict["facts"])
        if _essence(again) != _essence(item.verdict):
            reason = f"{item.reference.name} was shown as {item.verdict['result']}, but verifying it again gives {assessment.result}"
            raise Unproven("evidence.verdict_mismatch", f"{reason}: {assessment.reason}")
    return tuple(assessments)


def _read_verdict(content: bytes, reference: EvidenceReference) -> dict[str, Any]:
    value = parse_canonical(content)
    verdict = Fields(value, path="verdict", code="evidence.verdict_mismatch")
    if verdict.sha256("evidence") != reference.digest or verdict.text("result") != reference.verdict:
        raise Unproven(
            "evidence.verdict_mismatch", f"the verdict shown for {reference.name} is about other evidence, or says something else"
        )
    if verdict.time("verifiedAt") != reference.verified_at:
        raise Unproven("evidence.verdict_mismatch", f"the verdict shown for {reference.name} was reached at another time")
    return verdict.value


def _as_of(verdict: dict[str, Any]) -> datetime:
    """Return the time that keys were judged as of. Verdicts of before 2026-12 name none: then it was that of the verdict."""
    fields = Fields(verdict, path="verdict", code="evidence.verdict_mismatch")
    verified_at = fields.time("verifiedAt")
    as_of = fields.time("asOf") if "asOf" in verdict else verified_at
    if as_of > verified_at:
        raise Unproven("evidence.verdict_mismatch", "a verdict says that it judged as of a time after it was reached")
    return as_of


def _was_doubted(verdict: dict[str, Any]) -> bool:
    findings = Fields(verdict, path="verdict", code="evidence.verdict_mismatch").each("findings")
    return any(finding.raw("check") == SECOND_OPINION_CHECK and finding.raw("outcome") in ("fail", "error") for finding in findings)


def _was_not_yet_delegated(verdict: dict[str, Any], assessment: Assessment) -> bool:
    rejected = (verdict["result"], verdict.get("code")) == (REJECTED, CONTRADICTED)
    delegated = any(finding.code == DELEGATED for finding in assessment.findings)
    return rejected and delegated and _verifier_of(verdict) in BEFORE_DELEGATION


def _verifier_of(verdict: dict[str, Any]) -> str:
    return Fields(verdict, path="verdict", code="evidence.verdict_mismatch").fields("verifier").text("version", limit=40)


def _essence(verdict: dict[str, Any]) -> bytes:
    """Return what must be the same each time: result, code, facts, and the outcome of each check without its wording."""
    findings = Fields(verdict, path="verdict", code="evidence.verdict_mismatch").each("findings")
    derived = [finding for finding in findings if finding.raw("check") not in _PORTAL_CHECKS]
    outcomes = [[finding.raw(name) for name in ("check", "outcome", "code")] for finding in derived]
    result = {name: verdict.get(name) for name in _RESULT_FIELDS}
    if isinstance(result["facts"], dict):
        # Two trust roots can vouch for the same log and authority: a newer one, or another order, makes no other verdict.
        result["facts"] = {name: fact for name, fact in result["facts"].items() if name != "trustRoot"}
    return canonical_bytes([result, outcomes])
