"""Two officers change what is trusted: every step, every way to say no, and what is written down."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from attestations.blobs import read_blob
from attestations.models import TrustAnswer, TrustProposal, TrustRoot
from attestations.trust.proposals import get_proposal, standing_of
from attestations.trust.propose_change import LAPSES_AFTER_DAYS, propose_removal, propose_trust_root
from attestations.trust.roots import accept_trust_root, add_trust_root, current_trust_material, list_trust_roots, remove_trust_root
from identities.actors import actor_of, portal_actor
from identities.models import Identity, RoleAssignment
from identities.people.officers import are_two_officers, list_officers
from identities.people.roles import end_role, grant_role
from ledger.append_only import AppendOnlyError
from ledger.models import Entry
from proofs.digest import sha256_hex
from proofs.errors import Refusal
from tests import cast
from tests.make_attestations import NOW
from tests.make_trust import REASON, answer, change_trust, propose, root_document

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(days=LAPSES_AFTER_DAYS)


def code_of(act: Any, *arguments: Any, **more: Any) -> str:
    with pytest.raises(Refusal) as refused:
        act(*arguments, **more)
    return refused.value.code


def events() -> list[str]:
    return [entry.event for entry in Entry.objects.filter(event__startswith="trust.").order_by("index")]


def trusted() -> list[str]:
    return [row.digest for row in list_trust_roots()]


def leave(person: Identity) -> None:
    end_role(assignment=RoleAssignment.objects.get(identity=person, ended_at__isnull=True), by=None, now=NOW)


class TestAddingARoot:
    def test_one_proposes_another_confirms(self) -> None:
        document = root_document()
        proposal = propose(cast.olga(), document=document)
        assert trusted() == []
        standing = answer(proposal, "confirm", cast.omar())
        assert (standing.state, standing.behind) == ("accepted", (cast.olga(), cast.omar()))
        row = TrustRoot.objects.get()
        assert (row.digest, row.name, row.profile) == (sha256_hex(document), "Ours", {"tlog": 1, "tsa": 0, "sct": 1})
        assert [root.digest for root in current_trust_material().trust_roots] == [row.digest]

    def test_every_step_is_an_entry_that_names_its_document(self) -> None:
        proposal = propose(cast.olga())
        answer(proposal, "confirm", cast.omar())
        assert events() == ["trust.change_proposed", "trust.change_confirmed", "trust.root_added"]
        told = [json.loads(bytes(entry.body))["spec"] for entry in Entry.objects.filter(event__startswith="trust.").order_by("index")]
        assert [leaf["actor"] for leaf in told] == [actor_of(cast.olga()), actor_of(cast.omar()), actor_of(cast.omar())]
        refs = [json.loads(read_blob(leaf["ref"]["sha256"])) for leaf in told]
        assert (refs[0]["proposal"], refs[0]["trustRoot"], refs[0]["reason"]) == (proposal.pk, proposal.root_digest, REASON)
        assert refs[1]["proposalDigest"] == Entry.objects.get(event="trust.change_proposed").ref_digest
        assert refs[2]["proposal"] == proposal.pk

    def test_confirming_twice_is_one_effect(self) -> None:
        proposal = propose(cast.olga())
        assert [answer(proposal, "confirm", cast.omar()).state for _ in range(2)] == ["accepted", "accepted"]
        assert (TrustAnswer.objects.count(), TrustRoot.objects.count(), len(events())) == (1, 1, 3)

    def test_proposing_the_same_again_is_one_proposal(self) -> None:
        document = root_document()
        assert propose(cast.olga(), document=document) == propose(cast.olga(), document=document, now=NOW + timedelta(hours=1))
        assert events() == ["trust.change_proposed"]

    def test_what_the_portal_proposes_takes_two(self) -> None:
        proposal = propose(None)
        first = answer(proposal, "confirm", cast.olga())
        assert (first.state, first.missing, trusted()) == ("open", 1, [])
        assert code_of(answer, proposal, "refuse", cast.olga()) == "trust.already_answered"
        assert answer(proposal, "confirm", cast.olga()).state == "open"
        assert answer(proposal, "confirm", cast.omar()).state == "accepted"
        assert trusted() == [proposal.root_digest]
        assert json.loads(bytes(Entry.objects.get(event="trust.change_proposed").body))["spec"]["actor"] == portal_actor()


class TestRemovingARoot:
    def test_no_verdict_rests_on_it_any_more(self) -> None:
        row = add_trust_root(name="Ours", document=root_document(), profile=None, by=None, now=NOW)
        proposal = propose_removal(digest=row.digest, reason=REASON, by=cast.olga(), now=NOW)
        assert trusted() == [row.digest]
        answer(proposal, "confirm", cast.omar())
        assert (trusted(), current_trust_material().trust_roots) == ([], ())
        assert events()[-3:] == ["trust.change_proposed", "trust.change_confirmed", "trust.root_removed"]

    def test_a_removed_root_does_not_come_back(self) -> None:
        document = root_document()
        row = add_trust_root(name="Ours", document=document, profile=None, by=None, now=NOW)
        answer(propose_removal(digest=row.digest, reason=REASON, by=cast.olga(), now=NOW), "confirm", cast.omar())
        assert code_of(propose, cast.olga(), document=document) == "trust.root_exists"
        assert code_of(accept_trust_root, name="Ours", document=document, profile=None, actor="h:0", now=NOW) == "trust.root_exists"
        assert code_of(propose_removal, digest=row.digest, reason=REASON, by=cast.olga(), now=NOW) == "trust.root_removed"

    def test_removing_again_changes_nothing(self) -> None:
        row = add_trust_root(name="Ours", document=root_document(), profile=None, by=None, now=NOW)
        for at in (NOW, LATER):
            assert remove_trust_root(digest=row.digest, actor="h:" + "0" * 64, now=at).removed_at == NOW
        assert events().count("trust.root_removed") == 1

    def test_what_is_not_there_is_not_removed(self) -> None:
        assert code_of(propose_removal, digest="0" * 64, reason=REASON, by=cast.olga(), now=NOW) == "trust.unknown_root"
        assert code_of(remove_trust_root, digest="0" * 64, actor="h:0", now=NOW) == "trust.unknown_root"


class TestWhoMayNot:
    @pytest.mark.parametrize("person", [cast.dave, cast.alice, cast.mallory, cast.runner], ids=lambda maker: maker.__name__)
    def test_nobody_but_officers(self, person: Any) -> None:
        assert code_of(propose, person()) == "permission.missing"
        row = add_trust_root(name="Ours", document=root_document(), profile=None, by=None, now=NOW)
        assert code_of(propose_removal, digest=row.digest, reason=REASON, by=person(), now=NOW) == "permission.missing"
        proposal = propose(cast.olga())
        for word in TrustAnswer.Word.values:
            assert code_of(answer, proposal, word, person()) == "permission.missing"

    def test_not_the_proposer(self) -> None:
        proposal = propose(cast.olga())
        for word in ("confirm", "refuse"):
            assert code_of(answer, proposal, word, cast.olga()) == "trust.same_person"

    def test_not_who_is_an_officer_no_longer(self) -> None:
        proposal, omar = propose(cast.olga()), cast.omar()
        leave(omar)
        assert code_of(answer, proposal, "confirm", omar) == "permission.missing"

    def test_not_who_was_suspended_since_the_page_was_read(self) -> None:
        proposal, omar = propose(cast.olga()), cast.omar()
        Identity.objects.filter(pk=omar.pk).update(status=Identity.Status.SUSPENDED)
        assert omar.status == Identity.Status.ACTIVE
        assert code_of(answer, proposal, "confirm", omar) == "permission.missing"

    def test_not_with_a_proposer_who_is_an_officer_no_longer(self) -> None:
        proposal = propose(cast.olga())
        leave(cast.olga())
        assert code_of(answer, proposal, "confirm", cast.omar()) == "trust.proposer_left"
        assert (trusted(), TrustAnswer.objects.count()) == ([], 0)

    def test_only_the_proposer_withdraws(self) -> None:
        assert code_of(answer, propose(cast.olga()), "withdraw", cast.omar()) == "trust.not_proposer"

    def test_whoever_registered_a_person_makes_no_officer_of_them(self) -> None:
        made_up = cast.person("eve", "Eve")
        made_up.registered_by = cast.dave()
        assert code_of(grant_role, identity=made_up, role="officer", team=cast.payments(), by=cast.dave(), now=NOW) == "role.second_person"


class TestWhatIsRefused:
    def test_an_answer_about_another_root(self) -> None:
        proposal = propose(cast.olga())
        for shown in ("0" * 64, ""):
            assert code_of(answer, proposal, "confirm", cast.omar(), shown=shown) == "trust.other_digest"

    def test_a_proposal_that_lapsed(self) -> None:
        proposal = propose(cast.olga())
        assert standing_of(get_proposal(proposal.pk), now=LATER).state == "lapsed"
        for word, by in (("confirm", cast.omar()), ("refuse", cast.omar()), ("withdraw", cast.olga())):
            assert code_of(answer, proposal, word, by, now=LATER) == "trust.proposal_lapsed"
        assert answer(proposal, "confirm", cast.omar(), now=LATER - timedelta(seconds=1)).state == "accepted"

    def test_a_lapsed_one_is_proposed_anew(self) -> None:
        document = root_document()
        assert propose(cast.olga(), document=document) != propose(cast.omar(), document=document, now=LATER)

    @pytest.mark.parametrize(("word", "state", "event"), [("refuse", "refused", "refused"), ("withdraw", "withdrawn", "withdrawn")])
    def test_a_proposal_that_is_closed(self, word: str, state: str, event: str) -> None:
        proposal = propose(cast.olga())
        by = cast.omar() if word == "refuse" else cast.olga()
        assert answer(proposal, word, by).state == state
        assert events() == ["trust.change_proposed", f"trust.change_{event}"]
        assert code_of(answer, proposal, "confirm", cast.person("otto", "Otto", "officer")) == "trust.proposal_closed"
        assert trusted() == []

    def test_an_accepted_proposal_is_not_taken_back(self) -> None:
        assert code_of(answer, change_trust(cast.olga(), cast.omar()), "withdraw", cast.olga()) == "trust.proposal_closed"

    def test_the_same_change_by_somebody_else_waits_for_an_answer(self) -> None:
        document = root_document()
        propose(cast.olga(), document=document)
        assert code_of(propose, cast.omar(), document=document) == "trust.proposal_open"
        assert code_of(propose, cast.olga(), document=document, name="Another name") == "trust.proposal_open"

    def test_words_nobody_can_judge_by(self) -> None:
        told: dict[str, Any] = {"document": root_document(), "profile": None, "by": cast.olga(), "now": NOW}
        for reason in ("", "  ", "x" * 501, "two\nlines", "nul\0"):
            assert code_of(propose_trust_root, name="Ours", reason=reason, **told) == "trust.reason"
        for name in ("", "x" * 121, "a\nb"):
            assert code_of(propose_trust_root, name=name, reason=REASON, **told) == "trust.name"

    def test_documents_that_are_no_trust_root(self) -> None:
        assert code_of(propose, cast.olga(), document=b"{}") == "trust_root.malformed"
        assert code_of(propose, cast.olga(), document=b" " * (1024 * 1024 + 1)) == "trust.too_large"

    def test_a_root_that_is_trusted_already(self) -> None:
        document = root_document()
        add_trust_root(name="Ours", document=document, profile=None, by=None, now=NOW)
        assert code_of(propose, cast.olga(), document=document) == "trust.root_exists"

    def test_answers_and_proposals_nobody_knows(self) -> None:
        proposal = propose(cast.olga())
        assert code_of(answer, proposal, "perhaps", cast.omar()) == "trust.answer"
        proposal.pk = "tpr_none"
        assert code_of(answer, proposal, "confirm", cast.omar()) == "trust.proposal_unknown"

    def test_rows_do_not_change(self) -> None:
        proposal = change_trust(cast.olga(), cast.omar())
        with pytest.raises(AppendOnlyError):
            TrustProposal.objects.update(reason="other")
        with pytest.raises(AppendOnlyError):
            proposal.save()


class TestTheFirstSetUp:
    def test_one_person_adds_while_there_are_no_two_officers(self) -> None:
        cast.olga()
        cast.person("pat", "Pat", "officer", project=cast.payments_api())
        assert (list(list_officers()), are_two_officers()) == ([cast.olga()], False)
        add_trust_root(name="Ours", document=root_document(), profile=None, by=None, now=NOW)
        assert len(trusted()) == 1

    def test_nobody_adds_alone_once_there_are_two(self) -> None:
        cast.olga(), cast.omar()
        for by in (None, cast.olga()):
            assert code_of(add_trust_root, name="Ours", document=root_document(), profile=None, by=by, now=NOW) == "trust.two_officers"
        assert trusted() == []

    def test_adding_again_what_is_there_is_nothing(self) -> None:
        document = root_document()
        row = add_trust_root(name="Ours", document=document, profile=None, by=None, now=NOW)
        cast.olga(), cast.omar()
        assert add_trust_root(name="Ours", document=document, profile=None, by=None, now=NOW) == row
        assert code_of(add_trust_root, name="Ours", document=document, profile={"sct": 0}, by=None, now=NOW) == "trust.two_officers"

    def test_an_officer_who_left_does_not_count(self) -> None:
        cast.olga()
        leave(cast.omar())
        assert not are_two_officers()
        Identity.objects.filter(pk=cast.person("otto", "Otto", "officer").pk).update(status=Identity.Status.SUSPENDED)
        assert list(list_officers()) == [cast.olga()]
