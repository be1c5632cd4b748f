"""How sure an answer is, in words: how the person gave it, at which level, and why not a higher one. Reads what comes with the answer.

A level is computed by whoever verifies; what stands here is what the portal computed when the person answered.
"""

from __future__ import annotations

from dataclasses import dataclass

from approvals.models import Approval
from proofs.approval.assurance_words import describe_level, describe_signature
from proofs.approval.signed_parts import PASSKEY, SIGN_IN

# What a level adds to the signature that is named before it. What a level may mean besides is not told of an answer that is there.
VOUCHED = {
    "H4": "Its maker attests the key, and the person's identity provider vouches for whose it is.",
    "H3": "The person's identity provider vouches for whose it is.",
    "H2": "The portal vouches for whose it is.",
}


@dataclass(frozen=True)
class LevelWords:
    """`how` completes a sentence that begins with the person; `reason` says what the level rests on; `downgrade` is empty, or a warning."""

    answer: Approval
    how: str
    reason: str
    downgrade: str


def describe_answer(answer: Approval) -> LevelWords:
    """Return the words for one answer; its key or its bound sign-in with the provider are at hand, and its ceremony."""
    bound = answer.bound_by
    if bound is None:
        how = describe_signature(kind=PASSKEY, level=answer.level, name=answer.identity.name)
        return LevelWords(answer, how, VOUCHED.get(answer.level) or describe_level(answer.level), "")
    provider = bound.provider.name
    how = describe_signature(kind=SIGN_IN, level=answer.level, name=answer.identity.name, issuer=provider)
    reason = f"No key signed this. {provider} says that it asked for a second factor, in a token that is about this statement alone."
    if answer.level == "H1":
        reason = f"No key signed this, and {provider} did not say that it asked for a second factor."
    warning = f"{answer.identity.name} had an approval key and did not use it: this is weaker." if answer.ceremony.is_downgrade else ""
    return LevelWords(answer, how, reason, warning)
