"""The four questions a signature alone does not answer, answered from a verified pack as far as a pack can."""

from __future__ import annotations

from dataclasses import dataclass

from proofs.moment import rfc3339
from proofs.pack.report import PackReport, VerifiedApproval, VerifiedItem, describe_person


@dataclass(frozen=True, slots=True)
class Answer:
    """One question and what the pack answers."""

    question: str
    words: str


def answer_questions(report: PackReport) -> tuple[Answer, ...]:
    """Return the four answers. What a pack cannot know is said to be unknown."""
    counted = {digest for rule in report.rules for digest in rule["evidence"]}
    items = [item for item in report.evidence if item.digest in counted]
    return (
        Answer("Who signed it?", _who(report, items)),
        Answer("From what was it made?", _sources(items)),
        Answer("Was the path intact?", _path(items)),
        Answer(
            "Was anything altered after review?",
            "No: every byte the person was shown is here as it was signed. Whether somebody rejected or withdrew it, ask the gate.",
        ),
    )


def _who(report: PackReport, items: list[VerifiedItem]) -> str:
    people = "; ".join(
        f"{describe_person(item)} approved on {rfc3339(item.checked_at)} {_how(item)}, level {item.level}" for item in report.approvals
    )
    signers = "; ".join(
        dict.fromkeys(
            f"{item.signer} signed the evidence" + (f", registered as {item.identity}" if item.identity else "") for item in items
        )
    )
    return f"{people}. {signers or 'No evidence was asked for'}."


def _how(approval: VerifiedApproval) -> str:
    return f"by sign-in ({approval.level_words})" if approval.signed_in_at else "with a passkey"


def _path(items: list[VerifiedItem]) -> str:
    registry = "What lies in a registry or runs somewhere is unknown here: compare its digest."
    if not items:
        return f"Unknown: the policy counted no evidence, so nothing but the approval names this digest. {registry}"
    return f"From the evidence to the approval, yes: evidence, policy and statement name the same digest. {registry}"


def _sources(items: list[VerifiedItem]) -> str:
    sources = list(dict.fromkeys(item.source for item in items if item.source))
    if not sources:
        return "Unknown: no certificate in the evidence names a source."
    return f"{'; '.join(sources)}, as the certificate says. Whether the other inputs were the expected ones is not checked."
