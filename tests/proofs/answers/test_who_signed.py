"""Who signed: the answer tells the finding that the verdict has, and what to do next."""

from __future__ import annotations

import pytest

from proofs.answers.told import soften
from proofs.answers.who_signed import NOT_LOOKED_AT, check_who_signed
from tests.proofs.answers.told import build, refused, unanswered


class TestCheckWhoSigned:
    def test_names_a_registered_signer_and_its_owner(self) -> None:
        found = check_who_signed([build()])
        assert (found.check, found.code, found.answer, found.tone) == ("check_who_signed", "signer.registered", "yes", "ok")
        assert found.words == "Signed by release workflow, owned by Bob Ruiz."
        assert [item.id for item in found.evidence] == ["att_1"]
        assert found.not_looked_at == NOT_LOOKED_AT

    @pytest.mark.parametrize(
        ("why", "next_step"),
        [
            ("compromised", "Do not use this artifact"),
            ("revoked", "Build it again, signed by what is registered now."),
            ("suspended", "resume the identity"),
            ("retired", "the program that took its place"),
            ("orphaned", "Give the program an owner"),
            ("not_valid", "the time of the registration"),
            ("not_granted", "Grant the program the right"),
        ],
    )
    def test_tells_why_a_known_signer_does_not_count_and_what_to_do(self, why: str, next_step: str) -> None:
        found = check_who_signed([unanswered(code=f"signer.{why}", words="The signer is registered as runner, and there is a reason.")])
        assert (found.code, found.answer, found.tone) == (f"signer.{why}", "no", "bad")
        assert found.words.startswith("The signer is registered as runner, and there is a reason. ")
        assert next_step in found.words and "nobody registered" not in found.words

    def test_of_a_signer_nobody_registered_cannot_tell(self) -> None:
        found = check_who_signed([unanswered()])
        assert (found.code, found.answer, found.tone) == ("signer.unknown", "unknown", "unknown")
        assert "nobody registered its signer here: https://github.com/payments/api/" in found.words

    def test_puts_the_worst_first_and_names_the_others(self) -> None:
        found = check_who_signed([unanswered(1), unanswered(2, code="signer.revoked", words="Revoked, this one."), refused(3)])
        assert found.code == "signer.revoked"
        assert "nobody registered" in found.reasons[0] and found.reasons[1] == "Rejected: The signature does not hold."

    def test_a_signer_that_counts_is_not_spoiled_by_others(self) -> None:
        found = check_who_signed([build(1), unanswered(2, code="signer.suspended", words="Suspended, this one."), refused(3)])
        assert (found.answer, found.tone) == ("yes", "ok")
        assert found.reasons == ("Suspended, this one.", "Rejected: The signature does not hold.")

    def test_of_refused_evidence_alone_says_no(self) -> None:
        found = check_who_signed([refused()])
        assert (found.code, found.answer, found.tone) == ("evidence.none_verified", "no", "bad")

    def test_of_no_evidence_cannot_tell(self) -> None:
        assert (check_who_signed([]).code, check_who_signed([]).answer) == ("evidence.none", "unknown")

    def test_names_a_few_of_many(self) -> None:
        found = check_who_signed([unanswered(number, reason=str(number)) for number in range(30)])
        assert len(found.evidence) == 8

    def test_is_no_alarm_where_the_gate_opens_all_the_same(self) -> None:
        found = soften(check_who_signed([refused()]), opens=["Production"])
        assert (found.answer, found.tone) == ("no", "unknown")
        assert "opens all the same for Production" in found.reasons[0]
        assert soften(check_who_signed([refused()]), opens=[]).tone == "bad"
