"""The life of a request: each act works in the states where it makes sense, and refuses in every other with its code."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from approvals.carried_out.note_promotion import note_promotion
from approvals.models import (
    ApprovalEnd,
    ChangesAnswered,
    Promotion,
    Request,
    RequestExpiry,
    RequestState,
    RequestSubmission,
    Supersession,
    Withdrawal,
)
from approvals.requests.answer_changes import answer_changes
from approvals.requests.expire import expire_unanswered
from approvals.requests.open_request import AskedArtifact, open_request
from approvals.requests.status import compute_standing, why_shut
from approvals.requests.submit import submit_request
from approvals.requests.withdraw import withdraw_request
from attestations.blobs import read_blob
from gates.decide import decide
from identities.models import EventSubject
from ledger.models import Entry
from proofs.canonical import parse_canonical
from proofs.errors import Conflict, Malformed, NotAllowed, Refusal
from tests import cast, make_requests
from tests import make_approvals as make
from tests.make_requests import LATE, LATER, STATES

pytestmark = pytest.mark.django_db
DONE = "done"

# What each act comes to in each state: submit, withdraw, answer the changes, approve, note a promotion.
ACTS = ("submit", "withdraw", "answer", "approve", "promote")
TABLE = {
    "draft": (DONE, DONE, "request.draft", "request.draft", "request.draft"),
    "collecting": ("request.not_a_draft", DONE, "request.no_changes_asked", "request.blocked", "request.not_approved"),
    "ready": ("request.not_a_draft", DONE, "request.no_changes_asked", DONE, "request.not_approved"),
    "in_review": ("request.not_a_draft", DONE, "request.no_changes_asked", DONE, "request.not_approved"),
    "blocked": ("request.not_a_draft", DONE, "request.no_changes_asked", "request.blocked", "request.not_approved"),
    "approved": ("request.not_a_draft", DONE, "request.no_changes_asked", DONE, DONE),
    "rejected": ("request.not_a_draft", "request.closed", "request.no_changes_asked", "request.closed", "request.not_approved"),
    "changes_requested": ("request.not_a_draft", DONE, DONE, "request.closed", "request.not_approved"),
    "stale": ("request.not_a_draft", DONE, "request.no_changes_asked", DONE, "request.not_approved"),
    "expired": ("request.expired",) * 5,
    "withdrawn": ("request.withdrawn",) * 5,
    "superseded": ("request.superseded",) * 5,
    "promoted": ("request.not_a_draft", "request.promoted", "request.no_changes_asked", DONE, DONE),
}
# Of these alone a request runs out that nobody has answered.
EXPIRES = {"collecting", "ready", "blocked"}
SHUT = {"draft", "expired", "withdrawn", "superseded"}


def act_on(request: Request, act: str) -> str:
    """Do one thing and undo it; return its code, or that it was done."""
    ivan = cast.person("ivan", "Ivan Petrov", "approver:release")
    acts: dict[str, Callable[[], object]] = {
        "submit": lambda: submit_request(request=request, by=cast.bob(), now=LATER),
        "withdraw": lambda: withdraw_request(request=request, reason="Not needed.", by=cast.bob(), now=LATER),
        "answer": lambda: answer_changes(request=request, note="Changed it.", by=cast.bob(), now=LATER),
        "approve": lambda: make.begin(request, ivan, make.enrol(ivan)[1], now=LATER),
        "promote": lambda: note_promotion(request=request, decision_id="dec_2", by=cast.runner(), now=LATER),
    }
    try:
        with transaction.atomic():
            acts[act]()
            raise Undo
    except Undo:
        return DONE
    except Refusal as refusal:
        return refusal.code


class Undo(Exception):
    """Nothing of this shall stay."""


@pytest.mark.parametrize("state", STATES)
def test_every_act_in_every_state(state: str) -> None:
    request = STATES[state]()
    assert request.state.status == state == compute_standing(request, now=LATER).status
    assert dict(zip(ACTS, (act_on(request, act) for act in ACTS), strict=True)) == dict(zip(ACTS, TABLE[state], strict=True))
    with transaction.atomic():
        expired = expire_unanswered(now=LATE + timedelta(days=1))
        assert bool(RequestExpiry.objects.filter(request=request).exists()) == (state in {*EXPIRES, "expired"})
        assert bool(expired) or state not in EXPIRES
        transaction.set_rollback(True)


@pytest.mark.parametrize("state", STATES)
def test_the_gate_opens_on_what_is_approved_and_on_nothing_else(state: str) -> None:
    request = STATES[state]()
    answer = decide(digest=make.image(), environment_slug="production", by=cast.runner(), now=LATER)
    assert (answer.outcome == "allow") == (state in {"approved", "promoted"})
    shut = why_shut(request)
    assert (shut is not None) == (state in SHUT)
    if shut is not None:
        assert shut[0] == f"request.{state}"
        assert [reason["code"] for reason in answer.reasons] == [f"request.{state}"]


def test_there_is_a_line_for_every_status() -> None:
    assert set(TABLE) == set(STATES) == set(RequestState.Status.values) - {"revoked"}


def test_what_was_approved_and_withdrawn_opens_no_gate() -> None:
    request = make_requests.approved()
    withdraw_request(request=request, reason="A mistake in it.", by=cast.bob(), now=LATER)
    answer = decide(digest=make.image(), environment_slug="production", by=cast.runner(), now=LATER)
    assert (answer.outcome, [reason["code"] for reason in answer.reasons]) == ("deny", ["request.withdrawn"])


def test_a_revoked_approval_leaves_the_request_revoked_until_another_suffices() -> None:
    request = make_requests.approved()
    approval = compute_standing(request, now=LATER).answers[0]
    ended: dict[str, Any] = {"code": "approval.revoked", "sentence": "Taken back", "entry": Entry.objects.latest("pk"), "ended_at": LATER}
    ApprovalEnd.objects.create(approval=approval, **ended)
    assert compute_standing(request, now=LATER).status == "revoked"
    make.approve(request, cast.person("ivan", "Ivan Petrov", "approver:release"), now=LATER)
    assert compute_standing(request, now=LATER).status == "approved"


class TestDraft:
    def test_is_frozen_anew_when_it_is_submitted_after_a_change(self) -> None:
        request = make_requests.draft()
        stricter = make.store_policy(source=make.POLICY.format(version=2, count=2), by=make.erin(), now=LATER)
        make.activate_policy(policy=stricter, project=cast.payments_api(), environment=cast.production(), by=make.erin(), now=LATER)
        make.refresh(now=LATER)
        assert request.revisions.count() == 1
        submit_request(request=request, by=cast.bob(), now=LATER)
        assert (request.revisions.count(), RequestState.objects.get().status) == (2, "ready")
        assert Entry.objects.filter(event="request.submitted").count() == RequestSubmission.objects.count() == 1

    def test_supersedes_nothing_before_it_is_submitted(self) -> None:
        older = make_requests.ready()
        asked = {"project": cast.payments_api(), "environment": cast.production(), "title": "Next", "by": cast.bob(), "now": LATER}
        newer = open_request(**asked, artifacts=[AskedArtifact(make.image("2"), "payments/api:2")], is_draft=True)  # type: ignore[arg-type]
        assert not Supersession.objects.exists()
        submit_request(request=newer, by=cast.bob(), now=LATER)
        assert Supersession.objects.get().request == older


class TestWithdraw:
    def test_says_why_in_the_ledger_and_tells_who_asked(self) -> None:
        row = make_requests.withdrawn().withdrawal
        document = parse_canonical(read_blob(row.entry.ref_digest))
        assert (document["reason"], document["request"], row.entry.event) == ("Not needed.", row.request_id, "request.withdrawn")
        assert EventSubject.objects.get(entry=row.entry).identity == cast.bob()

    def test_takes_who_asked_or_answers_for_the_program_that_did(self) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        request = make.ask(by=cast.runner())
        for stranger in (cast.alice(), cast.dave()):
            with pytest.raises(NotAllowed) as refused:
                withdraw_request(request=request, reason="No.", by=stranger, now=LATER)
            assert refused.value.code == "request.not_yours"
        with pytest.raises(Malformed) as wordless:
            withdraw_request(request=request, reason=" ", by=cast.bob(), now=LATER)
        assert wordless.value.code == "request.text"
        assert withdraw_request(request=request, reason="No.", by=cast.bob(), now=LATER).by == cast.bob()

    def test_happens_once_whatever_the_code_says(self) -> None:
        row = make_requests.withdrawn().withdrawal
        entry = Entry.objects.exclude(pk=row.entry_id).latest("pk")
        with pytest.raises(IntegrityError), transaction.atomic():
            Withdrawal.objects.create(request=row.request, by=row.by, reason="again", entry=entry, withdrawn_at=LATER)


class TestSupersede:
    def test_names_the_newer_one(self) -> None:
        older = make_requests.superseded()
        row = Supersession.objects.get()
        assert (row.request, row.by_request.title, row.entry.event) == (older, "payments/api 1.4.3", "request.superseded")

    @pytest.mark.parametrize(
        ("older", "newer", "is_superseded"),
        [
            (["payments/api:1"], ["payments/api:2"], True),
            (["payments/api:1"], ["payments/api:2", "payments/web:2"], True),
            (["payments/api:1", "payments/web:1"], ["payments/api:2"], False),
            (["payments/api:1"], ["payments/apis:2"], False),
            (["registry.example/payments/api@sha256:" + "a" * 64], ["registry.example/payments/api:2"], True),
            (["pkg:npm/%40acme/app@1"], ["pkg:npm/%40acme/app@2"], True),
            (["pkg:npm/%40acme/app@1"], ["pkg:npm/%40other/app@2"], False),
            ([""], [""], False),
        ],
    )
    def test_takes_the_same_names_whatever_their_version(self, older: list[str], newer: list[str], is_superseded: bool) -> None:
        make.set_stage()
        for version, names in enumerate((older, newer)):
            open_request(
                project=cast.payments_api(),
                environment=cast.production(),
                title="A release",
                artifacts=[AskedArtifact(make.image(f"{version} {name}"), name) for name in names],
                by=cast.bob(),
                now=make.NOW,
            )
        assert Supersession.objects.exists() == is_superseded

    def test_the_same_question_once_more_supersedes_nothing(self) -> None:
        make_requests.ready()
        make.ask(now=LATER)
        assert not Supersession.objects.exists()

    def test_leaves_alone_what_is_approved_or_goes_elsewhere(self) -> None:
        make_requests.approved()
        make.ask(tag="1.4.3", now=LATER)
        assert not Supersession.objects.exists()


class TestExpire:
    def test_waits_as_long_as_the_tier_says(self, settings: Any) -> None:
        settings.REQUEST_EXPIRY_DAYS = {1: 30, 2: 30, 3: 2}
        make_requests.ready()
        assert expire_unanswered(now=make.NOW + timedelta(hours=47)) == 0
        assert [expire_unanswered(now=make.NOW + timedelta(hours=48)) for _ in range(2)] == [1, 0]
        assert Entry.objects.filter(event="request.expired").count() == 1

    def test_counts_from_when_a_draft_was_submitted(self) -> None:
        request = make_requests.draft()
        submit_request(request=request, by=cast.bob(), now=make.NOW + timedelta(days=20))
        assert expire_unanswered(now=make.NOW + timedelta(days=49)) == 0
        assert expire_unanswered(now=make.NOW + timedelta(days=50)) == 1


class TestAnswerChanges:
    def test_freezes_a_revision_that_says_what_changed(self) -> None:
        request = make_requests.answered("request_changes")
        revision = answer_changes(request=request, note="Removed the export job.", by=cast.bob(), now=LATER)
        row = ChangesAnswered.objects.get()
        assert (row.revision, row.entry.event, revision.number) == (revision, "request.changes_answered", 2)
        for blob in (revision.document_id, revision.snapshot_id):
            assert parse_canonical(read_blob(blob))["answersChanges"] == "Removed the export job."
        assert RequestState.objects.get().status == "ready"
        make.approve(request, cast.alice(), now=LATER)
        assert decide(digest=make.image(), environment_slug="production", by=cast.runner(), now=LATER).outcome == "allow"

    def test_is_the_requesters_alone(self) -> None:
        request = make_requests.answered("request_changes")
        other = cast.person("frank", "Frank Adler", "requester")
        with pytest.raises(NotAllowed) as refused:
            answer_changes(request=request, note="Done.", by=other, now=LATER)
        assert refused.value.code == "request.not_yours"


class TestPromotion:
    def test_is_noted_once(self) -> None:
        request = make_requests.approved()
        first = note_promotion(request=request, decision_id="dec_1", by=cast.runner(), now=make.NOW)
        assert note_promotion(request=request, decision_id="dec_2", by=cast.runner(), now=LATER) == first
        assert (Promotion.objects.count(), Entry.objects.filter(event="request.promoted").count()) == (1, 1)

    def test_stays_promoted_when_the_approvals_run_out(self) -> None:
        request = make_requests.promoted()
        assert compute_standing(request, now=make.NOW + timedelta(hours=73)).status == "promoted"

    def test_a_later_no_is_what_is_shown(self) -> None:
        request = make_requests.promoted()
        ivan = cast.person("ivan", "Ivan Petrov", "approver:release")
        passkey, key = make.enrol(ivan)
        make.complete(make.begin(request, ivan, key, decision="reject", reason="It fails."), passkey)
        assert compute_standing(request, now=LATER).status == "rejected"
        with pytest.raises(Conflict):
            withdraw_request(request=request, reason="No.", by=cast.bob(), now=LATER)
