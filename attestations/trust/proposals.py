"""Proposals to change what is trusted, as they stand: open, taken effect, refused, withdrawn or lapsed.

Two officers stand behind a change: whoever proposed it and one who confirmed, or two who confirmed what the portal proposed. How a
proposal stands follows from its answers and the time; no row says it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch, QuerySet

from attestations.models import TrustAnswer, TrustProposal
from identities.models import Identity
from proofs.errors import NotFound

OPEN, ACCEPTED, REFUSED, WITHDRAWN, LAPSED = "open", "accepted", "refused", "withdrawn", "lapsed"
OFFICERS_BEHIND_A_CHANGE = 2


@dataclass(frozen=True, slots=True)
class Standing:
    """A proposal and what became of it; `missing` is how many more officers must confirm."""

    proposal: TrustProposal
    state: str
    behind: tuple[Identity, ...]
    answers: tuple[TrustAnswer, ...]

    @property
    def missing(self) -> int:
        return max(0, OFFICERS_BEHIND_A_CHANGE - len(self.behind))

    @property
    def is_open(self) -> bool:
        return self.state == OPEN


def list_proposals() -> QuerySet[TrustProposal]:
    """Return every proposal with its answers, the newest first."""
    answers = Prefetch("answers", TrustAnswer.objects.select_related("by").order_by("pk"))
    return TrustProposal.objects.select_related("document", "proposed_by").prefetch_related(answers).order_by("-proposed_at", "-pk")


def get_proposal(proposal_id: str) -> TrustProposal:
    """Return a proposal with its answers. Refuses with `trust.proposal_unknown`."""
    found = list_proposals().filter(pk=proposal_id).first()
    if found is None:
        raise NotFound("trust.proposal_unknown", f"there is no proposal {proposal_id[:60]}")
    return found


def standing_of(proposal: TrustProposal, *, now: datetime) -> Standing:
    """Return how a proposal stands at `now`."""
    answers = tuple(proposal.answers.all())
    words = {answer.word for answer in answers}
    confirmed = [answer.by for answer in answers if answer.word == TrustAnswer.Word.CONFIRM]
    behind = tuple([proposal.proposed_by, *confirmed] if proposal.proposed_by else confirmed)
    if TrustAnswer.Word.REFUSE in words:
        state = REFUSED
    elif TrustAnswer.Word.WITHDRAW in words:
        state = WITHDRAWN
    elif len(behind) >= OFFICERS_BEHIND_A_CHANGE:
        state = ACCEPTED
    else:
        state = LAPSED if now >= proposal.lapses_at else OPEN
    return Standing(proposal, state, behind, answers)


def find_open(*, change: str, root_digest: str, now: datetime) -> TrustProposal | None:
    """Return the open proposal to change this very root so, or None."""
    same = list_proposals().filter(change=change, document_id=root_digest, lapses_at__gt=now)
    return next((proposal for proposal in same if standing_of(proposal, now=now).is_open), None)
