"""The comparison that a revision freezes into its snapshot: what changed since the baseline, and the signals.

Its two pictures are kept by digest, so that anybody who holds them can compare again. Writes nothing but those bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from approvals.comparison.baseline import COMPARED, Baseline, find_baseline, subject_of
from approvals.comparison.context import gather_context
from approvals.models import Approval, PolicyVersion, Request, Revision
from attestations.blobs import bytes_of, read_blob, store_blob
from attestations.models import Verdict
from proofs.canonical import canonical_bytes, parse_canonical
from proofs.comparison.compare import compare_releases
from proofs.comparison.picture import COMPARISON_VERSION, Pictured, build_picture
from proofs.digest import sha256_hex
from proofs.moment import rfc3339

Seen = tuple[Verdict, Mapping[str, Any]]


def build_comparison(
    request: Request, *, evidence: Sequence[Seen], artifacts: Sequence[Mapping[str, str]], policy: PolicyVersion, now: datetime
) -> dict[str, Any] | None:
    """Return `{"version", "baseline", "picture", "context", "areas", "signals"}` for the snapshot; None for kinds that nothing is compared of.

    `evidence` pairs each verdict's row with its document as parsed.
    """
    if request.kind not in COMPARED:
        return None
    picture = build_picture(
        [Pictured(document, bytes_of(verdict.attestation.blob)) for verdict, document in evidence],
        artifacts=artifacts,
        policy={"id": policy.policy_id, "version": policy.version, "digest": policy.digest},
        subject=subject_of(request) or None,
        team=request.project.team.slug,
        environment=request.environment.slug,
    )
    content = canonical_bytes(picture)
    store_blob(content, now)
    baseline = find_baseline(request)
    before = picture_of(baseline.revision, now=now) if baseline else None
    context = gather_context(request, baseline=baseline, picture=picture, policy=policy, now=now)
    return {
        "version": COMPARISON_VERSION,
        "baseline": describe_baseline(baseline, before) if baseline and before else None,
        "picture": {"sha256": sha256_hex(content)},
        "context": context,
        **compare_releases(parse_canonical(before) if before else None, picture, context),
    }


def picture_of(revision: Revision, *, now: datetime) -> bytes:
    """Return the picture of a revision as `read_picture` does, and keep it by its digest."""
    content = read_picture(revision)
    store_blob(content, now)
    return content


def read_picture(revision: Revision) -> bytes:
    """Return the canonical bytes of the picture of a revision: the one its snapshot names, or, for snapshots of before, made of its evidence."""
    compared = parse_canonical(bytes_of(revision.snapshot)).get("comparison") or {}
    if compared.get("version") == COMPARISON_VERSION:
        return read_blob(compared["picture"]["sha256"])
    rows = revision.evidence.select_related("attestation__blob", "verdict__document").order_by("pk")
    request = revision.request
    picture = build_picture(
        [Pictured(parse_canonical(bytes_of(row.verdict.document)), bytes_of(row.attestation.blob)) for row in rows],
        artifacts=[{"digest": item.artifact_id, "name": item.name} for item in request.artifacts.order_by("artifact_id")],
        policy={"id": revision.policy.policy_id, "version": revision.policy.version, "digest": revision.policy_id},
        subject=subject_of(request) or None,
        team=request.project.team.slug,
        environment=request.environment.slug,
    )
    return canonical_bytes(picture)


def describe_baseline(baseline: Baseline, picture: bytes) -> dict[str, Any]:
    """Return who approved a baseline, when, and what it is about, as a snapshot names it."""
    revision, request = baseline.revision, baseline.revision.request
    answers = revision.approvals.filter(decision=Approval.Decision.APPROVE).select_related("identity", "record").order_by("signed_at", "pk")
    return {
        "request": request.pk,
        "title": request.title,
        "revision": revision.number,
        "snapshot": {"sha256": revision.snapshot_id},
        "picture": {"sha256": sha256_hex(picture)},
        "environment": {"name": request.environment.name, "isSame": baseline.is_same_environment},
        "artifacts": [{"digest": item.artifact_id, "name": item.name} for item in request.artifacts.order_by("artifact_id")],
        "approvedAt": rfc3339(baseline.outcome.signed_at),
        "approvedBy": [answer.identity.name for answer in answers],
        "records": [{"sha256": answer.record.digest} for answer in answers],
    }
