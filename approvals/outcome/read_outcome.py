"""Read what the portal signed about a revision. Reads only."""

from __future__ import annotations

from collections.abc import Collection

from approvals.models import OutcomeStatement, Request
from proofs.approval.outcome import parse_outcome
from proofs.canonical import parse_json
from proofs.dsse import parse_envelope


def newest_outcome(request: Request) -> list[OutcomeStatement]:
    """Return the newest statement of each type about the newest revision, the simple result first; none where it was never approved."""
    newest = request.revisions.order_by("-number").first()
    if newest is None:
        return []
    rows = newest.outcomes.select_related("entry").order_by("entry_id")
    return list({row.type: row for row in rows}.values())


def outcome_resting_on(request: Request, records: Collection[str]) -> list[OutcomeStatement]:
    """Return the newest statements where they rest on exactly these records (SHA-256, hex); none where some have ended since or are new."""
    found = newest_outcome(request)
    summary = next((row for row in found if row.type == OutcomeStatement.Type.SUMMARY), None)
    if summary is None:
        return []
    inputs = set(parse_outcome(parse_envelope(parse_json(bytes(summary.envelope))).payload).inputs)
    evidence = set(summary.revision.evidence.values_list("attestation__blob_id", flat=True)) if summary.revision else set()
    return found if inputs == set(records) | evidence else []
