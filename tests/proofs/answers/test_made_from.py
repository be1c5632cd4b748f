"""From what: only signers that somebody here answers for decide, accepted ones first."""

from __future__ import annotations

from proofs.answers.made_from import NOT_LOOKED_AT, check_made_from
from tests.proofs.answers.told import FORK, build, refused, unanswered


class TestCheckMadeFrom:
    def test_tells_what_the_certificate_of_a_known_signer_proves(self) -> None:
        found = check_made_from([build()])
        assert (found.check, found.code, found.answer, found.tone) == ("check_made_from", "source.proved", "yes", "ok")
        assert found.words == "Built from https://github.com/payments/api, commit cccccccccccc: the certificate says so."
        assert ([item.id for item in found.evidence], found.not_looked_at) == (["att_1"], NOT_LOOKED_AT)

    def test_a_stranger_proves_nothing(self) -> None:
        found = check_made_from([unanswered(source=FORK)])
        assert (found.code, found.answer, found.tone) == ("source.said_by_nobody", "unknown", "unknown")
        assert "said by somebody nobody here answers for" in found.reasons[0] and FORK in found.reasons[0]

    def test_a_signer_we_know_and_who_does_not_count_is_told_with_the_reason(self) -> None:
        found = check_made_from([unanswered(code="signer.not_granted", words="The signer is registered as runner, and has no grant.")])
        assert found.reasons[0].endswith("The signer is registered as runner, and has no grant.")

    def test_a_stranger_does_not_spoil_ours(self) -> None:
        found = check_made_from([unanswered(2, source=FORK), build()])
        assert (found.answer, found.tone, len(found.reasons)) == ("yes", "ok", 1)
        assert "said by somebody nobody here answers for" in found.reasons[0]

    def test_a_registered_signer_of_another_team_does_not_spoil_ours(self) -> None:
        found = check_made_from([build(2, source=FORK, identity="their bot", is_ours=False), build()])
        assert (found.answer, found.tone) == ("yes", "ok")
        assert found.reasons == (f"{FORK}: said by their bot, owned by Bob Ruiz, whom another team answers for.",)

    def test_another_teams_signer_alone_is_told_by_name(self) -> None:
        found = check_made_from([build(source=FORK, identity="their bot", is_ours=False)])
        assert found.code == "source.proved"
        assert found.reasons == ("Said by their bot, owned by Bob Ruiz, whom another team answers for.",)

    def test_what_a_project_accepts_comes_first(self) -> None:
        found = check_made_from([build(2, commit="d" * 40), build(1, is_accepted=True)])
        assert (found.answer, found.tone, [item.id for item in found.evidence]) == ("yes", "ok", ["att_1"])

    def test_two_known_signers_that_differ_do_not_agree(self) -> None:
        found = check_made_from([build(1), build(2, commit="d" * 40)])
        assert (found.code, found.answer, found.tone, len(found.reasons)) == ("source.differs", "unknown", "bad", 2)
        assert {item.id for item in found.evidence} == {"att_1", "att_2"}

    def test_what_a_key_signed_is_only_claimed(self) -> None:
        assert (check_made_from([build(key=True)]).code, check_made_from([build(key=True)]).answer) == ("source.claimed", "unknown")

    def test_the_contradiction_of_a_known_signer_is_bad(self) -> None:
        found = check_made_from([refused(reason="It names another builder.", facts=build().facts, identity="release workflow")])
        assert (found.code, found.answer, found.tone, found.reasons) == ("source.contradicted", "no", "bad", ("It names another builder.",))

    def test_the_contradiction_of_a_stranger_is_only_told(self) -> None:
        found = check_made_from([refused(reason="It names another builder.", facts=build().facts)])
        assert (found.code, found.answer, found.tone) == ("source.unknown", "unknown", "unknown")
        assert found.reasons == ("Rejected, said by somebody nobody here answers for: It names another builder.",)

    def test_without_a_build_record_nothing_is_known(self) -> None:
        assert check_made_from([]).code == check_made_from([refused()]).code == "source.unknown"
