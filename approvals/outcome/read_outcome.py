"""Read what the portal signed about a revision. Reads only."""

from __future__ import annotations

from collections.abc import Collection

from approvals.models import OutcomeStatement, Request
from proofs.approval.outcome import Outcome, OutcomeFacts, build_simple_result, parse_outcome
from proofs.canonical import parse_json
from proofs.digest import sha256_hex
from proofs.dsse import parse_envelope

Type = OutcomeStatement.Type


def newest_outcome(request: Request) -> list[OutcomeStatement]:
    """Return the newest summary of the newest revision and its simple result, which comes first; none where it was never approved."""
    newest = request.revisions.order_by("-number").first()
    summary = newest.outcomes.filter(type=Type.SUMMARY).order_by("-entry_id").first() if newest else None
    if summary is None:
        return []
    said = _read(summary)
    # The simple result may have been said about another request in the same second, word for word.
    facts = OutcomeFacts(said.subject, said.verifier, said.policy, said.properties, said.at)
    simple = OutcomeStatement.objects.filter(digest=sha256_hex(build_simple_result(facts)), type=Type.SIMPLE_RESULT)
    return [*simple.select_related("entry"), summary]


def outcome_resting_on(request: Request, records: Collection[str]) -> list[OutcomeStatement]:
    """Return the newest statements where they rest on exactly these records (SHA-256, hex); none where some have ended since or are new."""
    found = newest_outcome(request)
    if not found:
        return []
    summary = found[-1]
    evidence = set(summary.revision.evidence.values_list("attestation__blob_id", flat=True)) if summary.revision else set()
    return found if set(_read(summary).inputs) == set(records) | evidence else []


def _read(row: OutcomeStatement) -> Outcome:
    return parse_outcome(parse_envelope(parse_json(bytes(row.envelope))).payload)
