"""The path: what places tell is the answer, and a review says that it did not look."""

from __future__ import annotations

from proofs.answers.path_intact import check_path_intact
from proofs.path import NO_ENVIRONMENT, NOT_LOOKED_AT
from proofs.tell_path import PathAnswer
from tests.proofs.answers.told import build, unanswered


class TestCheckPathIntact:
    def test_tells_what_the_places_tell_and_who_named_the_digest(self) -> None:
        found = check_path_intact([build(1), unanswered(2)], PathAnswer("yes", "ok", "path.as_approved", "It is there.", ("So it is.",)))
        assert (found.check, found.code, found.answer, found.tone) == ("check_path_intact", "path.as_approved", "yes", "ok")
        assert found.reasons == ("So it is.", "1 verified statement of signers we know names this very digest.")
        assert ([item.id for item in found.evidence], found.not_looked_at) == (["att_1"], NOT_LOOKED_AT)

    def test_keeps_what_was_not_looked_at_apart_from_the_reasons(self) -> None:
        told = PathAnswer("yes", "ok", "path.as_approved", "It is there.", ("So it is.", *NOT_LOOKED_AT, NO_ENVIRONMENT))
        found = check_path_intact([], told)
        assert (found.reasons, found.not_looked_at) == (("So it is.",), (*NOT_LOOKED_AT, NO_ENVIRONMENT))

    def test_a_contradiction_stays_bad(self) -> None:
        found = check_path_intact([], PathAnswer("no", "bad", "path.digest_differs", "Another digest is there."))
        assert (found.answer, found.tone, found.reasons) == ("no", "bad", ())

    def test_in_a_review_cannot_tell(self) -> None:
        found = check_path_intact([build()], None)
        assert (found.code, found.answer) == ("path.not_in_review", "unknown")
        assert found.not_looked_at == ("Every observation from a registry, an index or a cluster.",)
