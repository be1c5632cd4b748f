"""Whether npm's answer about a package version holds together: a provenance and a publish attestation, about one and the same package.

Each item has its own verdict; this is about them as a set, judged anew each time it is looked at. Whether the key of the publish
attestation is npm's is for whoever registered it to say.
"""

from __future__ import annotations

from dataclasses import dataclass

from attestations.blobs import bytes_of
from attestations.collection.follow import Progress
from attestations.models import Attestation, Verdict
from attestations.queries import latest_verdict, verdict_document
from attestations.trust.roots import current_trust_material
from proofs.collection.documents import ATTESTATION_RESPONSE
from proofs.errors import Refusal
from proofs.evidence import VerifiedEvidence, verify_evidence
from proofs.moment import parse_moment
from proofs.packages.npm import MAX_ATTESTATIONS, check_npm_set


@dataclass(frozen=True, slots=True)
class SetAnswer:
    """The answer about the set. `result` is `verified` or `rejected`."""

    result: str
    code: str
    sentence: str


def judge_npm_set(progress: Progress) -> SetAnswer | None:
    """Return the answer, or None where the file is no answer of npm's, or an item still waits for its verdict."""
    # GitHub's answers have the same shape and no labels.
    is_npm = progress.collection.kind == ATTESTATION_RESPONSE and any(item.label for item in progress.items)
    if not is_npm or progress.is_open or progress.unanswered or len(progress.items) > MAX_ATTESTATIONS:
        return None
    wrong = next((item for item in progress.items if item.state != Verdict.Result.VERIFIED), None)
    if wrong is not None:
        return SetAnswer(
            "rejected", "npm.item", f"Its item {wrong.position} is not verified, and what is wrong with one makes the set suspect."
        )
    rows = Attestation.objects.select_related("blob").in_bulk([item.attestation_id for item in progress.items if item.attestation_id])
    try:
        found = check_npm_set([(item.label, _verify(rows[str(item.attestation_id)])) for item in progress.items])
    except Refusal as refusal:
        return SetAnswer("rejected", refusal.code, refusal.reason)
    name = f"{found.package.name} {found.package.version}"
    return SetAnswer("verified", "npm.verified", f"Provenance and publish attestation are about one and the same package, {name}.")


def _verify(attestation: Attestation) -> VerifiedEvidence:
    verdict = latest_verdict(attestation)
    document = verdict_document(verdict) if verdict else {}
    as_of = parse_moment(document.get("asOf", document.get("verifiedAt")), code="npm.item", what="the time of a verdict")
    return verify_evidence(bytes_of(attestation.blob), trust=current_trust_material(), received_at=as_of)
