"""What an evidence rule may expect beyond signer and source: result, runner, parameters, inputs; and which of several answers is the last.

Runner is read from the certificate. Result, parameters and inputs are what the statement says, and are asked only of an item whose
signer was accepted before. What is missing is a no.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from proofs.assess import BEFORE_GRANTS
from proofs.delegators import DELEGATED
from proofs.digest import names_approved
from proofs.moment import rfc3339
from proofs.policy.indexed_input import IndexedInput
from proofs.policy.reading import moment_of, objects, part_of, texts
from proofs.policy.rules import EvidenceRule, InputsRule
from proofs.predicates.read import READERS
from proofs.predicates.verdicts import PASSED
from proofs.provenance import MAX_INPUTS, PROVENANCE_TYPES
from proofs.repository import SAME, compare_repositories

STATES_RESULT = ("test-result", "verification-summary")
RESULT_CODE = "policy.result_not_passed"


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Why one item does not count for one artifact; the higher `progress`, the nearer it came."""

    progress: int
    code: str
    words: str


def check_expectations(
    rule: EvidenceRule, verdict: dict[str, Any], policy_input: dict[str, Any], *, own: dict[str, Any]
) -> Shortfall | None:
    """Return None when an item by an accepted signer meets the rule's further expectations, else the first that it does not.

    `own` is the item's verdict as it stands in the input, so that it never vouches for its own inputs.
    """
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
        stranger = _first_stranger(rule.inputs, verdict, policy_input, own=own)
        if stranger is not None:
            return Shortfall(8, "policy.input", f"The build took in {stranger}, which is not an approved input.")
    # Last, so that a shortfall with this code means: everything else about the item is accepted, and it says no.
    if _kind_of(facts) in STATES_RESULT and (predicate.get("kind") != _kind_of(facts) or predicate.get("result") not in rule.results):
        return Shortfall(
            9, RESULT_CODE, f"It says {predicate.get('result') or 'nothing we can read'}; expected {' or '.join(rule.results)}."
        )
    return None


def overrule(answers: list[tuple[dict[str, Any], Shortfall | None]]) -> list[tuple[dict[str, Any], Shortfall | None]]:
    """Return the answers with each pass taken back that a "no" of the same kind overrules, which is every one not surely older.

    A proven time says that the signature was there by then, not when it was made: old evidence can be sent, stamped or verified again at
    any time, by anybody. So a pass is newer than a "no" only where its certificate was issued after the "no" was proven to exist. What
    a key signed has no earliest time, and never overrules anything.
    """
    refusals = [(item, shortfall) for item, shortfall in answers if shortfall is not None and shortfall.code == RESULT_CODE]
    return [(item, shortfall or _standing_no(item, refusals)) for item, shortfall in answers]


def check_age(rule: EvidenceRule, verdict: dict[str, Any], moment: datetime | None) -> Shortfall | None:
    """Return None when an item that counts is surely no older at this moment than the rule allows, or the rule does not ask.

    It is as old as its certificate, which was issued before anything was signed under it; without one, as its earliest proven time. What has
    neither does not count, nor what has a time that cannot be read.
    """
    if rule.max_age_hours is None:
        return None
    signer = part_of(verdict, "facts", "signer")
    times = [moment_of(time.get("at")) for time in objects(part_of(verdict, "facts").get("times"))]
    if signer.get("notBefore") is not None:
        times = [moment_of(signer["notBefore"])]
    known = [time for time in times if time is not None]
    if moment is None or not known or len(known) < len(times):
        return Shortfall(10, "policy.evidence_undated", "Nothing proves when it was signed, so nobody knows that it is not too old.")
    if moment - min(known) > timedelta(hours=rule.max_age_hours):
        words = f"It may be from {rfc3339(min(known))}; expected at most {rule.max_age_hours} hours before {rfc3339(moment)}."
        return Shortfall(11, "policy.evidence_too_old", words)
    return None


def _standing_no(item: dict[str, Any], refusals: list[tuple[dict[str, Any], Shortfall]]) -> Shortfall | None:
    kind = _kind_of(part_of(item["verdict"], "facts"))
    for refusal, shortfall in refusals:
        if _kind_of(part_of(refusal["verdict"], "facts")) == kind and not _is_surely_after(item["verdict"], refusal["verdict"]):
            return Shortfall(
                9, "policy.result_overruled", f"Another one by an accepted signer, not surely older, overrules it. {shortfall.words}"
            )
    return None


