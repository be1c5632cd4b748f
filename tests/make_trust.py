"""Plain makers of trust: documents of instances that nobody trusts yet, and changes that two officers made."""

from __future__ import annotations

from datetime import datetime, timedelta

from attestations.models import TrustProposal
from attestations.trust.answer_proposal import answer_trust_proposal
from attestations.trust.proposals import Standing
from attestations.trust.propose_change import propose_trust_root
from attestations.trust.roots import note_origin
from identities.models import Identity
from portal.demo.instance import Instance
from tests.make_attestations import NOW

REASON = "We build with it from March on; fetched from its own site."
MIRROR = "https://tuf.example"


def root_document(*, days: int = 0) -> bytes:
    """The trusted_root.json of an instance that was set up just now, with keys of its own."""
    return Instance(NOW - timedelta(days=days)).trusted_root()


def propose(by: Identity | None, *, document: bytes | None = None, name: str = "Ours", now: datetime = NOW) -> TrustProposal:
    """A proposal to add a root."""
    return propose_trust_root(name=name, document=document or root_document(), profile=None, reason=REASON, by=by, now=now)


def answer(proposal: TrustProposal, word: str, by: Identity, *, shown: str | None = None, now: datetime = NOW) -> Standing:
    """An officer's answer about the root that the page shows."""
    shown_digest = proposal.root_digest if shown is None else shown
    return answer_trust_proposal(proposal_id=proposal.pk, word=word, shown_digest=shown_digest, by=by, now=now)


def change_trust(first: Identity, second: Identity, *, now: datetime = NOW) -> TrustProposal:
    """A root that two officers trust, as a mirror sends it."""
    proposal = propose(first, now=now)
    note_origin(digest=proposal.root_digest, name=proposal.name, mirror=MIRROR, now=now)
    answer(proposal, "confirm", second, now=now)
    return proposal
