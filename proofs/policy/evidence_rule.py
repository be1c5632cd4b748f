"""One evidence rule against the verdicts: has every artifact a verified item, by an accepted builder, from an accepted source?

Looks only at what the certificate or key proved (`facts.signer`, `facts.coSigners`), never at what the predicate says (`facts.claims`).
Anything missing or of another shape than expected is a no. Where a rule wants several signers, it counts registered identities:
neither keys nor items nor copies.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from proofs.assess import BEFORE_GRANTS
from proofs.delegators import is_delegated_to
from proofs.expectations import is_match
from proofs.policy.expectation_rule import (
    RESULT_CODE,
    Shortfall,
    check_age,
    check_expectations,
    overrule,
)
from proofs.policy.expectations_document import ProjectExpectations, rules_of_project
from proofs.policy.indexed_input import IndexedInput
from proofs.policy.outcome import TIME_MISSING, RuleOutcome
from proofs.policy.reading import listed, name_of, objects, part_of
from proofs.policy.rules import EvidenceRule, Source
from proofs.policy.word import Place, Word, describe_signer, missing_grant

__all__ = ["NOT_ITS_WORD", "describe_signer", "evaluate_evidence_rule", "judge_item"]

# What the portal says of a signature that was somebody else's by then, or a stranger's: its no counts as little as its yes, or nobody could
# undo what a stolen key said.
NOT_ITS_WORD = ("signer.revoked", "signer.compromised", "signer.retired", "signer.blocked")
_SIGNER_CHECK = "signer"
_NOT_ABOUT_IT = Shortfall(0, "policy.evidence_missing", "")


def evaluate_evidence_rule(
    rule: EvidenceRule, policy_input: IndexedInput, expected: ProjectExpectations | None = None, at: datetime | None = None
) -> RuleOutcome:
    """Return pass when every artifact of the input has an item that counts, else fail with what is missing or wrong.

    `expected` are the project's expectations, for a rule that leaves it to them: without any, it fails. `at` is the moment at which evidence
    must not be too old.
    """
    if rule.max_age_hours is not None and at is None:
        return RuleOutcome("fail", TIME_MISSING, f"{rule.title} cannot be shown: no moment is named at which evidence must be fresh.")
    if rule.by_project and expected is None:
        sentence = f"{rule.title} cannot be shown: no expectations are in force for {policy_input['project']}."
        return RuleOutcome("fail", "policy.expectations_missing", sentence)
    rules = rules_of_project(rule, expected) if rule.by_project and expected else (rule,)
    if not rules:
        sentence = f"{rule.title} cannot be shown: {expected} accept no {' or '.join(rule.predicate_types)} from anybody."
        return RuleOutcome("fail", "policy.evidence_missing", sentence)
    if not policy_input["artifacts"]:
        return RuleOutcome("fail", "policy.no_artifact", f"{rule.title} cannot be shown: the request names no artifact.")
    counted: set[str] = set()
    signers: set[str] = set()
    for artifact in policy_input["artifacts"]:
        digest = artifact["digest"]
        words = policy_input.words_about(rule.predicate_types, digest)
        shortfalls = _judge_words(rules, words, digest, policy_input)
        if any(shortfalls):
            shortfalls = overrule(words, shortfalls)
        # A no that is old still overrules: only what says yes must be fresh.
        if rule.max_age_hours is not None:
            shortfalls = [shortfall or check_age(rule, word, at) for word, shortfall in zip(words, shortfalls, strict=True)]
        accepted = [word for word, shortfall in zip(words, shortfalls, strict=True) if shortfall is None] if any(shortfalls) else words
        if not accepted:
            return _failure(rule, artifact, [shortfall for shortfall in shortfalls if shortfall is not None])
        if rule.signers > 1 and len(identities := _identities(accepted)) < rule.signers:
            return _too_few(rule, artifact, identities)
        for word in accepted:
            counted.add(word.digest)
            signers.add(word.who)
    names = policy_input.names
    said = f", as {expected} say" if rule.by_project else ""
    sentence = f"{rule.title} for {names} is verified: signed by {listed(sorted(signers))}{said}."
    return RuleOutcome("pass", "", sentence, tuple(sorted(counted)))


def _identities(accepted: list[Word]) -> dict[str, str]:
    """Return the different registered identities behind accepted items, each with its name."""
    found = [part_of(word.verdict, "identity") for word in accepted]
    return {identity["id"]: str(identity.get("name")) for identity in found if isinstance(identity.get("id"), str) and identity["id"]}


def _too_few(rule: EvidenceRule, artifact: dict[str, str], identities: dict[str, str]) -> RuleOutcome:
    got = f" ({listed(sorted(identities.values()))})" if identities else ""
    sentence = (
        f"{rule.title} for {name_of(artifact)} is incomplete: {len(identities)} of {rule.signers} signers{got}. "
        "Each must be registered as an identity of its own; further items or keys of the same one count once."
    )
    return RuleOutcome("fail", "policy.signers_missing", sentence)


def _failure(rule: EvidenceRule, artifact: dict[str, str], shortfalls: list[Shortfall]) -> RuleOutcome:
    sentence = (
        f"{rule.title} for {name_of(artifact)} is missing: got no verified {' or '.join(rule.predicate_types)} from an accepted builder."
    )
    nearest = max(shortfalls, key=lambda shortfall: shortfall.progress, default=None)
    if nearest is None or nearest.progress == 0:
        return RuleOutcome("fail", "policy.evidence_missing", sentence)
    return RuleOutcome("fail", nearest.code, f"{sentence} {nearest.words}")


def judge_item(
    rules: tuple[EvidenceRule, ...], verdict: dict[str, Any], artifact_digest: str, policy_input: dict[str, Any], *, own: dict[str, Any]
) -> Shortfall | None:
    """Return None when the item counts for the artifact under one of the rules, else the shortfall that came nearest.

    `own` is its verdict as it stands in the input, `verdict` the same or, for a co-signer, as `by_signer` gives it.
    """
    return _judge_word(rules, Word({"verdict": verdict}, own, Place(policy_input)), artifact_digest, policy_input)


def _judge_words(
    rules: tuple[EvidenceRule, ...], words: list[Word], artifact_digest: str, policy_input: dict[str, Any]
) -> list[Shortfall | None]:
    """Return for each word None where it counts, else how it falls short."""
    if len(rules) == 1:
        return [_judge(rules[0], word, artifact_digest, policy_input) for word in words]
    return [_judge_word(rules, word, artifact_digest, policy_input) for word in words]


def _judge_word(rules: tuple[EvidenceRule, ...], word: Word, artifact_digest: str, policy_input: dict[str, Any]) -> Shortfall | None:
    if len(rules) == 1:
        return _judge(rules[0], word, artifact_digest, policy_input)
    shortfalls = []
    for rule in rules:
        shortfall = _judge(rule, word, artifact_digest, policy_input)
        if shortfall is None:
            return None
        shortfalls.append(shortfall)
    return max(shortfalls, key=lambda shortfall: shortfall.progress)


def _judge(rule: EvidenceRule, word: Word, artifact_digest: str, policy_input: dict[str, Any]) -> Shortfall | None:
    """Return None when the word counts for the artifact, else how it falls short."""
    if word.facts and (word.predicate_type not in rule.predicate_types or artifact_digest not in word.subjects):
        return _NOT_ABOUT_IT
    if word.is_vouched_for and word.facts:
        # Most items are of this kind, in every rule: what does not depend on the rule has been looked at once.
        if rule.asks_signer_alone and not word.states_result and not rule.builder_keys.isdisjoint(word.builders):
            return None
        return _not_accepted(rule, word) or check_expectations(rule, word, policy_input)
    verdict = word.verdict
    if verdict.get("result") != "verified":
        words = f"What was sent was not verified: {verdict.get('reason') or verdict.get('code') or verdict.get('result')}"
        return Shortfall(1, "policy.evidence_not_verified", words)
    if not word.facts:
        return _NOT_ABOUT_IT
    # The finding about the signer is about the first one alone, since verdicts say of each signer whether it may attest this.
    is_other = verdict is not word.own and not _is_before_grants(word)
    failing = [each for each in objects(verdict.get("findings")) if each.get("outcome") in ("fail", "error")]
    failing = [each for each in failing if not (is_other and each.get("check") == _SIGNER_CHECK)]
    if failing:
        return _contradicted(rule, word, failing, policy_input)
    stranger = _not_accepted(rule, word)
    if stranger is not None:
        return stranger
    if not part_of(verdict, "identity").get("id"):
        # A key counts as a co-signer only where it is registered, so that without an identity it is one that does not answer today: the
        # portal holds a failing finding against a first signer of that kind, and only something to look at against a co-signer.
        if is_other:
            is_its_word = verdict.get("because") not in NOT_ITS_WORD
            no = _standing_no(rule, word, policy_input) if is_its_word else None
            return no or Shortfall(5, "policy.signer_unregistered", f"Nobody answers for {word.who} today.")
        if rule.registered_signer:
            words = f"{word.who} is not registered as an identity here, so nobody answers for it."
            return Shortfall(5, "policy.signer_unregistered", words)
    if part_of(verdict, "identity").get("id") and (words := missing_grant(verdict, policy_input)):
        return _standing_no(rule, word, policy_input) or Shortfall(5, "policy.signer_not_granted", words)
    return check_expectations(rule, word, policy_input)


def _contradicted(rule: EvidenceRule, word: Word, failing: list[dict[str, Any]], policy_input: dict[str, Any]) -> Shortfall:
    """Return the shortfall of an item that these findings contradict: its no where it is a signer of the rule alone that falls short."""
    code, words = "policy.evidence_contradicted", str(failing[0].get("sentence"))
    is_signer_alone = all(each.get("check") == _SIGNER_CHECK for each in failing)
    if _is_before_grants(word) or not is_signer_alone or _not_accepted(rule, word) is not None:
        return Shortfall(2, code, words)
    is_its_word = all(each.get("code") not in NOT_ITS_WORD for each in failing)
    no = _standing_no(rule, word, policy_input) if is_its_word else None
    # Nearer than what another one signed: it is this signer that somebody has to look after.
    return no or Shortfall(5, code, words)


def _standing_no(rule: EvidenceRule, word: Word, policy_input: dict[str, Any]) -> Shortfall | None:
    """Return the shortfall of an item that says no, of a registered signer whose yes does not count today, else None.

    A no is safe to believe: a program that was suspended after it had found something has found it all the same. Verdicts of before there were
    grants are weighed as they were then, or a release that was approved under them would no longer be shown by its own pack.
    """
    if _is_before_grants(word):
        return None
    shortfall = _not_accepted(rule, word) or check_expectations(rule, word, policy_input)
    return shortfall if shortfall is not None and shortfall.code == RESULT_CODE else None


def _is_before_grants(word: Word) -> bool:
    return part_of(word.own, "verifier").get("version") in BEFORE_GRANTS


def _not_accepted(rule: EvidenceRule, word: Word) -> Shortfall | None:
    """Return None when the rule accepts who signed and from which source, else the shortfall."""
    if rule.builder_keys.isdisjoint(word.builders) and not _is_delegated(rule, word):
        return Shortfall(3, "policy.signer", partial(_other_signer, rule, word))
    if rule.sources and not any(_is_source(source, word.signer) for source in rule.sources):
        return Shortfall(4, "policy.source", partial(_other_source, rule, word))
    return None


def _is_delegated(rule: EvidenceRule, word: Word) -> bool:
    """Whether it was signed for a builder of the rule. A rule that names the delegator itself expects what it built, not what another did."""
    return any(is_delegated_to(word.facts, name) for name in rule.delegated)


def _other_signer(rule: EvidenceRule, word: Word) -> str:
    expected = listed([str(builder) for builder in rule.builders], word="or")
    return f"It was signed by {word.who}{' for another builder' if word.is_delegated else ''}; expected {expected}."


def _other_source(rule: EvidenceRule, word: Word) -> str:
    expected = listed([_source_in_words(source) for source in rule.sources], word="or")
    got = f"{word.signer.get('sourceRepository') or 'no source repository'} at {word.signer.get('sourceRef') or 'no ref'}"
    return f"The certificate says it was built from {got}; expected {expected}."


def _is_source(source: Source, signer: dict[str, Any]) -> bool:
    if signer.get("kind") != "certificate" or signer.get("sourceRepository") != source.repository:
        return False
    if source.repository_id and signer.get("sourceRepositoryId") != source.repository_id:
        return False
    ref = signer.get("sourceRef")
    return not source.refs or (isinstance(ref, str) and any(_is_ref(wanted, ref) for wanted in source.refs))


def _is_ref(wanted: str, ref: str) -> bool:
    if wanted.startswith("^"):
        return is_match(wanted, ref)
    return ref.startswith(wanted[:-1]) if wanted.endswith("*") else ref == wanted


def _source_in_words(source: Source) -> str:
    repository = f"{source.repository} (id {source.repository_id})" if source.repository_id else source.repository
    return f"{repository} at {listed(list(source.refs), word='or')}" if source.refs else repository
