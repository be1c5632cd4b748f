"""Keep what a mirror sent by The Update Framework: at the first set-up, as an update of what came from there before, or as a proposal.

TUF has decided that the document is what the holders of the mirror's keys signed and is current. Whom to trust is not TUF's to say, so a
new root waits for two officers. An update of a root that was accepted earlier may take its place by itself where the caller says that this
mirror's own keys are the authority. What officers were asked about is settled by officers alone. Nothing here asks a network.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef

from attestations.models import TrustAnswer, TrustOrigin, TrustProposal, TrustRoot
from attestations.trust.proposals import find_open
from attestations.trust.propose_change import propose_trust_root
from attestations.trust.roots import accept_trust_root, note_origin, remove_trust_root
from identities.actors import actor_of, portal_actor
from identities.people.officers import were_ever_two_officers
from proofs.digest import sha256_hex

UNCHANGED, ADDED, UPDATED, PROPOSED = "unchanged", "added", "updated", "proposed"


@dataclass(frozen=True, slots=True)
class Followed:
    """What was done with a fetched document. `proposal` is the id of the proposal that waits for two officers."""

    outcome: str
    name: str
    digest: str
    proposal: str = ""


@transaction.atomic
def follow_trust_root(*, name: str, mirror: str, document: bytes, automatic: bool, now: datetime) -> Followed:
    """Keep a `trusted_root.json` that `mirror` sent under TUF. The same document again changes nothing.

    With `automatic`, it takes the place of the root of the same name that was accepted from the same mirror, under the same thresholds.
    Otherwise it is added while there never were two officers, and proposed to officers afterwards, also when they have left. A document that
    waits as a proposal, or that an officer refused, never takes effect here.
    Refuses as `accept_trust_root` and `propose_trust_root` do.
    """
    digest = sha256_hex(document)
    earlier = find_earlier(name=name, mirror=mirror, than=digest)
    if TrustRoot.objects.filter(pk=digest, removed_at__isnull=True).exists():
        # Whoever sends what is trusted already has not brought it: no authority over it comes of that.
        return Followed(UNCHANGED, name, digest)
    note_origin(digest=digest, name=name, mirror=mirror, now=now)
    profile = earlier.profile if earlier else None
    is_theirs = _is_for_officers(digest, now)
    if earlier is not None and automatic and not is_theirs:
        accept_trust_root(name=name, document=document, profile=profile, actor=portal_actor(), now=now)
        remove_trust_root(digest=earlier.digest, actor=portal_actor(), now=now)
        return Followed(UPDATED, name, digest)
    if not were_ever_two_officers() and not is_theirs:
        accept_trust_root(name=name, document=document, profile=profile, actor=actor_of(None), now=now)
        return Followed(ADDED, name, digest)
    reason = f"The mirror {mirror} sends this as its current trusted root."[:500]
    proposal = propose_trust_root(name=name, document=document, profile=profile, reason=reason, by=None, now=now)
    return Followed(PROPOSED, name, digest, proposal.pk)


def _is_for_officers(digest: str, now: datetime) -> bool:
    """Say whether this document waits as a proposal, or was refused."""
    add = TrustProposal.Change.ADD
    refused = TrustAnswer.objects.filter(proposal__change=add, proposal__document=digest, word=TrustAnswer.Word.REFUSE)
    return refused.exists() or find_open(change=add, root_digest=digest, now=now) is not None


def find_earlier(*, name: str, mirror: str, than: str) -> TrustRoot | None:
    """Return the trusted root of this name that was accepted from this mirror, or None.

    It was sent before it was accepted, and no officer proposed it: what people brought is replaced by nobody but two of them.
    """
    sent = TrustOrigin.objects.filter(name=name, mirror=mirror, root_digest=OuterRef("digest"), seen_at__lte=OuterRef("added_at"))
    by_hand = TrustProposal.objects.filter(change=TrustProposal.Change.ADD, document=OuterRef("document"), proposed_by__isnull=False)
    same = TrustRoot.objects.filter(Exists(sent), ~Exists(by_hand), name=name, removed_at__isnull=True).exclude(pk=than)
    return same.order_by("-added_at").first()
