"""What an evidence rule may expect beyond signer and source: result, runner, parameters, inputs; and which of several answers is the last.

Runner is read from the certificate. Result, parameters and inputs are what the statement says, and are asked only of an item whose
signer was accepted before. What is missing is a no.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from proofs.assess import BEFORE_GRANTS
from proofs.digest import names_approved
from proofs.moment import rfc3339
from proofs.policy.indexed_input import IndexedInput, first_words
from proofs.policy.reading import moment_of, objects, part_of, texts
from proofs.policy.rules import EvidenceRule, InputsRule
from proofs.policy.word import STATES_RESULT, Word
from proofs.predicates.verdicts import PASSED
from proofs.provenance import MAX_INPUTS, PROVENANCE_TYPES
from proofs.repository import SAME, compare_repositories

__all__ = ["RESULT_CODE", "STATES_RESULT", "Shortfall", "check_age", "check_expectations", "overrule"]

RESULT_CODE = "policy.result_not_passed"


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Why one item does not count for one artifact; the higher `progress`, the nearer it came. Its words are made when they are asked for."""

    progress: int
    code: str
    said: str | Callable[[], str]

    @property
    def words(self) -> str:
        """What was wrong, in a sentence."""
        return self.said if isinstance(self.said, str) else self.said()


def check_expectations(rule: EvidenceRule, word: Word, policy_input: dict[str, Any]) -> Shortfall | None:
    """Return None when a word by an accepted signer meets the rule's further expectations, else the first that it does not."""
    facts, signer = word.facts, word.signer
    if rule.runners is not None and signer.get("runnerEnvironment") not in rule.runners:
        got = signer.get("runnerEnvironment") or "no runner"
        return Shortfall(6, "policy.runner", f"The certificate names {got}; expected {' or '.join(rule.runners)}.")
    strangers = [name for name in _parameters(facts) if name not in rule.parameters] if rule.parameters is not None else []
    if rule.parameters is not None and ("parameters" not in facts or strangers):
        got = f"the parameter {strangers[0]}" if strangers else "no list of its parameters"
        return Shortfall(7, "policy.parameter", f"The build states {got}; expected only {', '.join(rule.parameters) or 'none'}.")
    if rule.inputs is not None:
        stranger = _first_stranger(rule.inputs, word, policy_input)
        if stranger is not None:
            return Shortfall(8, "policy.input", f"The build took in {stranger}, which is not an approved input.")
    # Last, so that a shortfall with this code means: everything else about the item is accepted, and it says no.
    if word.states_result:
        predicate = part_of(facts, "predicate")
        if predicate.get("kind") != word.kind or predicate.get("result") not in rule.results:
            said = predicate.get("result") or "nothing we can read"
            return Shortfall(9, RESULT_CODE, f"It says {said}; expected {' or '.join(rule.results)}.")
    return None


def overrule(words: list[Word], shortfalls: list[Shortfall | None]) -> list[Shortfall | None]:
    """Return how each word falls short, with each pass taken back that a "no" of the same kind overrules, which is every one not surely older.

    A proven time says that the signature was there by then, not when it was made: old evidence can be sent, stamped or verified again at
    any time, by anybody. So a pass is newer than a "no" only where its certificate was issued after the "no" was proven to exist. What
    a key signed has no earliest time, and never overrules anything.
    """
    answers = list(zip(words, shortfalls, strict=True))
    refusals = [(word, shortfall) for word, shortfall in answers if shortfall is not None and shortfall.code == RESULT_CODE]
    return [shortfall or _standing_no(word, refusals) for word, shortfall in answers]


def check_age(rule: EvidenceRule, word: Word, moment: datetime | None) -> Shortfall | None:
    """Return None when an item that counts is surely no older at this moment than the rule allows, or the rule does not ask.

    It is as old as its certificate, which was issued before anything was signed under it; without one, as its earliest proven time. What has
    neither does not count, nor what has a time that cannot be read.
    """
    if rule.max_age_hours is None:
        return None
    times = [moment_of(time.get("at")) for time in objects(word.facts.get("times"))]
    if word.signer.get("notBefore") is not None:
        times = [moment_of(word.signer["notBefore"])]
    known = [time for time in times if time is not None]
    if moment is None or not known or len(known) < len(times):
        return Shortfall(10, "policy.evidence_undated", "Nothing proves when it was signed, so nobody knows that it is not too old.")
    if moment - min(known) > timedelta(hours=rule.max_age_hours):
        words = f"It may be from {rfc3339(min(known))}; expected at most {rule.max_age_hours} hours before {rfc3339(moment)}."
        return Shortfall(11, "policy.evidence_too_old", words)
    return None


