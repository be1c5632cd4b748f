"""What an evidence rule may expect beyond signer and source: result, runner, parameters, inputs; and which of several answers is the last.

Runner is read from the certificate. Result, parameters and inputs are what the statement says, and are asked only of an item whose
signer was accepted before. What is missing is a no.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from proofs.errors import Refusal
from proofs.moment import parse_moment
from proofs.policy.document import EvidenceRule, InputsRule
from proofs.repository import SAME, compare_repositories

_STATES_RESULT = ("test-result", "verification-summary")
RESULT_CODE = "policy.result_not_passed"


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Why one item does not count for one artifact; the higher `progress`, the nearer it came."""

    progress: int
    code: str
    words: str


def check_expectations(rule: EvidenceRule, verdict: dict[str, Any], policy_input: dict[str, Any]) -> Shortfall | None:
    """Return None when an item by an accepted signer meets the rule's further expectations, else the first that it does not."""
    facts = part_of(verdict, "facts")
    predicate, signer = part_of(facts, "predicate"), part_of(facts, "signer")
    if rule.runners is not None and signer.get("runnerEnvironment") not in rule.runners:
        got = signer.get("runnerEnvironment") or "no runner"
        return Shortfall(6, "policy.runner", f"The certificate names {got}; expected {' or '.join(rule.runners)}.")
    strangers = [name for name in _parameters(facts) if name not in rule.parameters] if rule.parameters is not None else []
    if rule.parameters is not None and ("parameters" not in facts or strangers):
        got = f"the parameter {strangers[0]}" if strangers else "no list of its parameters"
        return Shortfall(7, "policy.parameter", f"The build states {got}; expected only {', '.join(rule.parameters) or 'none'}.")
    if rule.inputs is not None:
        stranger = _first_stranger(rule.inputs, facts, policy_input)
        if stranger is not None:
            return Shortfall(8, "policy.input", f"The build took in {stranger}, which is not an approved input.")
    # Last, so that a shortfall with this code means: everything else about the item is accepted, and it says no.
    if predicate.get("kind") in _STATES_RESULT and predicate.get("result") not in rule.results:
        return Shortfall(
            9, RESULT_CODE, f"It says {predicate.get('result') or 'nothing we can read'}; expected {' or '.join(rule.results)}."
        )
    return None


def overrule(answers: list[tuple[dict[str, Any], Shortfall | None]]) -> list[tuple[dict[str, Any], Shortfall | None]]:
    """Return the answers with each pass taken back that a later "no" of the same kind overrules.

    Later means signed later, as log or timestamp prove it, else verified later. Of two at the same moment the "no" counts.
    """
    refusals = [(item, shortfall) for item, shortfall in answers if shortfall is not None and shortfall.code == RESULT_CODE]
    return [(item, shortfall or _later_no(item, refusals)) for item, shortfall in answers]


def _later_no(item: dict[str, Any], refusals: list[tuple[dict[str, Any], Shortfall]]) -> Shortfall | None:
    kind = part_of(item["verdict"], "facts", "predicate").get("kind")
    for refusal, shortfall in refusals:
        same_kind = part_of(refusal["verdict"], "facts", "predicate").get("kind") == kind
        if kind is not None and same_kind and not _is_before(refusal["verdict"], item["verdict"]):
            return Shortfall(9, "policy.result_overruled", f"A later one by an accepted signer overrules it. {shortfall.words}")
    return None


def _is_before(verdict: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether `verdict` was surely given earlier. Where a time cannot be read, it was not."""
    first, second = _moment_of(verdict), _moment_of(other)
    return first is not None and second is not None and first < second


def _moment_of(verdict: dict[str, Any]) -> datetime | None:
    times = [time.get("at") for time in objects(part_of(verdict, "facts").get("times"))] or [verdict.get("verifiedAt")]
    try:
        return max(parse_moment(str(time), code="policy.time", what="the time of a verdict") for time in times)
    except Refusal:
        return None


def _parameters(facts: dict[str, Any]) -> list[str]:
    return texts(facts.get("parameters"))


def _first_stranger(rule: InputsRule, facts: dict[str, Any], policy_input: dict[str, Any]) -> str | None:
    """Return the first input that nobody approved; the source itself is approved by the rule about sources."""
    claims = part_of(facts, "claims")
    listed = objects(claims.get("dependencies"))
    if not listed:
        return "nothing that it lists"
    approved = set(rule.digests) | (_verified_subjects(policy_input) if rule.verified else set())
    source = part_of(facts, "signer").get("sourceRepository")
    for item in listed:
        uri = item.get("uri")
        is_source = isinstance(uri, str) and isinstance(source, str) and compare_repositories(uri, source) == SAME
        if not is_source and not approved & set(texts(item.get("digests"))):
            return str(uri or "an input without a name")
    return None


def _verified_subjects(policy_input: dict[str, Any]) -> set[str]:
    found: set[str] = set()
    for item in objects(policy_input.get("evidence")):
        verdict = part_of(item, "verdict")
        if verdict.get("result") == "verified" and part_of(verdict, "identity").get("id"):
            found |= {digest for subject in objects(part_of(verdict, "facts").get("subjects")) for digest in texts(subject.get("digests"))}
    return found


def part_of(value: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return the object inside, or an empty one where anything on the way is missing or of another kind."""
    current: Any = value
    for name in names:
        current = current.get(name) if isinstance(current, dict) else None
    return current if isinstance(current, dict) else {}


def objects(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list; an empty one for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def texts(value: Any) -> list[str]:
    """Return the texts of a list; an empty one for anything else."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
