"""One evidence rule against the verdicts: has every artifact a verified item, by an accepted builder, from an accepted source?

Looks only at what the certificate or key proved (`facts.signer`, `facts.coSigners`), never at what the predicate says (`facts.claims`).
Anything missing or of another shape than expected is a no. Where a rule wants several signers, it counts registered identities:
neither keys nor items nor copies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from proofs.policy.document import Builder, EvidenceRule, Source
from proofs.policy.expectation_rule import Shortfall, check_expectations, objects, overrule, part_of, texts


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """What came of one rule: pass, fail or awaiting, a code for programs ("" for pass), a sentence for people, the items that count."""

    outcome: str
    code: str
    sentence: str
    evidence: tuple[str, ...] = ()


def evaluate_evidence_rule(rule: EvidenceRule, policy_input: dict[str, Any]) -> RuleOutcome:
    """Return pass when every artifact of the input has an item that counts, else fail with what is missing or wrong."""
    if not policy_input["artifacts"]:
        return RuleOutcome("fail", "policy.no_artifact", f"{rule.title} cannot be shown: the request names no artifact.")
    counted: list[str] = []
    signers: list[str] = []
    for artifact in policy_input["artifacts"]:
        answers = [
            (signed, _judge(rule, signed["verdict"], item["verdict"], artifact["digest"], policy_input))
            for item in policy_input["evidence"]
            for signed in _by_signer(item)
        ]
        answers = overrule(answers)
        accepted = [item for item, shortfall in answers if shortfall is None]
        if not accepted:
            return _failure(rule, artifact, [shortfall for _, shortfall in answers if shortfall is not None])
        identities = _identities(accepted)
        if rule.signers > 1 and len(identities) < rule.signers:
            return _too_few(rule, artifact, identities)
        counted += [item["digest"] for item in accepted]
        signers += [describe_signer(part_of(item["verdict"], "facts", "signer")) for item in accepted]
    names = _listed([_name(artifact) for artifact in policy_input["artifacts"]])
    sentence = f"{rule.title} for {names} is verified: signed by {_listed(sorted(set(signers)))}."
    return RuleOutcome("pass", "", sentence, tuple(sorted(set(counted))))


def describe_signer(signer: dict[str, Any]) -> str:
    """Return in words who signed, as proven by certificate or key; "nobody known" where neither was proven."""
    if signer.get("kind") == "certificate":
        return f"{signer.get('identity')} (vouched for by {signer.get('issuer')})"
    if signer.get("kind") == "key":
        return f"key {signer.get('keyId')}"
    return "nobody known"


def _by_signer(item: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the item as each of its proven signers gives it: one for the signer, one more for each co-signer of the same envelope."""
    verdict = item["verdict"]
    facts = part_of(verdict, "facts")
    known = {
        str(each.get("keyId")): each.get("identity") for each in objects(verdict.get("coIdentities") if isinstance(verdict, dict) else None)
    }
    others = [
        {**verdict, "facts": {**facts, "signer": signer}, "identity": known.get(str(signer.get("keyId")))}
        for signer in objects(facts.get("coSigners"))
    ]
    return [item, *({**item, "verdict": other} for other in others)]


def _identities(accepted: list[dict[str, Any]]) -> dict[str, str]:
    """Return the different registered identities behind accepted items, each with its name."""
    found = [part_of(item["verdict"], "identity") for item in accepted]
    return {identity["id"]: str(identity.get("name")) for identity in found if isinstance(identity.get("id"), str) and identity["id"]}


def _too_few(rule: EvidenceRule, artifact: dict[str, str], identities: dict[str, str]) -> RuleOutcome:
    got = f" ({_listed(sorted(identities.values()))})" if identities else ""
    sentence = (
        f"{rule.title} for {_name(artifact)} is incomplete: {len(identities)} of {rule.signers} signers{got}. "
        "Each must be registered as an identity of its own; further items or keys of the same one count once."
    )
    return RuleOutcome("fail", "policy.signers_missing", sentence)


