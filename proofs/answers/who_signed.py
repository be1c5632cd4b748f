"""Do we know who signed? Answered by who is registered for what certificates and keys prove, or by the finding that says why nobody answers.

Not checked: the signatures, which were verified before, and whether anybody expects this signer.
"""

from __future__ import annotations

from collections.abc import Sequence

from proofs.answers.told import BAD, NEVER_CHECKED, NO, OK, UNKNOWN, YES, Answer, ToldEvidence, cite_some, name_some

CHECK, QUESTION = "check_who_signed", "Do we know who signed?"
NOT_LOOKED_AT = (
    NEVER_CHECKED,
    "Whether whoever holds the key or runs the workflow is the one it was registered for.",
    "Whether a project expects this signer; its own section says so.",
)
# The worst first. A signer that nobody knows may still turn out to be ours; the others are known, and count for nothing.
_NEXT = {
    "signer.compromised": "Do not use this artifact before you know who signed it; build it again with another key.",
    "signer.revoked": "Build it again, signed by what is registered now.",
    "signer.suspended": "Find out why; then resume the identity, or build the artifact again with another signer.",
    "signer.retired": "Build it again with the program that took its place.",
    "signer.orphaned": "Give the program an owner who is active; until then nothing it signed counts.",
    "signer.not_valid": "Look at the time of the registration, or build the artifact again.",
    "signer.not_granted": "Grant the program the right to attest this, if it is to have it; until then this counts for nothing.",
    "signer.unknown": "Register the signer if it is one of yours; if you do not know it, do not rely on this.",
}
_ORDER = tuple(_NEXT)


def check_who_signed(evidence: Sequence[ToldEvidence]) -> Answer:
    """Answer from the newest verdicts about an artifact: `signer.registered`, the code of why nobody answers, or `evidence.none_verified`,
    `evidence.none`."""
    counting = [item for item in evidence if item.counts]
    unanswered = sorted((item for item in evidence if item.is_verified and not item.counts), key=_badness)
    refused = tuple(_refused(item) for item in evidence if not item.is_verified)
    if counting:
        reasons = name_some((*(item.also_signed for item in counting if item.also_signed), *map(_unanswered, unanswered), *refused))
        words = f"Signed by {'; '.join(name_some([item.answered_by for item in counting]))}."
        return _answer("signer.registered", YES, OK, words, reasons, counting)
    if unanswered:
        code = _code(unanswered[0])
        others = name_some((*map(_unanswered, unanswered[1:]), *refused))
        words = f"{_unanswered(unanswered[0])} {_NEXT.get(code, _NEXT['signer.unknown'])}"
        is_known = code != "signer.unknown"
        return _answer(code, NO if is_known else UNKNOWN, BAD if is_known else UNKNOWN, words, others, unanswered)
    if evidence:
        words = "No evidence about this artifact verified. Read why below, and have whatever built it send evidence that holds."
        return _answer("evidence.none_verified", NO, BAD, words, name_some(refused), evidence)
    words = "No evidence about this artifact has been received. Have whatever built it send what it signed."
    return _answer("evidence.none", UNKNOWN, UNKNOWN, words, (), ())


def _answer(code: str, answer: str, tone: str, words: str, reasons: tuple[str, ...], items: Sequence[ToldEvidence]) -> Answer:
    return Answer(CHECK, code, QUESTION, answer, tone, words, reasons, cite_some([item.cited for item in items]), NOT_LOOKED_AT)


def _code(item: ToldEvidence) -> str:
    return item.signer_code if item.signer_code in _NEXT else "signer.unknown"


def _badness(item: ToldEvidence) -> int:
    return _ORDER.index(_code(item))


def _unanswered(item: ToldEvidence) -> str:
    if _code(item) == "signer.unknown":
        return f"The signature holds, but nobody registered its signer here: {item.signed_as}."
    return item.signer_words


def _refused(item: ToldEvidence) -> str:
    labels = {"rejected": "Rejected", "unsupported": "Not supported", "error": "Not finished"}
    return f"{labels.get(item.result, item.result)}: {item.reason}"
