"""The second opinion: what `sigstore`, another project's verifier, says of a bundle that ours calls verified.

Two implementations that were written apart seldom share a mistake. Asked offline, under the very trust root that vouched for the bundle.
Who the signer may be is not asked: identities are judged here alone. What it cannot judge is said to be so, and never held against the
evidence: bundles signed with a bare key, without a log or an inclusion proof, logged as `intoto`, over another digest than SHA-256, and
those of a trust root that asks for no certificate log.
"""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.metadata import version
from typing import Any

from attestations.ask_sigstore import ask_sigstore, can_read
from attestations.blobs import bytes_of
from attestations.models import TrustRoot, Verdict
from proofs.assess import VERIFIED, Assessment
from proofs.canonical import parse_json
from proofs.claims import ClaimFinding
from proofs.evidence import PEP740, SIGSTORE_BUNDLE
from proofs.pack.check_evidence import SECOND_OPINION_CHECK as CHECK
from proofs.sigstore.log_body import INTOTO_ENTRY
from proofs.sigstore.pep740 import as_bundle

DISAGREEMENT = "evidence.disagreement"
FAILED_TO_ANSWER = "evidence.no_second_opinion"
# Stands in each verdict beside our own, because the verdict rests on it as well.
VERSION = version("sigstore")


def with_second_opinion(assessment: Assessment, content: bytes) -> Assessment:
    """Return the assessment with the finding of the second opinion; never "verified" where it disagrees or breaks off.

    Only bundles that ours verified are asked about: a refusal needs no second opinion. Reads stored trust roots, writes nothing.
    """
    if assessment.result != VERIFIED or assessment.facts is None or assessment.facts["format"] not in (SIGSTORE_BUNDLE, PEP740):
        return assessment
    finding = _ask(content, assessment.facts)
    findings = (*assessment.findings, finding)
    if finding.outcome == "fail":
        return replace(assessment, result=Verdict.Result.REJECTED.value, code=DISAGREEMENT, reason=finding.sentence, findings=findings)
    if finding.outcome == "error":
        return replace(assessment, result=Verdict.Result.ERROR.value, code=FAILED_TO_ANSWER, reason=finding.sentence, findings=findings)
    return replace(assessment, findings=findings)


def _ask(content: bytes, facts: dict[str, Any]) -> ClaimFinding:
    root = TrustRoot.objects.select_related("document").get(pk=facts["trustRoot"])
    value = parse_json(content)
    bundle = value if facts["format"] == SIGSTORE_BUNDLE else as_bundle(value)
    document = bytes_of(root.document)
    why_not = _why_not_asked(bundle, facts, root.profile) or ("" if can_read(document) else "evidence under a trust root of this form")
    if why_not:
        return ClaimFinding(CHECK, "not_applicable", "opinion.unsupported", f"No second opinion: sigstore does not judge {why_not}.")
    try:
        refusal = ask_sigstore(json.dumps(bundle).encode(), document)
    except Exception as error:  # noqa: BLE001  whatever another project's code raises is no opinion, and no opinion is not a yes
        sentence = f"Ours verifies it; the second opinion, sigstore {VERSION}, broke off with {type(error).__name__}, so it is not called verified."
        return ClaimFinding(CHECK, "error", "opinion.error", sentence)
    if refusal:
        sentence = f"Two verifiers disagree: ours verifies every signature, sigstore {VERSION} says: {refusal[:300]}"
        return ClaimFinding(CHECK, "fail", "opinion.disagrees", sentence)
    return ClaimFinding(
        CHECK, "pass", "opinion.agrees", f"A second verifier, sigstore {VERSION}, comes to the same answer about its signatures."
    )


def _why_not_asked(bundle: dict[str, Any], facts: dict[str, Any], profile: dict[str, int]) -> str:
    """Return what about the bundle it does not judge; empty where it does."""
    if facts["signer"]["kind"] != "certificate":
        return "bundles signed with a bare key"
    if facts["log"] is None:
        return "bundles without a log entry"
    if facts["log"].get("inclusion") == "promised":
        return "bundles without an inclusion proof"
    if not profile.get("sct"):
        return "certificates that no certificate log has to list"
    kind = bundle["verificationMaterial"]["tlogEntries"][0]["kindVersion"]
    if (kind["kind"], kind["version"]) == INTOTO_ENTRY:
        return "log entries of the kind intoto"
    if bundle.get("messageSignature") is not None and bundle["messageSignature"]["messageDigest"]["algorithm"] != "SHA2_256":
        return "files named by another digest than SHA-256"
    return ""
