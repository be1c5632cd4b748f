"""Steps 16, 19, 20 and 22 of the argument: the policy, evaluated again; who was free to approve; who counts.

The policy itself is taken as it is: whether it was in force, and is a good one, is not decided here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from proofs.approval.approval_parts import ExcludedParty, HumanApproval
from proofs.approval.assurance import reaches_level
from proofs.canonical import canonical_bytes, parse_canonical
from proofs.digest import Digest, sha256_hex
from proofs.errors import Refusal, Unproven
from proofs.pack import layout
from proofs.pack.check_evidence import EvidenceItem
from proofs.policy.condition_rule import NOT_EVALUATED
from proofs.policy.evaluate import (
    CountedApproval,
    Policy,
    build_policy_input,
    count_approvals,
    evaluate_policy,
    evaluate_times,
    exclusions,
    is_within,
    parse_policy,
)
from proofs.policy.rules import RELEASE


def check_policy_document(files: Mapping[str, bytes], approval: HumanApproval) -> Policy:
    """16. Return the policy when the document in the pack is the one the person signed for, and the validity keeps to it."""
    document = files[layout.POLICY_DOCUMENT]
    if sha256_hex(document) != approval.policy.digest:
        raise Unproven("policy.mismatch", "the policy in the pack is not the policy the person signed for")
    policy = parse_policy(document)
    if (policy.id, policy.version) != (approval.policy.id, approval.policy.version):
        raise Unproven("policy.mismatch", f"the statement names policy {approval.policy.id}, the document with its digest is {policy.id}")
    if approval.validity.not_after - approval.validity.issued_at > timedelta(hours=policy.validity_hours):
        raise Unproven("validity.too_long", f"the approval is valid for longer than the {policy.validity_hours} hours of the policy")
    return policy


def check_policy_result(
    files: Mapping[str, bytes], approval: HumanApproval, policy: Policy, items: Sequence[EvidenceItem], *, accept_unevaluated: bool = False
) -> tuple[dict[str, Any], dict[str, Any]]:
    """19. Return input and result of the policy when both can be derived again from what was signed, and the result is a pass.

    Conditions are evaluated again only where their library is installed. Without it, their outcome is taken from what the person was shown
    where the reader accepts that, and then its rule keeps the code `policy.condition_not_evaluated`.
    """
    policy_input = _rebuild_input(files, approval, policy, items)
    content = files[layout.POLICY_RESULT]
    if sha256_hex(content) != approval.policy.result_digest:
        raise Unproven("policy.result", "the policy result in the pack is not the one the person signed for")
    shown, again = parse_canonical(content), evaluate_policy(policy, policy_input)
    skipped = _unevaluated(again)
    if skipped and not accept_unevaluated:
        raise Unproven(
            NOT_EVALUATED,
            f"not evaluated again: {', '.join(skipped)}. Install cel-expr-python here, or accept what the portal says of them",
        )
    if skipped:
        again = _with_shown(again, shown, skipped)
    if not isinstance(shown, dict) or _without_words(shown) != _without_words(again):
        raise Unproven("policy.result", "evaluating the policy again gives another result than the one the person was shown")
    if again["result"] != "pass" or approval.policy.result != "pass":
        sentence = next((str(rule.get("sentence")) for rule in again["rules"] if rule["outcome"] == "fail"), "the statement itself says so")
        raise Unproven("policy.result", f"the policy was not met: {sentence}")
    return policy_input, _marked(again, skipped)


def _unevaluated(result: dict[str, Any]) -> list[str]:
    """Return the ids of the conditions in a result that were not evaluated here."""
    return [str(rule["id"]) for rule in result["rules"] if rule["code"] == NOT_EVALUATED]


def _with_shown(again: dict[str, Any], shown: Any, skipped: Sequence[str]) -> dict[str, Any]:
    """Return the result with these conditions as the person was shown them, and nothing else taken from there."""
    listed = shown.get("rules") if isinstance(shown, dict) else None
    told = {rule.get("id"): rule for rule in listed or () if isinstance(rule, dict) and rule.get("kind") == "condition"}
    rules = [told.get(rule["id"], rule) if rule["id"] in skipped else rule for rule in again["rules"]]
    failed = any(rule.get("outcome") not in ("pass", "awaiting", "waived") for rule in rules)
    return {**again, "rules": rules, "result": "fail" if failed else "pass"}


def _marked(result: dict[str, Any], skipped: Sequence[str]) -> dict[str, Any]:
    words = "Not evaluated again here, so this is what the portal says"
    rules = [
        {**rule, "code": NOT_EVALUATED, "sentence": f"{words}: {rule.get('sentence')}"} if rule["id"] in skipped else rule
        for rule in result["rules"]
    ]
    return {**result, "rules": rules}


def check_expectations_named(result: dict[str, Any], expected: Digest | None) -> None:
    """19. Return when the expectations that the result rests on are those the reader named; without a name any are."""
    got = result["expectations"]["digest"] if "expectations" in result else None
    if expected is not None and str(expected) != f"sha256:{got}":
        raise Unproven(
            "expectations.unexpected", f"the person signed for {f'expectations sha256:{got}' if got else 'none'}, asked was {expected}"
        )


def check_clock(policy: Policy, policy_input: dict[str, Any], at: datetime) -> None:
    """19. Return when no rule about the clock stands against `at`: a freeze, or hours in which alone something may go."""
    for rule in evaluate_times(policy, str(policy_input.get("kind", "release")), at, policy_input=policy_input):
        if rule["outcome"] not in ("pass", "waived"):
            raise Unproven(str(rule["code"]), str(rule["sentence"]))


def check_separation(approval: HumanApproval, policy: Policy, policy_input: dict[str, Any]) -> None:
    """20. Return when the approver is nobody who had to stay out of it, computed from the request, and the statement says the same."""
    duties, approver = approval.separation_of_duties, (approval.approver.issuer, approval.approver.subject)
    computed = exclusions(policy, policy_input)
    if any((party["issuer"], party["subject"]) == approver for party in computed):
        raise Unproven(
            "sod.violation",
            f"{approval.approver.username} asked for this, or it was asked in their name or by a program of theirs, and so may not approve it",
        )
    if any((party.issuer, party.subject) == approver for party in duties.excluded):
        raise Unproven("sod.violation", f"the statement itself says that {approval.approver.username} may not approve this")
    stated = tuple(ExcludedParty(party["issuer"], party["subject"], tuple(party["because"])) for party in computed)
    policy = policy.for_kind(approval.request.kind)
    rule = policy.separation_rule
    if duties.excluded != stated or duties.result != "pass" or duties.required != policy.required_approvals:
        raise Unproven("sod.mismatch", "the separation of duties shown to the person is not what the request and the policy come to")
    if rule is not None and duties.rule_id != rule.id:
        raise Unproven("sod.mismatch", f"the statement names rule {duties.rule_id}, the policy's rule is {rule.id}")


def check_same_question(approvals: Sequence[HumanApproval]) -> None:
    """22. Return when all approvals answer one question: same artifacts, environment, request, policy and evidence."""
    # A portal that was updated between two approvals names another version of itself in the second; the question is the same.
    first = replace(approvals[0], policy=replace(approvals[0].policy, engine_version=""))
    for approval in approvals[1:]:
        other = replace(approval, policy=replace(approval.policy, engine_version=""))
        for part in ("artifacts", "environment", "request", "policy", "evidence"):
            if getattr(other, part) != getattr(first, part):
                raise Unproven("approval.other_question", f"the approvals in the pack do not agree on the {part}")


def check_roles(approval: HumanApproval, policy_input: dict[str, Any]) -> None:
    """22. Return when every role the statement names is held in the request's project, or in the whole team of that project."""
    for role in approval.approver.roles:
        if not is_within(role.scope, policy_input):
            where = f"project {policy_input['project']} or its team {policy_input['team']}"
            raise Unproven("signer.role_scope", f"{approval.approver.username} is {role.name} in {role.scope}, expected a role in {where}")


