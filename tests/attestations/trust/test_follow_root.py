"""What a mirror sends: added at the first set-up, an update of what came from there before, or a proposal to two officers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from attestations.models import TrustOrigin, TrustProposal, TrustRoot
from attestations.trust.follow_root import ADDED, PROPOSED, UNCHANGED, UPDATED, Followed, follow_trust_root
from attestations.trust.roots import add_trust_root, list_trust_roots, note_origin
from identities.actors import portal_actor
from identities.lifecycle.change_status import suspend_identity
from identities.models import RoleAssignment
from identities.people.roles import end_role
from ledger.models import Entry
from proofs.errors import Conflict
from tests import cast
from tests.make_attestations import NOW
from tests.make_trust import MIRROR, answer, propose, root_document

pytestmark = pytest.mark.django_db


def follow(document: bytes, *, name: str = "Public good", mirror: str = MIRROR, automatic: bool = True) -> Followed:
    return follow_trust_root(name=name, mirror=mirror, document=document, automatic=automatic, now=NOW)


def two_officers() -> None:
    cast.olga(), cast.omar()


def trusted() -> list[str]:
    return [row.digest for row in list_trust_roots()]


def test_the_first_set_up_adds_it_and_again_changes_nothing() -> None:
    document = root_document()
    assert [follow(document).outcome for _ in range(2)] == [ADDED, UNCHANGED]
    assert (TrustRoot.objects.count(), TrustOrigin.objects.count(), TrustProposal.objects.count()) == (1, 1, 0)


def test_an_update_takes_the_place_of_what_came_before_under_the_same_thresholds() -> None:
    first, second = root_document(), root_document()
    follow(first)
    two_officers()
    done = follow(second)
    assert (done.outcome, trusted()) == (UPDATED, [done.digest])
    assert [entry.event for entry in Entry.objects.filter(event__startswith="trust.").order_by("index")] == [
        "trust.root_added",
        "trust.root_added",
        "trust.root_removed",
    ]
    assert bytes(Entry.objects.get(event="trust.root_removed").body).find(portal_actor().encode()) > 0
    assert follow(second).outcome == UNCHANGED


def test_an_update_keeps_thresholds_that_are_not_the_usual_ones() -> None:
    first = root_document()
    add_trust_root(name="Public good", document=first, profile={"sct": 2}, by=None, now=NOW, mirror=MIRROR)
    two_officers()
    assert follow(first).outcome == UNCHANGED
    done = follow(root_document())
    assert (done.outcome, TrustRoot.objects.get(pk=done.digest).profile) == (UPDATED, {"tlog": 1, "tsa": 0, "sct": 2})


def test_whoever_sends_what_is_trusted_already_may_not_replace_it() -> None:
    first = root_document()
    add_trust_root(name="Public good", document=first, profile=None, by=None, now=NOW)
    assert follow(first).outcome == UNCHANGED
    add_trust_root(name="Public good", document=first, profile=None, by=None, now=NOW, mirror=MIRROR)
    two_officers()
    assert follow(first).outcome == UNCHANGED
    assert not TrustOrigin.objects.exists()
    before = trusted()
    assert (follow(root_document()).outcome, trusted()) == (PROPOSED, before)


def test_what_was_noted_of_a_root_after_it_was_accepted_does_not_count() -> None:
    first = root_document()
    add_trust_root(name="Public good", document=first, profile=None, by=None, now=NOW)
    two_officers()
    note_origin(digest=trusted()[0], name="Public good", mirror=MIRROR, now=NOW + timedelta(seconds=1))
    assert follow(root_document()).outcome == PROPOSED


def test_what_officers_confirmed_is_updated_where_the_mirror_brought_it_and_not_where_one_of_them_did() -> None:
    two_officers()
    proposal = TrustProposal.objects.get(pk=follow(root_document()).proposal)
    answer(proposal, "confirm", cast.olga())
    answer(proposal, "confirm", cast.omar())
    assert follow(root_document()).outcome == UPDATED
    by_hand = root_document()
    sent = TrustProposal.objects.get(pk=follow(by_hand, name="Ours").proposal)
    answer(sent, "refuse", cast.olga())
    answer(propose(cast.olga(), document=by_hand), "confirm", cast.omar())
    assert follow(root_document(), name="Ours").outcome == PROPOSED


@pytest.mark.parametrize("changed", [{"automatic": False}, {"mirror": "https://other.example"}, {"name": "Another name"}])
def test_anything_else_waits_for_two_officers(changed: Any) -> None:
    first = root_document()
    follow(first)
    two_officers()
    done = follow(root_document(), **changed)
    assert done.outcome == PROPOSED
    before = trusted()
    assert len(before) == 1
    proposal = TrustProposal.objects.get(pk=done.proposal)
    assert proposal.proposed_by is None
    answer(proposal, "confirm", cast.olga())
    assert trusted() == before
    answer(proposal, "confirm", cast.omar())
    assert set(trusted()) == {*before, done.digest}


def test_a_new_root_is_proposed_once_however_often_it_is_fetched() -> None:
    two_officers()
    document = root_document()
    assert [follow(document).outcome for _ in range(2)] == [PROPOSED, PROPOSED]
    assert (TrustProposal.objects.count(), trusted()) == (1, [])


@pytest.mark.parametrize("left", ["suspended", "role ended", "replaced"])
def test_officers_who_left_are_not_passed_by(left: str) -> None:
    two_officers()
    waits, new = root_document(), root_document()
    assert follow(waits, automatic=False).outcome == PROPOSED
    if left == "suspended":
        suspend_identity(identity=cast.omar(), reason="left", by=None, now=NOW)
    else:
        end_role(assignment=RoleAssignment.objects.get(identity=cast.omar()), by=None, now=NOW)
    if left == "replaced":
        end_role(assignment=RoleAssignment.objects.get(identity=cast.olga()), by=None, now=NOW)
        cast.person("otto", "Otto Falk", "officer")
    assert [follow(document, automatic=False).outcome for document in (waits, new)] == [PROPOSED, PROPOSED]
    assert trusted() == []


def test_one_officer_alone_is_no_reason_to_wait_and_neither_is_one_of_a_project() -> None:
    cast.olga()
    cast.person("pat", "Pat", "officer", project=cast.payments_api())
    assert follow(root_document()).outcome == ADDED


@pytest.mark.parametrize("was_refused", [False, True])
@pytest.mark.parametrize("is_first", [False, True], ids=["an update", "the first set-up"])
def test_what_officers_were_asked_about_takes_no_effect_by_itself(is_first: bool, was_refused: bool) -> None:
    if not is_first:
        follow(root_document())
        two_officers()
    before, document = trusted(), root_document()
    proposal = propose(None, document=document, name="Public good")
    if was_refused:
        answer(proposal, "refuse", cast.olga())
    assert (follow(document).outcome, trusted()) == (PROPOSED, before)


def test_what_was_removed_does_not_come_back_from_a_mirror() -> None:
    first, second = root_document(), root_document()
    follow(first)
    two_officers()
    follow(second)
    with pytest.raises(Conflict, match="removed") as refused:
        follow(first)
    assert refused.value.code == "trust.root_exists"
    assert len(trusted()) == 1