def _standing_no(word: Word, refusals: list[tuple[Word, Shortfall]]) -> Shortfall | None:
    for refusal, shortfall in refusals:
        if refusal.kind == word.kind and not _is_surely_after(word, refusal):
            return Shortfall(
                9, "policy.result_overruled", f"Another one by an accepted signer, not surely older, overrules it. {shortfall.words}"
            )
    return None


def _is_surely_after(word: Word, other: Word) -> bool:
    """Whether `word` was signed after `other` existed. Where a time cannot be read, it was not."""
    existed = [moment_of(time.get("at")) for time in objects(other.facts.get("times"))]
    issued = moment_of(word.signer.get("notBefore"))
    return issued is not None and bool(existed) and all(moment is not None and moment < issued for moment in existed)


def _parameters(facts: dict[str, Any]) -> list[str]:
    return texts(facts.get("parameters"))


def _first_stranger(rule: InputsRule, word: Word, policy_input: dict[str, Any]) -> str | None:
    """Return the first input that nobody approved; the source itself is approved by the rule about sources."""
    listed = objects(part_of(word.facts, "claims").get("dependencies"))
    if not listed:
        return "nothing that it lists"
    approved = set(rule.digests) | (_verified_subjects(policy_input, word.own) if rule.verified else set())
    for item in listed:
        if not _is_source(item, word.signer) and not names_approved(texts(item.get("digests")), approved):
            return str(item.get("uri") or "an input without a name")
    # Verifiers before version 4 cut longer lists short.
    return f"more than {MAX_INPUTS} inputs" if len(listed) > MAX_INPUTS else None


def _is_source(item: dict[str, Any], signer: dict[str, Any]) -> bool:
    """Whether an input is the very source that the certificate names: its repository, and no digest but its commit."""
    uri, source, commit = item.get("uri"), signer.get("sourceRepository"), signer.get("sourceCommit")
    if not isinstance(uri, str) or not isinstance(source, str) or compare_repositories(uri, source) != SAME:
        return False
    digests = texts(item.get("digests"))
    # Digests that facts leave out may name anything. Beside the commit they do not matter; alone they are not the commit.
    return all(digest.partition(":")[2] == commit for digest in digests) and (bool(digests) or "otherDigests" not in item)


def _verified_subjects(policy_input: dict[str, Any], own: dict[str, Any]) -> set[str]:
    """Return what other evidence vouches for: build records, and verification summaries that passed, by registered signers of the project's team.

    Whoever owns a key could vouch for anything otherwise, and an item never vouches for its own inputs: `own` is its verdict in the input.
    """
    return {digest for verdict, digests in _vouchers(policy_input) if verdict is not own and verdict != own for digest in digests}


def _vouchers(policy_input: dict[str, Any]) -> list[tuple[dict[str, Any], frozenset[str]]]:
    """Return the verdicts that vouch for what they are about, with its digests; found once where the input can keep it."""
    if isinstance(policy_input, IndexedInput) and policy_input.vouchers is not None:
        return policy_input.vouchers
    found = []
    for word in first_words(policy_input):
        passed = word.kind == "verification-summary" and part_of(word.facts, "predicate").get("result") == PASSED
        vouches = passed or word.predicate_type in PROVENANCE_TYPES
        if vouches and word.is_vouched_for and not word.is_delegated and _is_of_team(word.verdict, policy_input):
            found.append((word.verdict, frozenset(word.subjects)))
    if isinstance(policy_input, IndexedInput):
        policy_input.vouchers = found
    return found


def _is_of_team(verdict: dict[str, Any], policy_input: dict[str, Any]) -> bool:
    """Whether the registered signer is of the project's own team. Verdicts of before there were grants do not say, and vouch as they did."""
    identity = part_of(verdict, "identity")
    if "team" not in identity:
        return part_of(verdict, "verifier").get("version") in BEFORE_GRANTS
    return isinstance(identity["team"], str) and identity["team"] == policy_input.get("team")
