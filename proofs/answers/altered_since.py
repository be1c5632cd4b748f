"""Was anything altered after review? Answered from how each request stands, from what came in since, and never against the gate's own answer.

`check_altered` answers for one project and environment, by the first of these that holds; the numbers stand at its blocks:

1. the gate opens, or only what places have keeps it shut, and nothing came in that no approver has seen: nothing was altered
2. the same, and something came in that no approver has seen: we cannot tell, and it is named
3. somebody answered no
4. what was approved is otherwise now: evidence, policy, expectations or approvers
5. approvals are missing: there is no whole review yet to compare with
6. the approval ran out
7. the gate stays shut for another reason, in its own words

`check_altered_since` puts them together, the worst first. Not checked: the signatures of approvals, which the gate verifies.
"""

from __future__ import annotations

from collections.abc import Sequence

from proofs.answers.told import (
    BAD,
    NEVER_CHECKED,
    NO,
    OK,
    UNKNOWN,
    YES,
    Answer,
    Cited,
    ReviewFacts,
    cite_some,
    count,
    name_some,
)

CHECK, QUESTION = "check_altered_since", "Was anything altered after review?"
NOT_LOOKED_AT = (
    NEVER_CHECKED,
    "What was signed or found about this artifact and never sent here.",
    "Requests of projects that you may not read.",
)
# What a gate says when something that was reviewed is otherwise now; `evidence.pending` is only something to wait for.
_ALTERED = ("evidence.", "policy.mismatch", "expectations.mismatch", "signer.")
_WAITING = "evidence.pending"
# What places have is the third question, and leaves the review as it was.
_PATH = "path."
# The worst first; of several places, the first decides the answer and the others are told beside it.
_ORDER = (
    "review.changed",
    "review.refused",
    "review.newer_evidence",
    "review.waiting",
    "review.gate_shut",
    "review.lapsed",
    "review.unchanged",
    "review.not_approved",
)


def tell_review() -> Answer:
    """Answer inside a review, which cannot know what comes after it: `review.this_one`."""
    words = "This is the review. What comes in after it is told on the artifact's own page, and shuts the gate where a rule looks at it."
    return Answer(CHECK, "review.this_one", QUESTION, UNKNOWN, UNKNOWN, words, not_looked_at=("Everything that comes in later.",))


def check_altered_since(reviews: Sequence[ReviewFacts]) -> Answer:
    """Answer for an artifact from the review for each place it was asked for: a code of `check_altered`, or `review.none`."""
    if not reviews:
        words = "Nobody has asked for this artifact to go anywhere, so there is no review to compare with."
        return Answer(CHECK, "review.none", QUESTION, UNKNOWN, UNKNOWN, words, not_looked_at=NOT_LOOKED_AT)
    first, *rest = sorted((check_altered(review) for review in reviews), key=lambda answer: _ORDER.index(answer.code))
    beside = [sentence for answer in rest for sentence in (answer.words, *(answer.reasons if answer.tone == BAD else ()))]
    cited = cite_some([item for answer in (first, *rest) for item in answer.evidence])
    return Answer(
        CHECK, first.code, QUESTION, first.answer, first.tone, first.words, name_some((*first.reasons, *beside)), cited, NOT_LOOKED_AT
    )


def check_altered(review: ReviewFacts) -> Answer:
    """Answer for one project and environment: `review.unchanged`, `.newer_evidence`, `.refused`, `.changed`, `.not_approved`, `.lapsed`, `.waiting`
    or `.gate_shut`."""
    target, approved = review.target, tuple(f"Approved by {person} for {review.target}." for person in review.approved_by)
    came_in = (
        *(f"No longer as it was shown: {item.words}" for item in review.changed),
        *(f"Came in since: {item.words}" for item in review.newer),
    )
    aside = tuple(f"Came in since from another team, and changes no answer here: {item.words}" for item in review.of_others)
    new = (*review.changed, *review.newer)
    shut = tuple(reason.sentence for reason in review.gate)
    elsewhere = tuple(f"The gate stays shut for what the third question tells: {sentence}" for sentence in shut)
    if review.opens or (review.gate and all(reason.code.startswith(_PATH) for reason in review.gate)):
        # 1. and 2. Where nothing but a place keeps the gate shut, nothing that its rules look at is otherwise.
        if not new:
            words = f"Artifact, evidence and policy are as they were shown when it was approved for {target}."
            return _answer("review.unchanged", NO, OK, words, (*elsewhere, *approved, *aside), ())
        words = (
            f"What the policy asks for is as it was approved for {target}, but {count(len(new), 'statement')} came in since that no approver has seen. "
            "Read it before you rely on the approval."
        )
        return _answer("review.newer_evidence", UNKNOWN, UNKNOWN, words, (*came_in, *elsewhere, *approved, *aside), new)
    # 3. A no is an answer about this very artifact.
    if review.refused_by:
        words = f"It was not approved for {target}: {'; '.join(review.refused_by)}."
        return _answer("review.refused", UNKNOWN, BAD, words, (*came_in, *approved), new)
    # 4. Otherwise now than it was for those who approved.
    altered = tuple(reason.sentence for reason in review.gate if _is_alteration(reason.code))
    if review.approved_by and (review.changed or review.replaced or review.is_of_earlier or (review.is_whole and altered)):
        words = f"Something changed since it was approved for {target}. It needs a new look, by whoever approves there."
        told = (*review.replaced, *came_in) or (() if review.is_of_earlier else altered)
        also = () if review.is_of_earlier or not review.is_whole else altered
        return _answer("review.changed", YES, BAD, words, (*told, *also, *approved, *aside), new)
    # 5. Some, or none, of the approvals.
    if not review.is_whole:
        roles = ", and not every role is filled" if review.given >= review.needed else ""
        words = f"Not approved yet for {target}: {review.given} of {count(review.needed, 'approval')}{roles}."
        return _answer("review.not_approved", UNKNOWN, UNKNOWN, words, (*came_in, *approved, *aside), new)
    # 6. and 7. What the gate says, in its own words.
    if review.has_lapsed:
        words = f"The approval for {target} ran out; ask again."
        return _answer("review.lapsed", UNKNOWN, UNKNOWN, words, (*came_in, *approved, *aside), new)
    if any(reason.code == _WAITING for reason in review.gate):
        return _answer("review.waiting", UNKNOWN, UNKNOWN, f"For {target}, wait: {' '.join(shut)}", (*came_in, *approved, *aside), new)
    words = f"It was approved for {target}, but the gate stays shut: {' '.join(shut) or 'it does not say why.'}"
    return _answer("review.gate_shut", UNKNOWN, UNKNOWN, words, (*came_in, *approved, *aside), new)


def _is_alteration(code: str) -> bool:
    return code != _WAITING and code.startswith(_ALTERED)


def _answer(code: str, answer: str, tone: str, words: str, reasons: Sequence[str], cited: Sequence[Cited]) -> Answer:
    return Answer("check_altered", code, QUESTION, answer, tone, words, tuple(dict.fromkeys(reasons)), cite_some(cited), NOT_LOOKED_AT)
