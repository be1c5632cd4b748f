"""Was it overprivileged or misused in this window? The answer in words, each with the finding and the records that make it so.

Pure: it judges by the findings alone. It says "as expected" only where records show what it did and every check passed.
"""

from __future__ import annotations

from dataclasses import dataclass

from reports.identity_use.check_use import NO_TELEMETRY
from reports.identity_use.use import FAIL, INDETERMINATE, REVIEW, Record, Use, UseFinding, count

OVERPRIVILEGED, MISUSED, AS_EXPECTED, CANNOT_TELL = "overprivileged", "misused", "as expected", "cannot tell"
# The checks whose failure says that it did what it should not; that of the others says that it could do more than it needs.
MISUSE = {"use.outside_grant", "use.shared_key", "use.human", "use.across_environments"}


@dataclass(frozen=True, slots=True)
class Word:
    """One word of the answer with one finding that makes it so; `code` is empty where no check but the lack of records does."""

    word: str
    code: str
    sentence: str
    records: tuple[Record, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """The words of the answer with what each rests on, the gravest first."""

    words: tuple[Word, ...]

    @property
    def said(self) -> tuple[str, ...]:
        """The different words."""
        return tuple(dict.fromkeys(word.word for word in self.words))

    @property
    def sentence(self) -> str:
        """The answer as one sentence, with what stays open."""
        bad = [word for word in self.said if word in (MISUSED, OVERPRIVILEGED)]
        unclear = sum(1 for word in self.words if word.word == CANNOT_TELL)
        if bad:
            also = f" {count(unclear, 'question')} beside that cannot be answered from the records." if unclear else ""
            return f"It was {' and '.join(bad)} in this window.{also}"
        if unclear:
            return "Whether it was overprivileged or misused in this window cannot be told yet: somebody has to look, or the records are not enough."
        return "It was used as expected in this window: every check passed on what the records show."


def answer_use(use: Use, findings: tuple[UseFinding, ...]) -> Answer:
    """Return the answer that these findings make.

    A failed check says misused or overprivileged. One that only a person can settle, or that the records cannot, says cannot tell. Both can
    be so at once; what is bad is said although something else is not known.
    """
    failed = [_word(MISUSED if finding.code in MISUSE else OVERPRIVILEGED, finding) for finding in findings if finding.outcome == FAIL]
    failed.sort(key=lambda word: word.word != MISUSED)
    open_ones = [_word(CANNOT_TELL, finding) for finding in findings if finding.outcome in (REVIEW, INDETERMINATE)]
    if not use.has_telemetry:
        open_ones = [Word(CANNOT_TELL, "", NO_TELEMETRY), *(word for word in open_ones if word.sentence != NO_TELEMETRY)]
    elif not use.deeds:
        open_ones.insert(0, Word(CANNOT_TELL, "", "No record of this window shows it doing anything; earlier ones do."))
    if failed or open_ones:
        return Answer((*failed, *open_ones))
    return Answer(tuple(_word(AS_EXPECTED, finding) for finding in findings))


def _word(word: str, finding: UseFinding) -> Word:
    return Word(word, finding.code, finding.sentence, finding.records)
