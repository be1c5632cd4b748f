"""Weigh a policy: what it is asked about, what comes of it, who is excluded, and which approvals count.

Only verdict documents are looked at, and in them only what a certificate or key proved, never what a predicate says of its own
builder. What is missing fails its rule, with a sentence that names it. Verdicts are taken as they are here;
`proofs.pack.verify` verifies the evidence behind them again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from proofs.approval.assurance import reaches_level
from proofs.canonical import canonical_bytes
from proofs.digest import parse_digest, sha256_hex
from proofs.errors import Malformed
from proofs.fields import Fields
from proofs.policy.document import (
    ApprovalsRule,
    Builder,
    EvidenceRule,
    Policy,
    Rule,
    SeparationRule,
    Source,
    parse_policy,
)
from proofs.policy.evidence_rule import RuleOutcome, evaluate_evidence_rule
from proofs.policy.expectations_document import ProjectExpectations, read_carried

__all__ = [
    "ApprovalsRule",
    "Builder",
    "CountedApproval",
    "EvidenceRule",
    "Policy",
    "SeparationRule",
    "Source",
    "build_policy_input",
    "count_approvals",
    "evaluate_policy",
    "exclusions",
    "is_within",
    "parse_policy",
    "project_scope",
    "team_scope",
]

INPUT_SCHEMA = "countersign-policy-input/v1"
RESULT_SCHEMA = "countersign-policy-result/v1"
_CODE = "policy.input_malformed"


@dataclass(frozen=True, slots=True)
class CountedApproval:
    """A verified approval, as far as counting needs it. `level` is computed by the verifier, never claimed."""

    issuer: str
    subject: str
    roles: tuple[str, ...]
    level: str


def build_policy_input(
    *,
    project: str,
    team: str,
    environment: str,
    artifacts: Iterable[dict[str, str]],
    requester: dict[str, str],
    on_behalf_of: dict[str, str] | None,
    owner: dict[str, str] | None,
    evidence: Iterable[dict[str, Any]],
    expectations: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return everything a policy is evaluated on, in one order: the same facts give the same bytes.

    `project`, its `team` and `environment` are slugs; `artifacts` are {"digest", "name"}; `requester` is {"kind", "issuer", "subject"};
    `on_behalf_of` and `owner` (who answers for the program that asks) are {"issuer", "subject"} or None; `evidence` are
    {"digest", "verdictDigest", "verdict"}, digests in plain SHA-256 hex; `expectations` are {"digest", "document"} of the project, where
    the policy asks for them and they are in force: without them the input has no such field.
    Refuses with `policy.input_malformed`, also when a verdict does not have the digest given for it, or an item comes twice.
    """
    whole = Fields(
        {
            "project": project,
            "team": team,
            "environment": environment,
            "artifacts": list(artifacts),
            "requester": requester,
            "onBehalfOf": on_behalf_of,
            "owner": owner,
            "evidence": list(evidence),
        },
        path="policy input",
        code=_CODE,
    )
    named = [(str(parse_digest(item.text("digest"))), item.text("name", empty=True)) for item in whole.each("artifacts", high=256)]
    items = [_evidence_item(item) for item in whole.each("evidence", high=4096)]
    for what, digests in (("artifacts", [digest for digest, _ in named]), ("evidence", [item["digest"] for item in items])):
        if len(set(digests)) != len(digests):
            whole.refuse(what, "every digest once")
    asked = whole.fields("requester").only("kind", "issuer", "subject")
    carried: dict[str, Any] = {}
    if expectations is not None:
        expected = read_carried(expectations, project=project, code=_CODE)
        carried = {"expectations": {"digest": expected.digest, "document": expectations["document"]}}
    return {
        "schema": INPUT_SCHEMA,
        "project": whole.text("project"),
        "team": whole.text("team"),
        "environment": whole.text("environment"),
        "artifacts": [{"digest": digest, "name": name} for digest, name in sorted(named)],
        "requester": {name: asked.text(name) for name in ("kind", "issuer", "subject")},
        "onBehalfOf": _named(whole, "onBehalfOf"),
        "owner": _named(whole, "owner"),
        "evidence": sorted(items, key=lambda item: str(item["digest"])),
        **carried,
    }


def is_within(scope: str, policy_input: dict[str, Any]) -> bool:
    """Return whether a role with this scope is held where the request is: in its project, or in the whole team of that project."""
    return scope in (project_scope(policy_input["project"]), team_scope(policy_input["team"]))


def project_scope(slug: str) -> str:
    """Return the scope of a role held in one project, as it stands in signed statements."""
    return f"project:{slug}"


def team_scope(slug: str) -> str:
    """Return the scope of a role held in a whole team. The word in front keeps a project and a team of one name apart."""
    return f"team:{slug}"


def _named(whole: Fields, name: str) -> dict[str, str] | None:
    if not whole.has(name):
        return None
    party = whole.fields(name).only("issuer", "subject")
    return {part: party.text(part) for part in ("issuer", "subject")}


def _evidence_item(item: Fields) -> dict[str, Any]:
    item.only("digest", "verdictDigest", "verdict")
    verdict = item.raw("verdict")
    if not isinstance(verdict, dict) or sha256_hex(canonical_bytes(verdict)) != item.hex_sha256("verdictDigest"):
        item.refuse("verdictDigest", "the SHA-256 of the canonical verdict document beside it")
    return {"digest": item.hex_sha256("digest"), "verdictDigest": item.hex_sha256("verdictDigest"), "verdict": verdict}


