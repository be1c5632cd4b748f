"""The four answers on an artifact's page, through the real acts: what the verdict found, who counts, and never against the gate."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client

from approvals.policies.versions import activate_policy, store_policy
from gates.decide import decide
from identities.lifecycle.change_status import suspend_identity
from identities.models import EvidenceSigner, Identity
from identities.revoke_signer import revoke_signer
from proofs.answers.told import Answer
from reports.passport.now import ask_now
from tests import cast
from tests import make_approvals as make

pytestmark = pytest.mark.django_db


def at(minutes: int) -> datetime:
    return make.NOW + timedelta(minutes=minutes)


def answer(number: int, *, minutes: int = 5) -> Answer:
    return ask_now(make.image(), reader=cast.carol(), now=at(minutes)).questions[number]


def gate(*, minutes: int = 5) -> str:
    return str(decide(digest=make.image(), environment_slug="production", by=cast.runner(), now=at(minutes)).outcome)


def kim() -> Identity:
    return cast.person("kim", "Kim Osei", "approver:release")


class TestWhoSigned:
    def test_a_suspended_signer_is_told_at_once(self) -> None:
        make.send_provenance(make.set_stage())
        suspend_identity(identity=cast.runner(), reason="stolen", by=None, now=at(1))
        found = answer(0)
        assert (found.code, found.answer, found.tone) == ("signer.suspended", "no", "bad")
        assert cast.runner().name in found.words

    def test_an_orphan_is_told_at_once(self) -> None:
        make.send_provenance(make.set_stage())
        suspend_identity(identity=cast.bob(), reason="left", by=None, now=at(1))
        assert answer(0).code == "signer.orphaned"

    def test_a_revoked_signer_is_told_once_it_is_verified_again(self) -> None:
        stage = make.set_stage()
        signer = EvidenceSigner.objects.get(identity=cast.runner())
        revoke_signer(signer=signer, revoked_from=at(-1), reason="stolen", by=None, now=at(0))
        make.send_provenance(stage)
        found = answer(0)
        assert (found.code, found.tone) == ("signer.revoked", "bad") and "nobody registered" not in found.words


class TestMadeFrom:
    def test_a_stranger_alone_proves_nothing(self) -> None:
        make.send_of_a_stranger(make.set_stage(), by=make.other_teams_bot())
        found = ask_now(make.image(), reader=cast.carol(), now=at(5))
        assert (found.questions[1].code, found.questions[1].answer) == ("source.said_by_nobody", "unknown")
        assert [link.state for link in found.passport.chain[:3]] == ["claimed"] * 3

    @pytest.mark.parametrize("is_registered", [False, True])
    def test_a_stranger_does_not_spoil_ours(self, is_registered: bool) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        if is_registered:
            make.register_stranger()
        make.send_of_a_stranger(stage, by=make.other_teams_bot())
        found = answer(1)
        assert (found.code, found.answer, found.tone) == ("source.proved", "yes", "ok")
        assert any("https://github.com/intern/fork" in reason for reason in found.reasons)


class TestAlteredSince:
    def test_a_failed_test_that_no_rule_asks_for_is_named(self, client: Client) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        make.send_tests(stage)
        make.approve(make.ask(), cast.alice())
        failed = make.send_tests(stage, result="FAILED", now=at(2))
        make.refresh(now=at(3))
        found = answer(3)
        assert (gate(), found.code, found.answer, found.tone) == ("allow", "review.newer_evidence", "unknown", "unknown")
        assert [item.id for item in found.evidence] == [failed.pk]
        client.force_login(cast.account_of(cast.carol()))
        page = client.get(f"/artifacts/{make.image()}/now").content.decode()
        assert f'href="/attestations/{failed.pk}">in-toto.io/attestation/test-result/v0.1' in page

    def test_what_another_team_sent_since_changes_nothing(self) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        make.approve(make.ask(), cast.alice())
        make.register_stranger()
        make.send_of_a_stranger(stage, by=make.other_teams_bot(), now=at(2))
        found = answer(3)
        assert (found.code, gate()) == ("review.unchanged", "allow")
        assert any("from another team" in reason for reason in found.reasons)

    def test_one_of_two_approvals_is_no_change(self) -> None:
        make.send_provenance(make.set_stage(count=2))
        make.approve(make.ask(), cast.alice())
        found = answer(3)
        assert (found.code, found.answer, found.tone) == ("review.not_approved", "unknown", "unknown")
        assert "1 of 2 approvals" in found.words

    def test_a_no_is_told_as_one(self) -> None:
        make.send_provenance(make.set_stage(count=2))
        request = make.ask()
        make.approve(request, cast.alice())
        passkey, key = make.enrol(kim())
        make.complete(make.begin(request, kim(), key, decision="reject", reason="malware", now=at(2)), passkey, now=at(2))
        found = answer(3)
        assert (found.code, gate()) == ("review.refused", "deny") and "Kim Osei" in found.words

    def test_a_no_to_an_earlier_revision_is_no_answer_to_the_newest(self) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        request = make.ask()
        passkey, key = make.enrol(kim())
        make.complete(make.begin(request, kim(), key, decision="request_changes", reason="test it", now=at(1)), passkey, now=at(1))
        assert answer(3, minutes=2).code == "review.refused"
        make.send_lie(stage, now=at(2))
        make.refresh(now=at(3))
        found = answer(3)
        assert (found.code, found.tone) == ("review.not_approved", "unknown") and "0 of 1 approval" in found.words

    def test_an_older_request_that_a_later_one_superseded_is_ignored(self) -> None:
        make.send_provenance(make.set_stage())
        make.approve(make.ask(), cast.alice())
        policy = store_policy(source=make.POLICY.format(version=2, count=1), by=make.erin(), now=at(1))
        activate_policy(policy=policy, project=cast.payments_api(), environment=cast.production(), by=make.erin(), now=at(1))
        make.refresh(now=at(2))
        stale = answer(3, minutes=2)
        assert (stale.code, stale.tone) == ("review.changed", "bad") and "The policy was replaced" in stale.reasons[0]
        make.approve(make.ask(now=at(3)), kim(), now=at(3))
        assert (answer(3).code, gate()) == ("review.unchanged", "allow")

    def test_the_evidence_that_changed_is_named_before_and_after_the_request_is_frozen_anew(self) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        make.approve(make.ask(), cast.alice())
        lie = make.send_lie(stage, now=at(1))
        before = answer(3, minutes=2)
        make.refresh(now=at(2))
        after = answer(3)
        for found in (before, after):
            assert (found.code, found.answer, found.tone) == ("review.changed", "yes", "bad")
            assert [item.id for item in found.evidence] == [lie.pk]
            assert found.reasons[0].startswith("Came in since: ")
            assert not any("every role" in reason for reason in found.reasons)
        assert gate() == "deny"

    def test_where_the_gate_opens_nothing_is_called_bad(self) -> None:
        """A policy that asks for no evidence opens for an artifact about which nothing verified."""
        start, end = make.POLICY.index("  - id: provenance"), make.POLICY.index("  - id: approval")
        stage = make.set_stage(source=make.POLICY[:start] + make.POLICY[end:])
        make.send_lie(stage)
        make.approve(make.ask(), cast.alice())
        found = ask_now(make.image(), reader=cast.carol(), now=at(5))
        assert gate() == "allow"
        assert [item.answer for item in found.questions] == ["no", "unknown", "unknown", "no"]
        assert "bad" not in {item.tone for item in found.questions}