def _failure(rule: EvidenceRule, artifact: dict[str, str], shortfalls: list[Shortfall]) -> RuleOutcome:
    sentence = (
        f"{rule.title} for {_name(artifact)} is missing: got no verified {' or '.join(rule.predicate_types)} from an accepted builder."
    )
    nearest = max(shortfalls, key=lambda shortfall: shortfall.progress, default=None)
    if nearest is None or nearest.progress == 0:
        return RuleOutcome("fail", "policy.evidence_missing", sentence)
    return RuleOutcome("fail", nearest.code, f"{sentence} {nearest.words}")


def _judge(
    rule: EvidenceRule, verdict: dict[str, Any], own: dict[str, Any], artifact_digest: str, policy_input: dict[str, Any]
) -> Shortfall | None:
    """Return None when the item counts for the artifact, else how it falls short. `own` is its verdict as it stands in the input."""
    facts = part_of(verdict, "facts")
    about_it = any(artifact_digest in texts(subject.get("digests")) for subject in objects(facts.get("subjects")))
    if facts and (facts.get("predicateType") not in rule.predicate_types or not about_it):
        return Shortfall(0, "policy.evidence_missing", "")
    signer = part_of(facts, "signer")
    if verdict.get("result") != "verified":
        words = f"What was sent was not verified: {verdict.get('reason') or verdict.get('code') or verdict.get('result')}"
        return Shortfall(1, "policy.evidence_not_verified", words)
    if not facts:
        return Shortfall(0, "policy.evidence_missing", "")
    failing = [finding for finding in objects(verdict.get("findings")) if finding.get("outcome") in ("fail", "error")]
    if failing:
        return Shortfall(2, "policy.evidence_contradicted", str(failing[0].get("sentence")))
    if not any(_is_builder(builder, signer) for builder in rule.builders):
        expected = _listed([str(builder) for builder in rule.builders], word="or")
        return Shortfall(3, "policy.signer", f"It was signed by {describe_signer(signer)}; expected {expected}.")
    if rule.sources and not any(_is_source(source, signer) for source in rule.sources):
        expected = _listed([_source_in_words(source) for source in rule.sources], word="or")
        got = f"{signer.get('sourceRepository') or 'no source repository'} at {signer.get('sourceRef') or 'no ref'}"
        return Shortfall(4, "policy.source", f"The certificate says it was built from {got}; expected {expected}.")
    if rule.registered_signer and not part_of(verdict, "identity").get("id"):
        return Shortfall(
            5, "policy.signer_unregistered", f"{describe_signer(signer)} is not registered as an identity here, so nobody answers for it."
        )
    return check_expectations(rule, verdict, policy_input, own=own)


def _is_builder(builder: Builder, signer: dict[str, Any]) -> bool:
    if builder.key_id:
        return signer.get("kind") == "key" and signer.get("keyId") == builder.key_id
    if signer.get("kind") != "certificate" or signer.get("issuer") != builder.issuer:
        return False
    if builder.workflow:
        return signer.get("workflow") == builder.workflow
    return bool(builder.identity) and signer.get("identity") == builder.identity


def _is_source(source: Source, signer: dict[str, Any]) -> bool:
    if signer.get("kind") != "certificate" or signer.get("sourceRepository") != source.repository:
        return False
    if source.repository_id and signer.get("sourceRepositoryId") != source.repository_id:
        return False
    ref = signer.get("sourceRef")
    return not source.refs or (isinstance(ref, str) and any(_is_ref(wanted, ref) for wanted in source.refs))


def _is_ref(wanted: str, ref: str) -> bool:
    return ref.startswith(wanted[:-1]) if wanted.endswith("*") else ref == wanted


def _source_in_words(source: Source) -> str:
    repository = f"{source.repository} (id {source.repository_id})" if source.repository_id else source.repository
    return f"{repository} at {_listed(list(source.refs), word='or')}" if source.refs else repository


def _name(artifact: dict[str, str]) -> str:
    return artifact["name"] or artifact["digest"]


def _listed(words: list[str], *, word: str = "and") -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {word} {words[-1]}"