def evaluate_policy(policy: Policy, policy_input: dict[str, Any]) -> dict[str, Any]:
    """Return the result document (countersign-policy-result/v1): pass or fail, with a sentence for every rule.

    Rules that count approvals are `awaiting` and do not fail the result: `count_approvals` judges them over the signed records.
    Refuses with `policy.input_malformed` when the input is not one that `build_policy_input` makes.
    """
    if policy_input.get("schema") != INPUT_SCHEMA:
        raise Malformed(_CODE, f"got schema {str(policy_input.get('schema'))[:60]!r}, expected {INPUT_SCHEMA}")
    expected = None
    if "expectations" in policy_input:
        expected = read_carried(policy_input["expectations"], project=str(policy_input.get("project")), code=_CODE)
    outcomes = [_evaluate_rule(rule, policy_input, expected) for rule in policy.rules]
    failed = any(outcome.outcome not in ("pass", "awaiting") for outcome in outcomes)
    return {
        "schema": RESULT_SCHEMA,
        "policy": {"id": policy.id, "version": policy.version, "digest": policy.digest},
        **({"expectations": {"project": expected.project, "version": expected.version, "digest": expected.digest}} if expected else {}),
        "inputDigest": sha256_hex(canonical_bytes(policy_input)),
        "result": "fail" if failed else "pass",
        "rules": [_as_document(rule, outcome) for rule, outcome in zip(policy.rules, outcomes, strict=True)],
    }


def exclusions(policy: Policy, policy_input: dict[str, Any]) -> list[dict[str, Any]]:
    """Return who may not approve and why: [{"issuer", "subject", "because": [...]}], in a fixed order.

    The requester, the person it asks for, and the person who answers for the program that asks (a program can name anybody as the one
    it asks for, and its owner may hold its credential) are excluded unless the policy says in so many words that they may approve.
    """
    rule = policy.separation_rule
    if rule is not None and rule.requester_may_approve:
        return []
    because: dict[tuple[str, str], list[str]] = {}
    parts = (("requester", "requester"), ("onBehalfOf", "on-behalf-of"), ("owner", "owner"))
    for party, reason in ((policy_input[name], reason) for name, reason in parts):
        if party is not None:
            because.setdefault((party["issuer"], party["subject"]), []).append(reason)
    return [{"issuer": issuer, "subject": subject, "because": reasons} for (issuer, subject), reasons in sorted(because.items())]


def count_approvals(policy: Policy, approvals: Sequence[CountedApproval], *, excluded: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the outcome of every approvals rule, in the policy's order, as rule documents (`pass` or `awaiting`).

    A person counts once, with the best level they signed at, for one place only, so nobody fills two rules alone; somebody
    excluded, without the role or below the policy's minimum level does not count. Pass only approvals that have been verified.
    """
    barred = {(party["issuer"], party["subject"]) for party in excluded}
    people: dict[tuple[str, str], set[str]] = {}
    remarks = []
    for approval in approvals:
        person = (approval.issuer, approval.subject)
        if person in barred:
            remarks.append(f"{approval.subject} may not approve this request.")
        elif not reaches_level(approval.level, policy.minimum_assurance):
            remarks.append(f"{approval.subject} signed at level {approval.level}, expected {policy.minimum_assurance} or higher.")
        else:
            people.setdefault(person, set()).update(approval.roles)
    places = [rule for rule in policy.approvals_rules for _ in range(rule.count)]
    filled = _fill_places(people, [rule.role for rule in places])
    documents = []
    for rule in policy.approvals_rules:
        got = sum(1 for place in filled if places[place] is rule)
        sentence = " ".join([f"{rule.title}: {got} of {rule.count} approvals by {rule.role}.", *(remarks if got < rule.count else [])])
        outcome = RuleOutcome("pass", "", sentence) if got >= rule.count else RuleOutcome("awaiting", "approval.insufficient", sentence)
        documents.append(_as_document(rule, outcome))
    return documents


def _fill_places(people: dict[tuple[str, str], set[str]], roles: list[str]) -> dict[int, tuple[str, str]]:
    """Seat as many people as possible, each on one place whose role they hold (augmenting paths, so the order cannot matter)."""
    seated: dict[int, tuple[str, str]] = {}

    def seat(person: tuple[str, str], tried: set[int]) -> bool:
        for place, role in enumerate(roles):
            if role not in people[person] or place in tried:
                continue
            tried.add(place)
            if place not in seated or seat(seated[place], tried):
                seated[place] = person
                return True
        return False

    for person in sorted(people):
        seat(person, set())
    return seated


def _evaluate_rule(rule: Rule, policy_input: dict[str, Any], expected: ProjectExpectations | None) -> RuleOutcome:
    if isinstance(rule, EvidenceRule):
        return evaluate_evidence_rule(rule, policy_input, expected)
    if isinstance(rule, ApprovalsRule):
        return RuleOutcome("awaiting", "", f"{rule.title}: needs {rule.count} approval{'s' if rule.count > 1 else ''} by {rule.role}.")
    if not isinstance(rule, SeparationRule):
        return RuleOutcome("fail", "policy.not_weighed", f"{rule.title}: rules of this kind cannot be weighed yet.")
    asked = policy_input["requester"]
    who = f"{asked['kind']} {asked['subject']}"
    if rule.requester_may_approve:
        return RuleOutcome("pass", "", f"{rule.title}: asked for by {who}; this policy lets the requester approve.")
    return RuleOutcome("pass", "", f"{rule.title}: asked for by {who}, who may not approve it.")


def _as_document(rule: Rule, outcome: RuleOutcome) -> dict[str, Any]:
    return {
        "id": rule.id,
        "kind": rule.kind,
        "title": rule.title,
        "outcome": outcome.outcome,
        "code": outcome.code,
        "sentence": outcome.sentence,
        "evidence": list(outcome.evidence),
    }
