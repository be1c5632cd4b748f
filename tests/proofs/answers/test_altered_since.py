"""Altered after review: what came in is named, what is missing is not called a change, and the gate is never contradicted."""

from __future__ import annotations

from typing import Any

import pytest

from proofs.answers.altered_since import NOT_LOOKED_AT, check_altered, check_altered_since, tell_review
from proofs.answers.told import Cited, GateReason, ReviewFacts

FAILED = Cited("att_9", "test-result/v0.1, result FAILED, signed by scanner.")
WHOLE = {"given": 1, "needed": 1, "is_whole": True, "approved_by": ("Alice Chen",)}


def review(**fields: Any) -> ReviewFacts:
    return ReviewFacts(target=fields.pop("target", "Production"), **{**WHOLE, **fields})


def shut(code: str, sentence: str = "The gate says why.") -> tuple[GateReason, ...]:
    return (GateReason(code, sentence),)


class TestCheckAltered:
    def test_1_nothing_was_altered_where_the_gate_opens_and_nothing_came_in(self) -> None:
        found = check_altered(review(opens=True))
        assert (found.code, found.answer, found.tone) == ("review.unchanged", "no", "ok")
        assert found.reasons == ("Approved by Alice Chen for Production.",)
        assert found.not_looked_at == NOT_LOOKED_AT

    def test_1_what_another_team_sent_changes_no_answer(self) -> None:
        found = check_altered(review(opens=True, of_others=(FAILED,)))
        assert found.code == "review.unchanged" and "from another team" in found.reasons[1]

    def test_1_what_places_have_is_the_third_question(self) -> None:
        found = check_altered(review(gate=shut("path.digest_differs", "Another digest is there.")))
        assert (found.code, found.answer) == ("review.unchanged", "no")
        assert found.reasons[0] == "The gate stays shut for what the third question tells: Another digest is there."

    def test_2_what_came_in_since_is_named_even_where_no_rule_asks(self) -> None:
        found = check_altered(review(opens=True, newer=(FAILED,)))
        assert (found.code, found.answer, found.tone) == ("review.newer_evidence", "unknown", "unknown")
        assert (found.evidence, found.reasons[0]) == ((FAILED,), f"Came in since: {FAILED.words}")

    def test_3_a_no_is_told_with_who_said_it(self) -> None:
        found = check_altered(review(is_whole=False, refused_by=("Kim Osei answered: reject",), gate=shut("approval.decision")))
        assert (found.code, found.tone) == ("review.refused", "bad") and "Kim Osei answered: reject" in found.words

    @pytest.mark.parametrize(
        "code", ["evidence.changed", "evidence.signer_revoked", "policy.mismatch", "expectations.mismatch", "signer.role_lost"]
    )
    def test_4_what_was_approved_is_otherwise_now(self, code: str) -> None:
        found = check_altered(review(gate=shut(code), newer=(FAILED,)))
        assert (found.code, found.answer, found.tone) == ("review.changed", "yes", "bad")
        assert found.reasons[:2] == (f"Came in since: {FAILED.words}", "The gate says why.")

    def test_4_names_the_evidence_and_no_role_count_once_the_request_is_frozen_anew(self) -> None:
        facts = review(given=0, is_whole=False, is_of_earlier=True, newer=(FAILED,), gate=shut("signer.role_lost", "Roles are not filled."))
        found = check_altered(facts)
        assert (found.code, found.tone, found.evidence) == ("review.changed", "bad", (FAILED,))
        assert "Roles are not filled." not in found.reasons

    def test_4_names_the_document_that_was_replaced(self) -> None:
        found = check_altered(review(is_of_earlier=True, replaced=("The policy was replaced.",), gate=shut("policy.mismatch")))
        assert found.reasons[0] == "The policy was replaced."

    def test_4_tells_evidence_that_is_no_longer_as_it_was_shown(self) -> None:
        found = check_altered(review(is_whole=False, needed=2, changed=(FAILED,), gate=shut("approval.missing")))
        assert (found.code, found.reasons[0]) == ("review.changed", f"No longer as it was shown: {FAILED.words}")

    def test_5_missing_approvals_are_no_change(self) -> None:
        found = check_altered(review(needed=2, is_whole=False, gate=shut("signer.role_lost")))
        assert (found.code, found.answer, found.tone) == ("review.not_approved", "unknown", "unknown")
        assert found.words == "Not approved yet for Production: 1 of 2 approvals."

    def test_5_a_role_that_nobody_fills_is_told(self) -> None:
        assert check_altered(review(is_whole=False)).words.endswith("1 of 1 approval, and not every role is filled.")

    def test_6_an_approval_that_ran_out_is_no_change(self) -> None:
        found = check_altered(review(has_lapsed=True, gate=shut("approval.expired")))
        assert (found.code, found.answer, found.tone) == ("review.lapsed", "unknown", "unknown")

    def test_7_evidence_that_waits_is_waited_for(self) -> None:
        found = check_altered(review(gate=shut("evidence.pending", "Ask again.")))
        assert (found.code, found.words, found.tone) == ("review.waiting", "For Production, wait: Ask again.", "unknown")

    def test_7_any_other_reason_is_told_in_the_gates_words(self) -> None:
        found = check_altered(review(gate=shut("ledger.unpublished", "Not published yet.")))
        assert (found.code, found.tone) == ("review.gate_shut", "unknown") and found.words.endswith("Not published yet.")

    @pytest.mark.parametrize("fields", [{"newer": (FAILED,)}, {"changed": (FAILED,)}, {"of_others": (FAILED,)}, {"replaced": ("x",)}])
    def test_where_the_gate_opens_nothing_is_called_bad(self, fields: dict[str, Any]) -> None:
        assert check_altered(review(opens=True, **fields)).tone != "bad"


class TestCheckAlteredSince:
    def test_without_a_request_there_is_nothing_to_compare_with(self) -> None:
        assert (check_altered_since([]).code, check_altered_since([]).answer) == ("review.none", "unknown")

    def test_the_worst_place_answers_and_the_others_are_told(self) -> None:
        changed = review(target="Staging", gate=shut("evidence.changed"), newer=(FAILED,))
        found = check_altered_since([review(opens=True), changed])
        assert (found.check, found.code, found.tone) == ("check_altered_since", "review.changed", "bad")
        assert "for Staging" in found.words
        assert any(reason.endswith("when it was approved for Production.") for reason in found.reasons)

    def test_a_place_where_nobody_approved_yet_takes_nothing_away(self) -> None:
        found = check_altered_since([review(target="Staging", given=0, is_whole=False, approved_by=()), review(opens=True)])
        assert (found.code, found.tone) == ("review.unchanged", "ok")
        assert "Not approved yet for Staging: 0 of 1 approval." in found.reasons

    def test_inside_a_review_points_to_what_comes_later(self) -> None:
        assert (tell_review().code, tell_review().answer) == ("review.this_one", "unknown")
