"""Do we know what it was made from? Answered by build records of signers that somebody here answers for, and by no others.

Those a project accepts come before those of the own teams, and these before other teams'. Only records of the same rank contradict each other: what
anybody else says is listed as theirs, and changes no answer. Not checked: whether the source is the wanted one, which is for policy.
"""

from __future__ import annotations

from collections.abc import Sequence

from proofs.answers.told import BAD, NO, OK, UNKNOWN, YES, Answer, ToldEvidence, cite_some, count, name_some

CHECK, QUESTION = "check_made_from", "Do we know what it was made from?"
NOBODY = "said by somebody nobody here answers for"
NOT_LOOKED_AT = (
    "Whether the repository has what its history says, and whether its source is harmless.",
    "Whether everything that went into the build is listed; that is the builder's word.",
)


def check_made_from(evidence: Sequence[ToldEvidence]) -> Answer:
    """Answer from the newest verdicts about an artifact: `source.proved`, `source.differs`, `source.claimed`, `source.contradicted`,
    `source.said_by_nobody` or `source.unknown`."""
    counting, aside = rank_builds(evidence)
    others = tuple(_aside(item) for item in aside)
    proved = {_place(item): item for item in reversed(counting) if item.signer.get("sourceRepository")}
    if len(proved) > 1:
        words = "Verified statements of signers we know name different sources for the same artifact."
        return _answer("source.differs", UNKNOWN, BAD, words, (*sorted(proved), *others), list(proved.values()))
    if proved:
        ((place, item),) = proved.items()
        inputs = len(item.claims.get("dependencies", ()))
        listed = (f"The statement lists {count(inputs, 'input')}; that the list is complete is the builder's word.",) if inputs else ()
        theirs = () if item.is_ours or item.is_accepted else (f"Said by {item.answered_by}, whom another team answers for.",)
        return _answer("source.proved", YES, OK, f"Built from {place}: the certificate says so.", (*theirs, *listed, *others), [item])
    claimed = next((item for item in counting if item.claims.get("sourceRepository")), None)
    if claimed is not None:
        words = f"The statement claims {claimed.claims['sourceRepository']}; no certificate confirms it."
        return _answer("source.claimed", UNKNOWN, UNKNOWN, words, others, [claimed])
    contradicted = [item for item in evidence if item.facts is not None and not item.is_verified]
    known = [item for item in contradicted if item.identity is not None]
    if known and not counting:
        words = "The only evidence about its origin contradicts itself."
        return _answer("source.contradicted", NO, BAD, words, (*(item.reason for item in known), *others), known)
    if aside:
        words = "No signer that anybody here answers for says what it was built from."
        return _answer("source.said_by_nobody", UNKNOWN, UNKNOWN, words, others, aside)
    reasons = tuple(f"Rejected, {NOBODY}: {item.reason}" for item in contradicted)
    return _answer("source.unknown", UNKNOWN, UNKNOWN, "No verified evidence says what it was built from.", reasons, contradicted)


def rank_builds(evidence: Sequence[ToldEvidence]) -> tuple[list[ToldEvidence], list[ToldEvidence]]:
    """Return the build records that decide, certificates first, and the others: of one rank alone, the first of accepted, own and other teams'."""
    builds = [item for item in evidence if item.is_build_record]
    best = min((_rank(item) for item in builds if item.counts), default=None)
    deciding = [item for item in builds if item.counts and _rank(item) == best]
    deciding.sort(key=lambda item: item.signer["kind"] != "certificate")
    return deciding, [item for item in builds if item not in deciding]


def _rank(item: ToldEvidence) -> int:
    return 0 if item.is_accepted else 1 if item.is_ours else 2


def _place(item: ToldEvidence) -> str:
    commit = str(item.signer.get("sourceCommit") or "")
    return f"{item.signer['sourceRepository']}{f', commit {commit[:12]}' if commit else ''}"


def _aside(item: ToldEvidence) -> str:
    said = item.signer.get("sourceRepository") or item.claims.get("sourceRepository") or "no source"
    if not item.counts:
        why = f" {item.signer_words}" if item.signer_words and item.signer_code != "signer.unknown" else ""
        return f"{said}: {NOBODY} ({item.signed_as}).{why}"
    return f"{said}: said by {item.answered_by}, whom {'no project here accepts for this' if item.is_ours else 'another team answers for'}."


def _answer(code: str, answer: str, tone: str, words: str, reasons: Sequence[str], items: Sequence[ToldEvidence]) -> Answer:
    return Answer(CHECK, code, QUESTION, answer, tone, words, name_some(reasons), cite_some([item.cited for item in items]), NOT_LOOKED_AT)
