"""Somebody answers in another's stead: signed, dated, eligible, once, and taken back at any time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from approvals.attention.unblock import read_blockers
from approvals.delegation.take_back import take_back
from approvals.models import Approval, ApprovalEnd, Attention, Ceremony, Delegation, DelegationEnd, Request, StatementCeremony
from approvals.packs.build import build_pack
from approvals.pages.decision_panel import read_panel
from approvals.requests.status import compute_standing
from approvals.trust import current_trust
from gates.present_facts import check_present_facts
from identities.people.deactivate import deactivate_person
from identities.people.roles import grant_role
from portal.notices.concerned import list_told
from proofs.errors import Refusal
from proofs.pack import layout
from proofs.pack.verify import verify_pack
from tests import cast, make_delegations, make_statements
from tests import make_approvals as make

pytestmark = pytest.mark.django_db
NOW, LATER = make.NOW, make.NOW + timedelta(hours=1)


def asked(*, count: int = 1, source: str = make_delegations.ALLOWED) -> Request:
    stage = make.set_stage(count=count, source=source)
    make.send_provenance(stage)
    return make.ask()


def status(request: Request) -> str:
    return str(compute_standing(request, now=LATER).status)


class TestAnAnswerInStead:
    def test_counts_for_the_delegator_at_the_gate_and_offline(self) -> None:
        request, row = asked(), make_delegations.give(cast.alice(), make_delegations.dana())
        approval = make_delegations.answer(request, row, now=LATER)
        assert (status(request), approval.in_stead.person) == ("approved", cast.alice())
        assert check_present_facts(request, digest=make.image(), now=LATER) == []
        files = build_pack(request=request, now=LATER)
        report = verify_pack(files, trust=current_trust(), digest=make.image(), environment="production", at=LATER)
        (told,) = report.approvals
        assert (told.subject, told.standing_in_for, told.roles) == (
            row.delegate.subject,
            (row.delegator.issuer, row.delegator.subject),
            ("approver:release",),
        )
        # Without the delegation, or with another record in its place, nothing counts.
        paths = layout.delegation_paths(row.signed.payload_digest)
        for change, code in (
            (dict.fromkeys(paths), "delegation.missing"),
            ({paths[0]: bytes(approval.record.envelope)}, "delegation.mismatch"),
            ({paths[2]: files[layout.signer_path(make_statements.passkey_of(row.delegate)[1].key_id)]}, "signer.key_mismatch"),
        ):
            altered = {path: content for path, content in {**files, **change}.items() if content is not None}
            altered[layout.INDEX] = layout.build_index(altered)
            with pytest.raises(Refusal) as refused:
                verify_pack(altered, trust=current_trust(), digest=make.image(), environment="production", at=LATER)
            assert refused.value.code == code

    def test_is_one_vote_whoever_gives_it(self) -> None:
        alice, dana = cast.alice(), make_delegations.dana()
        request, row = asked(count=2), make_delegations.give(alice, dana)
        make_delegations.answer(request, row, now=LATER)
        assert status(request) == "in_review"
        key = make_statements.passkey_of(alice)[1]
        with pytest.raises(Refusal, match="in your stead"):
            make.begin(request, alice, key, now=LATER)
        # Nor does a second person stand in for her.
        erik = cast.person("erik", "Erik Holm", "approver:security")
        make_statements.passkey_of(erik)
        second = make_delegations.give(alice, erik)
        with pytest.raises(Refusal) as refused:
            make_delegations.answer(request, second, now=LATER)
        assert refused.value.code == "approval.already_answered"

    def test_takes_a_policy_that_allows_it(self) -> None:
        request, row = asked(source=make.POLICY), make_delegations.give(cast.alice(), make_delegations.dana())
        with pytest.raises(Refusal) as refused:
            make_delegations.answer(request, row, now=LATER)
        assert refused.value.code == "delegation.forbidden"

    def test_takes_two_who_are_free(self) -> None:
        """Bob asks; neither does he stand in for anybody, nor anybody for him."""
        bob, alice = cast.bob(), cast.alice()
        grant_role(identity=bob, role="approver:release", team=cast.payments(), project=None, by=None, now=NOW)
        request = asked()
        make_statements.passkey_of(bob)
        for row in (make_delegations.give(bob, make_delegations.dana()), make_delegations.give(alice, bob)):
            with pytest.raises(Refusal) as refused:
                make_delegations.answer(request, row, now=LATER)
            assert refused.value.code == "sod.violation"

    def test_takes_the_role_until_it_counts(self) -> None:
        alice = cast.alice()
        request, row = asked(), make_delegations.give(alice, make_delegations.dana())
        make_delegations.answer(request, row, now=LATER)
        assignment = alice.roles.get()
        assignment.ended_at = LATER
        assignment.save()
        assert [reason.code for reason in check_present_facts(request, digest=make.image(), now=LATER)] == ["signer.role_lost"]

    def test_is_for_whom_it_was_given(self) -> None:
        alice, dana = cast.alice(), make_delegations.dana()
        request, row = asked(), make_delegations.give(alice, dana)
        erik = cast.person("erik", "Erik Holm", "approver:security")
        with pytest.raises(Refusal) as refused:
            make.begin(request, erik, make_statements.passkey_of(erik)[1], in_stead=row, now=LATER)
        assert refused.value.code == "delegation.not_yours"


class TestTakingBack:
    @pytest.mark.parametrize("who", ["delegator", "delegate"])
    def test_ends_what_was_answered_and_not_used(self, who: str) -> None:
        request, row = asked(), make_delegations.give(cast.alice(), make_delegations.dana())
        make_delegations.answer(request, row, now=LATER)
        with pytest.raises(Refusal, match="whoever delegated"):
            take_back(delegation=row, reason="No", by=cast.bob(), now=LATER)
        take_back(delegation=row, reason="I am back.", by=getattr(row, who), now=LATER)
        assert ApprovalEnd.objects.get().code == "delegation.taken_back"
        assert status(request) != "approved"
        with pytest.raises(Refusal) as refused:
            take_back(delegation=row, reason="Again", by=row.delegator, now=LATER)
        assert refused.value.code == "delegation.over"

    def test_during_a_ceremony_leaves_nothing_signed(self) -> None:
        request, row = asked(), make_delegations.give(cast.alice(), make_delegations.dana())
        passkey, key = make_statements.passkey_of(row.delegate)
        ceremony = make.begin(request, row.delegate, key, in_stead=row, now=LATER)
        take_back(delegation=row, reason="I am back.", by=row.delegator, now=LATER)
        with pytest.raises(Refusal) as refused:
            make.complete(ceremony, passkey, now=LATER)
        assert (refused.value.code, Approval.objects.exists()) == ("delegation.ended", False)

    def test_a_person_who_leaves_takes_it_along(self) -> None:
        request, row = asked(), make_delegations.give(cast.alice(), make_delegations.dana())
        make_delegations.answer(request, row, now=LATER)
        deactivate_person(identity=row.delegator, reason="Left", by=cast.dave(), now=LATER)
        assert (DelegationEnd.objects.get().code, ApprovalEnd.objects.get().code) == ("delegation.deactivated", "approver.deactivated")
        assert status(request) != "approved"


@pytest.mark.parametrize("who", ["delegator", "delegate"])
def test_whoever_leaves_holds_their_delegations_before_the_ledger(who: str) -> None:
    """Somebody who answers under one holds it and waits for the ledger: held the other way round, the two would wait for each other."""
    first, row = asked(), make_delegations.give(cast.alice(), make_delegations.dana())
    make_delegations.answer(first, row, now=LATER)
    dave = cast.dave()
    with CaptureQueriesContext(connection) as captured:
        deactivate_person(identity=getattr(row, who), reason="Left", by=dave, now=LATER)
    tables = ('FROM "approvals_delegation"', 'FROM "ledger_head"')
    asked_for = [table for query in captured for table in tables if f"{table} " in query["sql"] and query["sql"].startswith("SELECT")]
    assert (asked_for[0], asked_for.count(tables[1]) > 0) == (tables[0], True)


def test_is_offered_where_it_helps_and_told_to_whom_it_concerns() -> None:
    """The page offers it, whose turn it is and who can unblock name both, and delegate and policy owner are told."""
    alice, dana = cast.alice(), make_delegations.dana()
    stage = make.set_stage(source=make_delegations.ALLOWED)
    row = make_delegations.give(alice, dana)
    make.send_provenance(stage)
    request = make.ask()
    revision = request.revisions.get()
    standing = compute_standing(request, now=NOW)
    panel = read_panel(request=request, revision=revision, standing=standing, reader=dana, now=NOW)
    assert (panel.why_not, panel.in_stead, panel.may_answer_as_oneself) == ("", [row], False)
    turns = dict(Attention.objects.filter(request=request).values_list("identity__name", "sentence"))
    assert turns["Dana Okafor"] == "You answer for Alice Chen, release approver"
    (blocker,) = read_blockers(request=request, standing=standing, reader=dana, now=NOW)
    assert blocker.who == ("Alice Chen", f"Dana Okafor for Alice Chen until {row.until:%-d %B}")
    assert blocker.why_not_you == ""
    assert {told.identity.name for told in list_told(row.entry)} == {"Dana Okafor", "Erin Okafor"}
    end = take_back(delegation=row, reason="I am back.", by=alice, now=LATER)
    assert {told.identity.name for told in list_told(end.entry)} == {"Dana Okafor", "Erin Okafor"}


def test_pages_give_it_use_it_and_take_it_back(client: Client) -> None:
    alice, dana = cast.alice(), make_delegations.dana()
    now = timezone.now()
    stage = make.set_stage(source=make_delegations.ALLOWED, now=now)
    make.send_provenance(stage, now=now)
    request = make.ask(now=now)
    key = make_statements.passkey_of(alice)[1]
    cast.let_in(client, alice)
    given = {
        "project": cast.payments_api().pk,
        "delegate": dana.pk,
        "roles": ["approver:release"],
        "first": f"{now:%Y-%m-%d}",
        "last": f"{now + timedelta(days=40):%Y-%m-%d}",
        "justification": "I am away.",
        "key": key.pk,
    }
    refused = client.post("/delegations/new", given)
    assert (refused.status_code, b"30 at most" in refused.content) == (400, True)
    begun = client.post("/delegations/new", {**given, "last": f"{now + timedelta(days=3):%Y-%m-%d}"})
    shown = client.get(begun["Location"])
    assert b"Let somebody answer for you" in shown.content
    ceremony = StatementCeremony.objects.get()
    assertion = make.posted(make._PASSKEYS[key.pk], bytes(ceremony.payload))
    assert client.post(f"{begun['Location']}/complete", {"assertion": assertion})["Location"] == "/delegations"
    row = Delegation.objects.get()
    assert b"Dana Okafor" in client.get("/delegations").content
    cast.let_in(client, dana)
    snapshot = request.revisions.get().snapshot_id
    page = client.get(f"/requests/{request.pk}/sign", {"snapshot": snapshot, "decision": "approve"})
    assert b"For Alice Chen, until" in page.content
    dana_key = make_statements.passkey_of(dana)[1]
    answer = {"snapshot": snapshot, "decision": "approve", "key": dana_key.pk, "in_stead": row.pk, "digest_tail": make.image()}
    begun = client.post(f"/requests/{request.pk}/sign", answer)
    assert b"In the stead of alice." in client.get(begun["Location"]).content
    assertion = make.posted(make._PASSKEYS[dana_key.pk], bytes(Ceremony.objects.get().payload))
    record = client.post(f"{begun['Location']}/complete", {"assertion": assertion})["Location"]
    assert b"<bdi>Dana Okafor</bdi> approved for <bdi>Alice Chen</bdi>" in client.get(record).content
    assert b"for <bdi>Alice Chen</bdi>, who lets them until" in client.get(f"/requests/{request.pk}").content
    told = client.get(f"/requests/{request.pk}")
    assert told.status_code == 200
    assert client.get(f"/delegations/{row.pk}/end").status_code == 200
    assert client.post(f"/delegations/{row.pk}/end", {"reason": "Not needed"})["Location"] == "/delegations"
    assert DelegationEnd.objects.get().by == dana


def test_is_given_only_to_somebody_who_could_answer_and_only_for_a_while() -> None:
    make.set_stage()
    alice, dana = cast.alice(), make_delegations.dana()
    keyless = cast.person("kim", "Kim Berg", "approver:owner")
    for delegate, changes, code in (
        (alice, {}, "delegation.self"),
        (cast.carol(), {}, "delegation.delegate"),
        (keyless, {}, "delegation.delegate"),
        (dana, {"roles": ["approver:security"]}, "delegation.roles"),
        (dana, {"roles": []}, "delegation.roles"),
        (dana, {"until": NOW + timedelta(days=31)}, "delegation.window"),
        (dana, {"until": NOW}, "delegation.window"),
        (dana, {"justification": " "}, "statement.reason_missing"),
    ):
        with pytest.raises(Refusal) as refused:
            make_delegations.begin(alice, delegate, **changes)
        assert refused.value.code == code
    # A delegate has nothing to pass on: the role that was lent is not theirs.
    row = make_delegations.give(alice, dana)
    with pytest.raises(Refusal) as refused:
        make_delegations.begin(dana, alice)
    assert (refused.value.code, Delegation.objects.get()) == ("delegation.roles", row)