def check_count(
    policy: Policy, policy_input: dict[str, Any], counted: Sequence[CountedApproval], remarks: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """22. Return the outcomes of the approvals rules when enough different people, entitled and sure enough, approved.

    `remarks` say of each approval in turn why its level is not higher, where proof is missing.
    """
    for approval, remark in zip(counted, remarks or [""] * len(counted), strict=True):
        if not reaches_level(approval.level, policy.minimum_assurance):
            raise Unproven(
                "assurance.too_low",
                f"{approval.subject} signed at level {approval.level}, the policy asks for {policy.minimum_assurance} or higher"
                + (f": {remark}" if remark else ""),
            )
    applied = policy.for_kind(policy_input.get("kind", RELEASE))
    outcomes = count_approvals(applied, counted, excluded=exclusions(applied, policy_input))
    for outcome in outcomes:
        if outcome["outcome"] != "pass":
            raise Unproven("approval.insufficient", str(outcome["sentence"]))
    return outcomes


def _rebuild_input(files: Mapping[str, bytes], approval: HumanApproval, policy: Policy, items: Sequence[EvidenceItem]) -> dict[str, Any]:
    content = files[layout.POLICY_INPUT]
    if sha256_hex(content) != approval.policy.input_digest:
        raise Unproven("policy.input", "the policy input in the pack is not the one the person signed for")
    # Project and team stand in the input and in the request, and step 21 holds the two against each other.
    value = parse_canonical(content)
    shown: dict[str, Any] = value if isinstance(value, dict) else {}
    # Expectations are the input's own: the person signed its digest, and the snapshot they were shown names theirs.
    if "expectations" in shown and not policy.asks_expectations:
        raise Unproven("policy.input", "the policy input carries expectations that no rule of the policy asks for")
    requester = approval.separation_of_duties.requester
    try:
        rebuilt = build_policy_input(
            project=str(shown.get("project")),
            team=str(shown.get("team")),
            environment=approval.environment.name,
            artifacts=[{"digest": str(digest), "name": item.name} for item in approval.artifacts for digest in item.digests],
            requester={"kind": requester.kind, "issuer": requester.issuer, "subject": requester.subject},
            on_behalf_of=_person(requester.on_behalf_of),
            owner=_person(requester.owner),
            evidence=[
                {"digest": item.reference.digest, "verdictDigest": item.reference.verdict_digest, "verdict": item.verdict} for item in items
            ],
            expectations=shown.get("expectations"),
            kind=approval.request.kind,
            # These stand in the request as well, and step 21 holds the two against each other.
            at=shown.get("at"),
            people=shown.get("people", ()),
            waivers=shown.get("waivers", ()),
            approved_in=shown.get("approvedIn", ()),
        )
    except (Refusal, TypeError) as error:
        reason = error.reason if isinstance(error, Refusal) else "facts that are no list"
        raise Unproven("policy.input", f"the policy input cannot be derived from the statement: {reason}") from error
    if canonical_bytes(rebuilt) != content:
        raise Unproven("policy.input", "the policy was evaluated on something else than what the statement says")
    return rebuilt


def _person(names: tuple[str, str] | None) -> dict[str, str] | None:
    return {"issuer": names[0], "subject": names[1]} if names else None


def _without_words(result: dict[str, Any]) -> bytes:
    """Return a result without its sentences: their wording may improve, what they say may not change."""
    rules = result.get("rules")
    listed = rules if isinstance(rules, list) else []
    plain = [{name: rule[name] for name in rule if name != "sentence"} if isinstance(rule, dict) else rule for rule in listed]
    return canonical_bytes({**result, "rules": plain})
