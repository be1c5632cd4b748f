"""Propose that a trust root be added or removed: the first of the two steps of two officers. It changes nothing by itself.

Checked is that the document can be read and that the change would be one. Whether the root deserves trust is for the second officer.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from attestations.blobs import store_blob
from attestations.models import TrustProposal, TrustRoot
from attestations.trust.proposals import find_open
from identities.actors import actor_of, portal_actor
from identities.models import Identity
from identities.people.officers import demand_officer
from ledger.append import append_event
from proofs.canonical import canonical_bytes
from proofs.errors import Conflict, Malformed, NotFound, TooLarge
from proofs.moment import rfc3339
from proofs.sigstore.trust_root import DEFAULT_PROFILE, parse_trust_root

LAPSES_AFTER_DAYS = 14
MAX_ROOT_BYTES = 1024 * 1024
MAX_NAME, MAX_REASON = 120, 500


@transaction.atomic
def propose_trust_root(
    *, name: str, document: bytes, profile: dict[str, int] | None, reason: str, by: Identity | None, now: datetime
) -> TrustProposal:
    """Propose to trust a `trusted_root.json` under these thresholds; proposing the same again while it is open gives the same row.

    `by` is None where the portal proposes what a mirror sent. Refuses as `parse_trust_root` does, with `permission.missing`,
    `trust.name`, `trust.reason`, `trust.too_large`, `trust.root_exists` or `trust.proposal_open`.
    """
    if by is not None:
        by = demand_officer(by)
    if len(document) > MAX_ROOT_BYTES:
        raise TooLarge("trust.too_large", f"got {len(document)} bytes, expected at most {MAX_ROOT_BYTES}")
    wanted = {**DEFAULT_PROFILE, **(profile or {})}
    root = parse_trust_root(document, profile=wanted)
    known = TrustRoot.objects.filter(pk=root.digest).first()
    if known is not None:
        said = "was removed, and a removed root does not come back" if known.removed_at else "is trusted already"
        raise Conflict("trust.root_exists", f"got the trust root {root.digest}, expected a new one: this one {said}")
    proposal = TrustProposal(change=TrustProposal.Change.ADD, name=_name(name), document=store_blob(document, now), profile=wanted)
    return _keep(proposal, reason=reason, by=by, now=now)


@transaction.atomic
def propose_removal(*, digest: str, reason: str, by: Identity, now: datetime) -> TrustProposal:
    """Propose to trust a stored root no longer; proposing the same again while it is open gives the same row.

    Refuses with `permission.missing`, `trust.unknown_root`, `trust.root_removed`, `trust.reason` or `trust.proposal_open`.
    """
    by = demand_officer(by)
    root = TrustRoot.objects.select_related("document").filter(pk=digest).first()
    if root is None:
        raise NotFound("trust.unknown_root", f"no trust root is stored under {digest[:80]}")
    if root.removed_at is not None:
        raise Conflict("trust.root_removed", f"the trust root {root.digest} was removed already")
    proposal = TrustProposal(change=TrustProposal.Change.REMOVE, name=root.name, document=root.document, profile=root.profile)
    return _keep(proposal, reason=reason, by=by, now=now)


def _keep(proposal: TrustProposal, *, reason: str, by: Identity | None, now: datetime) -> TrustProposal:
    proposal.reason = _text("trust.reason", reason, MAX_REASON, "a reason that the second officer can judge")
    same = find_open(change=proposal.change, root_digest=proposal.root_digest, now=now)
    if same is not None:
        if same.proposed_by == by and (same.name, same.profile) == (proposal.name, proposal.profile):
            return same
        raise Conflict("trust.proposal_open", f"this is proposed already ({same.pk}); confirm or refuse that proposal")
    proposal.proposed_by, proposal.proposed_at = by, now
    proposal.lapses_at = now + timedelta(days=LAPSES_AFTER_DAYS)
    proposal.save()
    ref = store_blob(proposal_document(proposal), now)
    append_event(event="trust.change_proposed", ref_digest=ref.digest, actor=actor_of(by) if by else portal_actor(), now=now)
    return proposal


def proposal_document(proposal: TrustProposal) -> bytes:
    """Return the canonical bytes of a proposal: what its ledger entry names by digest."""
    by = proposal.proposed_by
    return canonical_bytes(
        {
            "schema": "countersign-trust-proposal/v1",
            "proposal": proposal.pk,
            "change": str(proposal.change),
            "trustRoot": proposal.root_digest,
            "name": proposal.name,
            "profile": proposal.profile,
            "reason": proposal.reason,
            "by": {"issuer": by.issuer, "subject": by.subject} if by else None,
            "at": rfc3339(proposal.proposed_at),
            "lapsesAt": rfc3339(proposal.lapses_at),
        }
    )


def _name(text: str) -> str:
    return _text("trust.name", text, MAX_NAME, "what people call the instance")


def _text(code: str, text: str, limit: int, wanted: str) -> str:
    told = text.strip()
    if not told or len(told) > limit or not told.isprintable():
        raise Malformed(code, f"got {told[:60]!r}, expected {wanted}, on one line of at most {limit} characters")
    return told
