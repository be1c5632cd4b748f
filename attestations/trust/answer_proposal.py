"""Answer a proposal about trust roots: a second officer confirms or refuses it, whoever proposed it may withdraw it.

The officer's role is looked at again here, and so is that of everybody who already stands behind the change: a role that ended meanwhile
no longer carries it. What is confirmed is the root whose digest the officer was shown.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from attestations.blobs import bytes_of, store_blob
from attestations.models import TrustAnswer, TrustProposal
from attestations.trust.proposals import ACCEPTED, LAPSED, Standing, get_proposal, standing_of
from attestations.trust.propose_change import proposal_document
from attestations.trust.roots import accept_trust_root, remove_trust_root
from identities.actors import actor_of
from identities.models import Identity
from identities.people.officers import demand_officer
from identities.permissions import may
from ledger.append import append_event
from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.errors import Conflict, Malformed, NotAllowed
from proofs.moment import rfc3339

Word = TrustAnswer.Word
EVENTS = {Word.CONFIRM: "trust.change_confirmed", Word.REFUSE: "trust.change_refused", Word.WITHDRAW: "trust.change_withdrawn"}


@transaction.atomic
def answer_trust_proposal(*, proposal_id: str, word: str, shown_digest: str, by: Identity, now: datetime) -> Standing:
    """Keep one officer's answer, and make the change when it was the last one needed. The same answer again changes nothing.

    Refuses with `permission.missing`, `trust.proposal_unknown`, `trust.answer`, `trust.other_digest`, `trust.already_answered`,
    `trust.proposal_lapsed`, `trust.proposal_closed`, `trust.same_person`, `trust.not_proposer`, `trust.proposer_left`, and as
    `accept_trust_root` does when the root came or went meanwhile.
    """
    if word not in Word.values:
        raise Malformed("trust.answer", f"got the answer {word[:20]!r}, expected one of {', '.join(Word.values)}")
    # Two officers at the same moment: the second waits here and then sees the first one's answer.
    TrustProposal.objects.select_for_update(no_key=True).filter(pk=proposal_id).first()
    proposal = get_proposal(proposal_id)
    standing = standing_of(proposal, now=now)
    by = demand_officer(by)
    given = next((answer for answer in standing.answers if answer.by == by), None)
    if given is not None and given.word == word:
        return standing
    _refuse_what_cannot_be(standing, word=word, shown_digest=shown_digest, by=by)
    TrustAnswer.objects.create(proposal=proposal, by=by, word=word, answered_at=now)
    ref = store_blob(_answer_document(proposal, word=word, by=by, now=now), now)
    append_event(event=EVENTS[Word(word)], ref_digest=ref.digest, actor=actor_of(by), now=now)
    standing = standing_of(get_proposal(proposal_id), now=now)
    if word == Word.CONFIRM and standing.state == ACCEPTED:
        _refuse_when_somebody_left(standing)
        _make_the_change(proposal, by=by, now=now)
    return standing


def _refuse_what_cannot_be(standing: Standing, *, word: str, shown_digest: str, by: Identity) -> None:
    proposal = standing.proposal
    if word == Word.WITHDRAW and proposal.proposed_by != by:
        raise NotAllowed("trust.not_proposer", "Only whoever made a proposal withdraws it; another officer refuses it.")
    if shown_digest != proposal.root_digest:
        raise Conflict(
            "trust.other_digest", f"got an answer about {shown_digest[:64]!r}, expected the proposed root {proposal.root_digest}"
        )
    if standing.state == LAPSED:
        raise Conflict("trust.proposal_lapsed", f"nobody answered until {rfc3339(proposal.lapses_at)}; propose it again")
    if not standing.is_open:
        raise Conflict("trust.proposal_closed", f"this proposal is {standing.state}, expected one that is open")
    if word == Word.WITHDRAW:
        return
    if proposal.proposed_by == by:
        raise NotAllowed("trust.same_person", "You made this proposal. Another officer confirms or refuses it; you can withdraw it.")
    if any(answer.by == by for answer in standing.answers):
        raise Conflict("trust.already_answered", "You answered this proposal already, and an answer stays.")


def _refuse_when_somebody_left(standing: Standing) -> None:
    for officer in standing.behind:
        answer = may(Identity.objects.get(pk=officer.pk), "trust.change")
        if not answer.allowed:
            raise Conflict(
                "trust.proposer_left", f"{officer.name} stands behind this and is an officer no longer; refuse it, then propose it again"
            )


def _make_the_change(proposal: TrustProposal, *, by: Identity, now: datetime) -> None:
    if proposal.change == TrustProposal.Change.REMOVE:
        remove_trust_root(digest=proposal.root_digest, actor=actor_of(by), now=now, proposal=proposal.pk)
        return
    accept_trust_root(
        name=proposal.name,
        document=bytes_of(proposal.document),
        profile=proposal.profile,
        actor=actor_of(by),
        now=now,
        proposal=proposal.pk,
    )


def _answer_document(proposal: TrustProposal, *, word: str, by: Identity, now: datetime) -> bytes:
    return canonical_bytes(
        {
            "schema": "countersign-trust-answer/v1",
            "proposal": proposal.pk,
            "proposalDigest": sha256_hex(proposal_document(proposal)),
            "trustRoot": proposal.root_digest,
            "answer": word,
            "by": {"issuer": by.issuer, "subject": by.subject},
            "at": rfc3339(now),
        }
    )
