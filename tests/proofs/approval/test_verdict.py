"""How an answer stands: the first that holds, and never VALID where something could not be shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from proofs.approval.delta import Change
from proofs.approval.verdict import AnswerFacts, Verdict, weigh_answer

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CHANGE = Change("rules", "rule.outcome", "The rule Tests was pass and is fail now.")


def facts(**changes: Any) -> AnswerFacts:
    standing = {"decision": "approve", "revision": 2, "newest_revision": 2, "not_after": AT + timedelta(hours=1)}
    return AnswerFacts(**{**standing, **changes})


class TestWeighAnswer:
    def test_valid_when_nothing_speaks_against_it(self) -> None:
        assert weigh_answer(facts(), at=AT).verdict == "VALID"

    @pytest.mark.parametrize(
        ("changes", "verdict"),
        [
            ({"refused": ("webauthn.signature", "no")}, Verdict.UNKNOWN),
            ({"refused": ("signer.revoked", "the key was revoked")}, Verdict.REVOKED_KEY),
            ({"refused": ("signer.compromised", "somebody else")}, Verdict.REVOKED_KEY),
            ({"barred_because": ("owner",)}, Verdict.SOD_VIOLATION),
            ({"ended": "Alice left"}, Verdict.WITHDRAWN),
            ({"over": "withdrawn"}, Verdict.WITHDRAWN),
            ({"over": "superseded"}, Verdict.SUPERSEDED),
            ({"over": "expired"}, Verdict.EXPIRED),
            ({"over": "something new"}, Verdict.UNKNOWN),
            ({"newest_revision": 3, "delta": (CHANGE,)}, Verdict.STALE),
            ({"newest_revision": 0}, Verdict.STALE),
            ({"not_after": AT}, Verdict.EXPIRED),
        ],
    )
    def test_each_reason_has_its_verdict(self, changes: dict[str, Any], verdict: Verdict) -> None:
        weighed = weigh_answer(facts(**changes), at=AT)
        assert weighed.verdict == verdict
        assert weighed.sentence.endswith((".", ")."))

    def test_the_first_that_holds_is_said(self) -> None:
        everything: dict[str, Any] = {
            "refused": ("record.signature", "no"),
            "barred_because": ("requester",),
            "ended": "Alice left",
            "over": "superseded",
            "newest_revision": 3,
            "not_after": AT,
        }
        order = ("UNKNOWN", "SOD_VIOLATION", "WITHDRAWN", "SUPERSEDED", "STALE", "EXPIRED")
        for field, verdict in zip(list(everything), order, strict=True):
            assert weigh_answer(facts(**everything), at=AT).verdict == verdict
            del everything[field]
        assert weigh_answer(facts(**everything), at=AT).verdict == "VALID"

    def test_a_no_does_not_run_out(self) -> None:
        assert weigh_answer(facts(decision="reject", not_after=AT), at=AT).verdict == "VALID"

    def test_stale_carries_exactly_what_changed(self) -> None:
        weighed = weigh_answer(facts(newest_revision=3, delta=(CHANGE,)), at=AT)
        assert weighed.delta == (CHANGE,)
        assert "revision 2" in weighed.sentence and "1 thing changed" in weighed.sentence
