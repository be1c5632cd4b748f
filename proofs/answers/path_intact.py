"""Was the path intact? The answer that `proofs.tell_path` tells from places, as one of the four, with the evidence that names the digest.

Not checked here: the observations, and the approvals that they were held against.
"""

from __future__ import annotations

from collections.abc import Sequence

from proofs.answers.told import UNKNOWN, Answer, ToldEvidence, cite_some, count
from proofs.path import NO_ENVIRONMENT, NOT_LOOKED_AT, OTHER_ALGORITHM
from proofs.tell_path import PathAnswer

CHECK, QUESTION = "check_path_intact", "Was the path from build to runtime intact?"
NOT_IN_REVIEW = "path.not_in_review"


def check_path_intact(evidence: Sequence[ToldEvidence], path: PathAnswer | None) -> Answer:
    """Answer with the code of `path`, or `path.not_in_review` where no observations were looked at."""
    named = [item for item in evidence if item.counts]
    verb = "names" if len(named) == 1 else "name"
    signed = (f"{count(len(named), 'verified statement')} of signers we know {verb} this very digest.",) if named else ()
    cited = cite_some([item.cited for item in named])
    if path is None:
        words = "Observations from registries and clusters are no part of a review; the artifact's own page has them."
        nothing = ("Every observation from a registry, an index or a cluster.",)
        return Answer(CHECK, NOT_IN_REVIEW, QUESTION, UNKNOWN, UNKNOWN, words, signed, cited, nothing)
    left_out = tuple(sentence for sentence in (NO_ENVIRONMENT, OTHER_ALGORITHM) if sentence in path.reasons)
    reasons = tuple(reason for reason in path.reasons if reason not in (*NOT_LOOKED_AT, *left_out))
    return Answer(CHECK, path.code, QUESTION, path.answer, path.tone, path.words, (*reasons, *signed), cited, (*NOT_LOOKED_AT, *left_out))