def _is_surely_after(verdict: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether `verdict` was signed after `other` existed. Where a time cannot be read, it was not."""
    times = objects(part_of(other, "facts").get("times"))
    existed = [moment_of(time.get("at")) for time in times]
    issued = moment_of(part_of(verdict, "facts", "signer").get("notBefore"))
    return issued is not None and bool(existed) and all(moment is not None and moment < issued for moment in existed)


def _kind_of(facts: dict[str, Any]) -> str | None:
    """Return the kind of predicate by its type, whatever the facts say of it."""
    known = READERS.get(str(facts.get("predicateType")))
    return known[0] if known else None


def _parameters(facts: dict[str, Any]) -> list[str]:
    return texts(facts.get("parameters"))


def _first_stranger(rule: InputsRule, verdict: dict[str, Any], policy_input: dict[str, Any], *, own: dict[str, Any]) -> str | None:
    """Return the first input that nobody approved; the source itself is approved by the rule about sources."""
    facts = part_of(verdict, "facts")
    listed = objects(part_of(facts, "claims").get("dependencies"))
    if not listed:
        return "nothing that it lists"
    approved = set(rule.digests) | (_verified_subjects(policy_input, own) if rule.verified else set())
    signer = part_of(facts, "signer")
    for item in listed:
        if not _is_source(item, signer) and not names_approved(texts(item.get("digests")), approved):
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

    Whoever owns a key could vouch for anything otherwise.
    """
    return {digest for verdict, digests in _vouchers(policy_input) if verdict is not own and verdict != own for digest in digests}


def _vouchers(policy_input: dict[str, Any]) -> list[tuple[dict[str, Any], frozenset[str]]]:
    """Return the verdicts that vouch for what they are about, with its digests; found once where the input can keep it."""
    if isinstance(policy_input, IndexedInput) and policy_input.vouchers is not None:
        return policy_input.vouchers
    found = []
    for item in objects(policy_input.get("evidence")):
        verdict = part_of(item, "verdict")
        facts = part_of(verdict, "facts")
        passed = _kind_of(facts) == "verification-summary" and part_of(facts, "predicate").get("result") == PASSED
        vouches = passed or facts.get("predicateType") in PROVENANCE_TYPES
        if vouches and not is_delegated(verdict) and _is_of_team(verdict, policy_input) and is_vouched_for(verdict, policy_input):
            subjects = (digest for subject in objects(facts.get("subjects")) for digest in texts(subject.get("digests")))
            found.append((verdict, frozenset(subjects)))
    if isinstance(policy_input, IndexedInput):
        policy_input.vouchers = found
    return found


def is_vouched_for(verdict: dict[str, Any], policy_input: dict[str, Any]) -> bool:
    """Return whether an item is verified, nothing contradicts it, and a registered signer answers for it who may attest it here.

    Found once for each verdict where the input can keep it.
    """
    if not isinstance(policy_input, IndexedInput):
        return _is_vouched_for(verdict, policy_input)
    known = policy_input.vouched.get(id(verdict))
    # The verdict is kept beside the answer, so that no other one can come to stand at its address.
    if known is None:
        known = policy_input.vouched[id(verdict)] = (verdict, _is_vouched_for(verdict, policy_input))
    return known[1]


def _is_vouched_for(verdict: dict[str, Any], policy_input: dict[str, Any]) -> bool:
    if verdict.get("result") != "verified" or not part_of(verdict, "identity").get("id"):
        return False
    for finding in objects(verdict.get("findings")):
        if finding.get("outcome") in ("fail", "error"):
            return False
    return not missing_grant(verdict, policy_input)


def _is_of_team(verdict: dict[str, Any], policy_input: dict[str, Any]) -> bool:
    """Whether the registered signer is of the project's own team. Verdicts of before there were grants do not say, and vouch as they did."""
    identity = part_of(verdict, "identity")
    if "team" not in identity:
        return part_of(verdict, "verifier").get("version") in BEFORE_GRANTS
    return isinstance(identity["team"], str) and identity["team"] == policy_input.get("team")


def missing_grant(verdict: dict[str, Any], policy_input: dict[str, Any]) -> str:
    """Return "" where the registered signer may attest this for the project and environment of the input, else a sentence that says where it may.

    An environment that is None stands for any one, where a question is about the project alone; one that is missing stands for none, and so
    does a missing project. Verdicts of before there were grants name none, and then nobody asks for one.
    """
    identity = part_of(verdict, "identity")
    if "grants" not in identity and part_of(verdict, "verifier").get("version") in BEFORE_GRANTS:
        return ""
    grants = objects(identity.get("grants"))
    project, environment = policy_input.get("project"), policy_input.get("environment")
    if project is not None and "environment" in policy_input:
        for grant in grants:
            fits = "project" in grant and grant["project"] in (None, project) and "environment" in grant
            if fits and (environment is None or grant["environment"] in (None, environment)):
                return ""
    places = [f"{grant.get('project') or 'every project'} in {grant.get('environment') or 'every environment'}" for grant in grants]
    may = f"may attest this for {' and for '.join(places)} only" if places else "may attest this for nobody"
    return f"{identity.get('name')} {may}; this is about {project} in {environment or 'any environment'}."


def is_delegated(verdict: dict[str, Any]) -> bool:
    """Return whether a known delegator signed this for another builder, which counts only where that builder is named."""
    findings = verdict.get("findings")
    if isinstance(findings, list):
        for finding in findings:
            if isinstance(finding, dict) and finding.get("code") == DELEGATED:
                return True
    return False
