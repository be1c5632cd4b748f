"""What went wrong in portals of this kind, each named, and the test that it does not here.

A class where the test stands here; `ELSEWHERE` where an older test has shown it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import models
from django.test import Client

from approvals.models import Approval, RequestState
from gates.decide import decide
from identities.models import Environment, Identity
from proofs.errors import Refusal
from tests import cast, make_requests
from tests import make_approvals as make
from tests.make_ledger import use_own_keys
from tests.use_cases.proven import find_absent

pytestmark = pytest.mark.django_db

ELSEWHERE: dict[str, tuple[str, ...]] = {
    "A bundle that held a timestamp and no signature was accepted": (
        "proofs/test_digest_encoding_keys.py::test_junk_is_no_signature",
        "attestations/test_mutations.py::test_no_mutant_is_accepted_by_ours_alone",
    ),
    "The check counted violations, and passed where data was missing": (
        "proofs/policy/test_algebra.py::test_a_field_that_is_missing_denies_or_refuses",
        "proofs/policy/test_evaluate.py::test_no_artifact_at_all_fails",
    ),
    "The gate opened while the portal did not answer": (
        "gates/test_decide.py::test_denies_and_says_so_when_the_gate_itself_breaks",
        "countersign/test_exit_codes.py::test_an_error_anywhere_on_the_way_is_a_refusal",
        "countersign/test_exit_codes.py::test_killed_at_any_stage_it_is_not_zero",
    ),
    "Breaking the glass was a switch that whoever deployed pressed alone": (
        "approvals/test_break_glass.py::test_whoever_holds_no_such_role",
        "approvals/test_break_glass.py::test_programs_never",
        "approvals/test_break_glass.py::test_one_use_more_than_signed_is_a_deny",
        "approvals/test_break_glass.py::test_the_declarer_does_not_review_whatever_roles_they_hold",
        "approvals/test_break_glass.py::test_nobody_takes_the_review_back_or_waits_it_out",
        "approvals/test_break_glass.py::test_nobody_holds_it_up_with_evidence_about_it",
    ),
    "Rules were merged so that another rule asked for less": (
        "proofs/policy/test_algebra.py::test_adding_a_rule_never_widens",
        "proofs/policy/test_algebra.py::test_taking_away_never_widens",
    ),
    "One vote counted for two groups": (
        "proofs/policy/test_algebra.py::test_seats_are_filled_as_well_as_by_trying_everything",
        "proofs/pack/test_pack_content.py::test_refuses_one_person_twice",
        "proofs/pack/test_pack_content.py::test_refuses_one_person_with_two_keys",
    ),
    "Objects of other tenants were readable by whoever guessed their id": (
        "house/test_permissions.py::test_every_answer_is_the_one_in_the_table",
        "house/test_urls.py::test_a_stranger_gets_in_nowhere_else",
        "approvals/test_api.py::test_other_teams_programs_may_not_read_it",
        "portal/notices/test_about_requests.py::test_whoever_may_not_read_it_any_more_is_told_nothing",
    ),
    "Webhooks reached the inner network, mails showed markup, and files ran formulas": (
        "portal/webhooks/test_webhooks.py::test_no_address_that_is_not_public",
        "portal/webhooks/test_webhooks.py::test_a_redirect_is_not_followed_and_nothing_but_2xx_is_arrival",
        "identities/test_outgoing.py::test_no_spelling_of_an_inside_address_is_public",
        "identities/audit/test_audit.py::test_the_file_has_no_cell_that_a_spreadsheet_runs",
        "identities/bulk/test_round_trip.py::test_come_back_and_are_run_by_no_spreadsheet",
        "portal/notices/test_mail_notices.py::test_the_sentence_is_one_line_whatever_is_in_it",
        "portal/notices/test_mail_notices.py::test_markup_in_the_sentence_stays_text",
    ),
    "A page took a minute and thousands of queries": (
        "approvals/test_pages.py::test_takes_the_same_number_of_queries_for_one_request_and_for_many",
        "approvals/test_attention.py::test_cost_the_queries_of_one",
        "approvals/test_dry_run.py::test_many_requests_need_no_more_queries",
    ),
    "A tag was checked and another digest ran": (
        "gates/test_decide.py::test_refuses_a_tag",
        "approvals/test_path.py::test_an_approval_given_after_the_tag_was_seen_is_held_against_it",
    ),
    "Anybody could upload, and a small archive filled the disk": (
        "house/test_urls.py::test_a_stranger_gets_in_nowhere_else",
        "attestations/collection/test_receive.py::test_a_bomb",
        "proofs/test_canonical.py::test_refuses_a_key_given_twice",
    ),
    "Enforcing a policy stranded what was running": (
        "approvals/test_dry_run.py::test_counts_what_would_be_stranded",
        "gates/test_modes.py::test_allows_and_says_what_it_would_have_said",
    ),
}


@pytest.fixture(autouse=True)
def own_keys(settings: Any, tmp_path: Path) -> None:
    use_own_keys(settings, tmp_path)


@pytest.mark.parametrize("failure", ELSEWHERE)
def test_it_is_shown_elsewhere(failure: str) -> None:
    assert ELSEWHERE[failure]
    assert not find_absent(ELSEWHERE[failure])


class TestAnApprovalWasAGrantForEveryOrigin:
    def test_it_opens_for_the_artifact_and_the_place_that_it_names(self) -> None:
        make_requests.approved()
        Environment.objects.create(slug="staging", name="Staging", tier=2, team=cast.payments())
        asked = [(make.image(), "production"), (make.image("1.4.3"), "production"), (make.image(), "staging")]
        answers = [decide(digest=digest, environment_slug=place, by=cast.runner(), now=make.NOW).outcome for digest, place in asked]
        assert answers == ["allow", "deny", "deny"]


class TestABlankFieldCountedAsYes:
    @pytest.mark.parametrize("document", [{}, {"digest": ""}, {"digest": None, "environment": "production"}])
    def test_it_is_refused_as_malformed(self, client: Client, document: dict[str, object]) -> None:
        make_requests.approved()
        bearer = {"authorization": f"Bearer {cast.token_of(cast.runner())}"}
        answer = client.post("/api/v1/gate/decisions", document, content_type="application/json", headers=bearer)
        assert answer.status_code == 400


class TestTheButtonWasDisabledAndTheActionWorked:
    @pytest.mark.parametrize("state", ["draft", "collecting", "blocked", "rejected", "withdrawn", "superseded", "expired"])
    def test_the_server_refuses_by_itself(self, state: str) -> None:
        request = make_requests.STATES[state]()
        ivan = cast.person("ivan", "Ivan Petrov", "approver:release")
        with pytest.raises(Refusal):
            make.begin(request, ivan, make.enrol(ivan)[1], now=make_requests.LATER)


class TestAdministratorsApproveEverything:
    @pytest.mark.parametrize("who", [cast.dave, cast.olga, cast.carol, cast.bob, cast.mallory])
    def test_no_right_but_the_approvers_counts(self, who: object) -> None:
        request = make_requests.ready()
        assert callable(who)
        person = who()
        account = cast.account_of(person)
        account.is_staff = account.is_superuser = True
        account.save()
        with pytest.raises(Refusal):
            make.begin(request, person, make.enrol(person)[1])
        assert not Approval.objects.exists()


class TestASecondReleaseWentOutWhileTheFirstWaited:
    def test_the_first_is_superseded_and_opens_nothing(self) -> None:
        request = make_requests.superseded()
        assert RequestState.objects.get(request=request).status == "superseded"
        answer = decide(digest=make.image(), environment_slug="production", by=cast.runner(), now=make_requests.LATER)
        assert (answer.outcome, [reason["code"] for reason in answer.reasons]) == ("deny", ["request.superseded"])


class TestWhoApprovedWasForgottenAndChangesWentUnnoticed:
    def test_no_relation_to_a_person_is_ever_emptied(self) -> None:
        rooms = ("approvals", "attestations", "gates", "ledger")
        fields = [field for model in apps.get_models() if model._meta.app_label in rooms for field in model._meta.fields]
        people = [field for field in fields if isinstance(field, models.ForeignKey) and field.related_model is Identity]
        assert people
        assert {field.remote_field.on_delete.__name__ for field in people} == {"PROTECT"}

    def test_later_evidence_takes_the_approval_s_effect(self) -> None:
        make_requests.stale()
        assert decide(digest=make.image(), environment_slug="production", by=cast.runner(), now=make_requests.LATER).outcome == "deny"
