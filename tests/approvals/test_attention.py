"""Attention: rows say whose turn it is after every act, can be rebuilt, and cost the same however many may approve."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals.attention.pass_turn import pass_turn
from approvals.attention.renew import rebuild_attention, renew_due
from approvals.attention.unblock import read_blockers
from approvals.desk.read_queue import read_queue
from approvals.desk.tabs import TITLES
from approvals.models import Attention, Request, TurnPassed
from approvals.requests.revise import revise_request
from approvals.requests.status import compute_standing
from identities.lifecycle.change_owner import change_owner
from identities.models import Identity, RoleAssignment
from identities.people.deactivate import deactivate_person
from identities.people.roles import grant_role
from proofs.errors import Conflict, Malformed, NotAllowed
from tests import cast
from tests import make_approvals as make

pytestmark = pytest.mark.django_db
LATER = make.NOW + timedelta(minutes=5)


def anna() -> Identity:
    return cast.person("anna", "Anna Berg", "approver:release")


def ready(*, count: int = 1, by: Identity | None = None) -> Request:
    cast.alice()
    make.send_provenance(make.set_stage(count=count))
    return make.ask(by=by)


def whose(request: Request) -> dict[str, str]:
    return {row.identity.name: row.reason_code for row in Attention.objects.filter(request=request).select_related("identity")}


def object_to(request: Request, person: Identity, decision: str) -> None:
    passkey, key = make.enrol(person)
    make.complete(make.begin(request, person, key, decision=decision, reason="The date is wrong."), passkey)


def queue_of(person: Identity) -> dict[str, list[str]]:
    return {tab: [row.why for row in read_queue(person, show=tab, now=make.NOW).rows] for tab in TITLES}


class TestWhoseTurn:
    def test_the_approvers_where_it_is_and_not_who_asks_or_has_the_role_elsewhere(self) -> None:
        other = cast.Team.objects.create(slug="search", name="Search")
        cast.person("eve", "Eve Stone", "approver:release", team=other)
        grant_role(identity=cast.bob(), role="approver:release", team=cast.payments(), project=None, by=None, now=make.NOW)
        assert whose(ready()) == {"Alice Chen": "approve"}

    def test_after_one_of_two_the_other_and_after_both_nobody(self) -> None:
        anna()
        request = ready(count=2)
        make.approve(request, cast.alice())
        assert whose(request) == {"Anna Berg": "approve"}
        make.approve(request, anna())
        assert whose(request) == {}

    @pytest.mark.parametrize(("decision", "code"), [("request_changes", "change"), ("reject", "rejected")])
    def test_a_no_goes_back_to_who_asked(self, decision: str, code: str) -> None:
        request = ready()
        object_to(request, cast.alice(), decision)
        assert whose(request) == {"Bob Ruiz": code}

    def test_and_from_a_program_to_who_answers_for_it(self) -> None:
        request = ready(by=cast.runner())
        object_to(request, cast.alice(), "request_changes")
        assert whose(request) == {"Bob Ruiz": "change"}

    def test_a_new_revision_asks_the_signers_of_the_last_one(self) -> None:
        anna()
        request = ready()
        make.approve(request, cast.alice())
        revise_request(request=request, by=None, now=LATER)
        assert whose(request) == {"Alice Chen": "changed", "Anna Berg": "approve"}

    def test_an_approver_who_left_leaves_it_to_the_others(self) -> None:
        anna()
        request = ready()
        make.approve(request, cast.alice())
        deactivate_person(identity=cast.alice(), reason="Left", by=cast.dave(), now=LATER)
        assert whose(request) == {"Anna Berg": "ended"}

    def test_since_stays_while_the_reason_does(self) -> None:
        request = ready()
        rebuild_attention(now=LATER)
        assert Attention.objects.get(request=request).since == make.NOW

    def test_the_queue_goes_by_it(self) -> None:
        ready()
        assert queue_of(cast.alice())["mine"] == ["You are release approver"]
        assert queue_of(cast.bob())["others"] == ["You asked for it. Waits for release approver"]

    def test_and_offers_nothing_to_whoever_took_over_the_program_that_asks(self) -> None:
        anna()
        request = ready(by=cast.runner())
        change_owner(identity=cast.runner(), owner=cast.alice(), reason="Bob left.", by=cast.dave(), now=LATER)
        # Nobody has renewed the rows yet.
        assert whose(request) == {"Alice Chen": "approve", "Anna Berg": "approve"}
        assert (queue_of(cast.alice())["mine"], queue_of(cast.alice())["others"]) == ([], ["You asked for it. Waits for release approver"])
        assert queue_of(anna())["mine"] == ["You are release approver"]
        with pytest.raises(NotAllowed) as refused:
            make.approve(request, cast.alice(), now=LATER)
        assert refused.value.code == "sod.violation"


class TestLeave:
    def test_it_is_left_to_others_and_comes_back_with_a_new_revision(self) -> None:
        request = ready()
        pass_turn(request=request, reason="On leave", by=cast.alice(), now=make.NOW)
        assert whose(request) == {}
        revise_request(request=request, by=None, now=LATER)
        assert whose(request) == {"Alice Chen": "approve"}

    def test_whoever_left_it_may_still_answer(self) -> None:
        request = ready()
        pass_turn(request=request, reason="On leave", by=cast.alice(), now=make.NOW)
        make.approve(request, cast.alice())
        assert compute_standing(request, now=make.NOW).status == "approved"

    def test_not_without_a_reason(self) -> None:
        with pytest.raises(Malformed) as refused:
            pass_turn(request=ready(), reason=" ", by=cast.alice(), now=make.NOW)
        assert refused.value.code == "request.text"

    def test_not_what_waits_for_others_nor_twice(self) -> None:
        request = ready()
        pass_turn(request=request, reason="On leave", by=cast.alice(), now=make.NOW)
        for person in (cast.alice(), cast.carol()):
            with pytest.raises(Conflict) as refused:
                pass_turn(request=request, reason="On leave", by=person, now=make.NOW)
            assert refused.value.code == "attention.not_yours"
        assert TurnPassed.objects.count() == 1

    def test_not_by_somebody_without_a_role(self) -> None:
        with pytest.raises(NotAllowed):
            pass_turn(request=ready(), reason="Why not", by=cast.mallory(), now=make.NOW)


class TestRenew:
    def test_rows_can_be_rebuilt(self) -> None:
        request = ready()
        Attention.objects.all().delete()
        assert rebuild_attention(now=make.NOW) == 1
        assert whose(request) == {"Alice Chen": "approve"}

    def test_a_role_given_later_is_noticed_and_nothing_else_is_looked_at(self) -> None:
        request = ready()
        assert renew_due(now=make.NOW) == 0
        cast.person("anna", "Anna Berg", "approver:release", now=LATER)
        assert renew_due(now=LATER) == 1
        assert set(whose(request)) == {"Alice Chen", "Anna Berg"}
        assert renew_due(now=LATER) == 0

    def test_after_an_hour_it_is_looked_at_in_any_case(self) -> None:
        request = ready()
        Identity.objects.filter(pk=cast.alice().pk).update(status="suspended")
        assert renew_due(now=make.NOW + timedelta(hours=1)) == 1
        assert whose(request) == {}


class TestAThousandApprovers:
    def queries(self, request: Request) -> tuple[int, int, int]:
        Attention.objects.all().delete()
        counts = []
        carol = cast.carol()
        with CaptureQueriesContext(
            connection,
        ) as written:
            rebuild_attention(now=make.NOW)
        # SQLite takes a bounded number of values in one statement, so the rows themselves go in batches there.
        counts.append(len([query for query in written if not query["sql"].startswith('INSERT INTO "approvals_attention"')]))
        with CaptureQueriesContext(connection) as read:
            read_queue(carol, now=make.NOW)
        counts.append(len(read))
        standing = compute_standing(request, now=make.NOW)
        with CaptureQueriesContext(connection) as asked:
            assert read_blockers(request=request, standing=standing, reader=carol, now=make.NOW)
        counts.append(len(asked))
        return counts[0], counts[1], counts[2]

    def test_cost_the_queries_of_one(self) -> None:
        request = ready()
        few = self.queries(request)
        team = cast.payments()
        people = Identity.objects.bulk_create(
            Identity(kind="person", name=f"P{number}", issuer="https://idp.example", subject=f"p{number}", created_at=make.NOW)
            for number in range(1000)
        )
        role = RoleAssignment.Role.APPROVER_RELEASE
        RoleAssignment.objects.bulk_create(RoleAssignment(identity=person, role=role, team=team, granted_at=make.NOW) for person in people)
        assert self.queries(request) == few
        assert Attention.objects.filter(request=request).count() == 1001


class TestUnblock:
    def test_says_who_can_and_why_the_reader_may_not(self) -> None:
        request = ready()
        standing = compute_standing(request, now=make.NOW)
        (for_bob,) = read_blockers(request=request, standing=standing, reader=cast.bob(), now=make.NOW)
        assert (for_bob.who, for_bob.why_not_you) == (("Alice Chen",), "You may not decide this, because you asked for it.")
        (for_carol,) = read_blockers(request=request, standing=standing, reader=cast.carol(), now=make.NOW)
        assert for_carol.why_not_you == "You are not a release approver here."

    def test_an_approver_needs_a_key_that_counts(self) -> None:
        request = ready()
        standing = compute_standing(request, now=make.NOW)
        (without,) = read_blockers(request=request, standing=standing, reader=cast.alice(), now=make.NOW)
        assert without.why_not_you == "You have no approval key yet."
        make.enrol(cast.alice())
        (with_key,) = read_blockers(request=request, standing=standing, reader=cast.alice(), now=make.NOW)
        assert with_key.why_not_you == ""

    def test_a_level_that_no_key_of_theirs_reaches(self) -> None:
        cast.alice()
        make.send_provenance(make.set_stage(source=make.POLICY.replace("H2", "H3")))
        request = make.ask()
        make.enrol(cast.alice())
        standing = compute_standing(request, now=make.NOW)
        (blocker,) = read_blockers(request=request, standing=standing, reader=cast.alice(), now=make.NOW)
        assert "reaches level H2 at most, this takes H3" in blocker.why_not_you

    def test_a_level_that_a_rule_alone_wants(self) -> None:
        cast.alice()
        source = make.POLICY.replace("    count: {count}\n", "    count: {count}\n    minimumAssurance: H4\n")
        make.send_provenance(make.set_stage(source=source))
        request = make.ask()
        make.enrol(cast.alice())
        standing = compute_standing(request, now=make.NOW)
        (blocker,) = read_blockers(request=request, standing=standing, reader=cast.alice(), now=make.NOW)
        assert "reaches level H2 at most, this takes H4" in blocker.why_not_you

    def test_the_clock_is_told_as_it_stands_now(self) -> None:
        cast.alice()
        # The story begins on a Monday at nine.
        hours = '  - {{id: hours, kind: hours, title: Office hours, zone: UTC, days: [mon], from: "08:00", to: "17:00"}}\n'
        make.send_provenance(make.set_stage(source=make.POLICY + hours))
        request = make.ask()

        def told(*, later: int) -> list[str]:
            now = make.NOW + timedelta(hours=later)
            standing = compute_standing(request, now=now)
            return [blocker.code for blocker in read_blockers(request=request, standing=standing, reader=cast.alice(), now=now)]

        assert told(later=0) == ["approval.insufficient"]
        assert told(later=8) == ["policy.outside_hours", "approval.insufficient"]

    def test_missing_evidence_is_expected_from_the_builder(self) -> None:
        cast.alice()
        make.set_stage()
        request = make.ask()
        evidence, approvals = read_blockers(
            request=request, standing=compute_standing(request, now=make.NOW), reader=cast.alice(), now=make.NOW
        )
        assert (evidence.code, evidence.kind) == ("policy.evidence_missing", "evidence")
        assert "release.yml" in evidence.who[0]
        assert approvals.why_not_you == "Nothing can be approved while a requirement is not met."

    def test_an_approved_one_needs_nothing(self) -> None:
        request = ready()
        make.approve(request, cast.alice())
        assert read_blockers(request=request, standing=compute_standing(request, now=make.NOW), reader=cast.bob(), now=make.NOW) == []
