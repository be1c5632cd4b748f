"""Measures the weighing of policies: `make bench-policy`, or `python -m benchmarks.policy --rounds 15` for a quick look.

One condition, and a policy of 30 rules over 50 items of evidence, each held against one check of a P-256 signature in the same rounds. Ends with
1 where a goal is missed. What is inside each figure: docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import copy
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks.bundles import Measured, made_bundles
from benchmarks.interleaved import Times, Work, measure
from proofs.assess import assess_evidence, build_verdict
from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.evidence import TrustMaterial
from proofs.moment import rfc3339
from proofs.policy.condition_rule import Conditions
from proofs.policy.document import ConditionRule, Policy
from proofs.policy.evaluate import build_policy_input, evaluate_policy, evaluate_rules, parse_policy
from proofs.policy.indexed_input import IndexedInput
from proofs.sigstore.trust_root import parse_trust_root

CONDITION_GOAL, POLICY_GOAL = 0.25, 10.0
ITEMS = 50
TYPES = tuple(f"https://benchmark.example/type-{number}/v1" for number in range(10))
EXPRESSION = (
    "kind == 'release' && environment == 'production' && project == 'payments-api' && team == 'payments' && size(artifacts) == 1 "
    "&& artifacts[0].digest.startsWith('sha256:') && requester.kind == 'person' && at > timestamp('2026-01-01T00:00:00Z')"
)
AT = datetime(2026, 7, 1, 12, tzinfo=UTC)
ABOUT_EVIDENCE = "evidence.exists(e, e.type == 'https://benchmark.example/type-9/v1' && e.identity == 'release workflow')"
LIMIT, CONDITION, FIRST, ABOUT, RULES, DIGEST, WHOLE = "limit", "condition", "first", "about evidence", "rules", "digest", "whole"
WHATS = {
    LIMIT: "limit: one P-256 signature check",
    CONDITION: "one condition, its variables made",
    FIRST: "the first condition of a weighing",
    ABOUT: "the first that names evidence, read",
    RULES: f"30 rules over {ITEMS} items, weighed",
    DIGEST: "the digest of that input",
    WHOLE: "both, as a result document",
}
GOALS = {CONDITION: CONDITION_GOAL, RULES: POLICY_GOAL}


def main() -> None:
    """Measure, print one line for each figure beside its goal, and end with 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--rounds", type=int, default=60, help="rounds of the interleaved run (60)")
    parser.add_argument("--slot", type=float, default=15, help="milliseconds for each function in each round (15)")
    wanted = parser.parse_args()
    times = measure(make_works(), rounds=wanted.rounds, slot=wanted.slot / 1000)
    missed = sum(_print(times, name) for name in WHATS)
    print(f"\n{missed} goals missed")
    raise SystemExit(1 if missed else 0)


def make_works() -> dict[str, Work]:
    """Return what is measured, by name."""
    policy, policy_input = make_policy(), make_input()
    indexed = IndexedInput(policy_input)
    conditions = Conditions(policy_input, AT)
    rule = next(rule for rule in policy.rules if isinstance(rule, ConditionRule))
    about_evidence = replace(rule, expression=ABOUT_EVIDENCE)
    return {
        LIMIT: make_check(),
        CONDITION: lambda: conditions.evaluate(rule),
        FIRST: lambda: Conditions(policy_input, AT).evaluate(rule),
        ABOUT: lambda: Conditions(indexed, AT).evaluate(about_evidence),
        RULES: lambda: evaluate_rules(policy, policy_input),
        DIGEST: lambda: sha256_hex(canonical_bytes(policy_input)),
        WHOLE: lambda: evaluate_policy(policy, policy_input),
    }


def make_check() -> Work:
    """Return one signature check with the key loaded, which is the yardstick."""
    key = ec.generate_private_key(ec.SECP256R1())
    message, algorithm = b"x" * 512, ec.ECDSA(hashes.SHA256())
    signature, public = key.sign(message, algorithm), key.public_key()
    return lambda: public.verify(signature, message, algorithm)


def make_input() -> dict[str, Any]:
    """Return an input whose items are verdicts that the verifier reached about a bundle, each of one of ten predicate types."""
    verdict = _verdict(made_bundles()[0])
    subject = str(verdict["facts"]["subjects"][0]["digests"][0])
    evidence = []
    for number in range(ITEMS):
        item = copy.deepcopy(verdict)
        item["facts"]["predicateType"] = TYPES[number % len(TYPES)]
        item["evidenceDigest"] = f"{number:064x}"
        evidence.append({"digest": f"{number:064x}", "verdictDigest": sha256_hex(canonical_bytes(item)), "verdict": item})
    return build_policy_input(
        project="payments-api",
        team="payments",
        environment="production",
        artifacts=[{"digest": subject, "name": "payments.tar.gz"}],
        requester={"kind": "person", "issuer": "https://portal.example", "subject": "01BOB"},
        on_behalf_of=None,
        owner=None,
        evidence=evidence,
        at=AT,
    )


def make_policy() -> Policy:
    """Return a policy of 30 rules: 20 about evidence, 3 conditions, 3 about the clock, 3 about approvals, 1 about separation."""
    signer = _verdict(made_bundles()[0])["facts"]["signer"]
    builder = {"issuer": signer["issuer"], "identity": signer["identity"]}
    zone = "Europe/Berlin"
    rules: list[dict[str, Any]] = [
        _rule(f"evidence-{number}", "evidence", predicateTypes=[TYPES[number % len(TYPES)]], builders=[builder]) for number in range(20)
    ]
    rules += [_rule(f"condition-{number}", "condition", expression=EXPRESSION) for number in range(3)]
    days = ["mon", "tue", "wed", "thu", "fri"]
    rules += [_rule(f"hours-{number}", "hours", zone=zone, days=days, **{"from": "09:00", "to": "17:00"}) for number in range(3)]
    rules += [_rule(f"approval-{number}", "approvals", role="approver:release", count=1) for number in range(3)]
    rules.append(_rule("separation", "separation-of-duties", requesterMayApprove=False))
    document = {"schema": "countersign-policy/v1", "id": "benchmark", "version": "1", "title": "Benchmark", "rules": rules}
    return parse_policy(canonical_bytes({**document, "minimumAssurance": "H2", "validityHours": 72}))


def _rule(rule_id: str, kind: str, **fields: Any) -> dict[str, Any]:
    return {"id": rule_id, "kind": kind, "title": rule_id, **fields}


def _verdict(bundle: Measured) -> dict[str, Any]:
    trust = TrustMaterial((parse_trust_root(bundle.trusted_root),))
    identity = {"id": "idn_runner", "kind": "workflow", "name": "release workflow", "issuer": "x", "subject": "y", "team": "payments"}
    return build_verdict(
        assess_evidence(bundle.content, trust=trust, received_at=bundle.received_at),
        evidence_digest=sha256_hex(bundle.content),
        identity={**identity, "grants": [{"project": None, "environment": None}]},
        trust_digests=trust.digests,
        verified_at=rfc3339(bundle.received_at),
        as_of=rfc3339(bundle.received_at),
    )


def _print(times: Times, name: str) -> bool:
    """Print one line and return whether its goal is missed."""
    ratio, goal = times.ratio(name, LIMIT), GOALS.get(name)
    said = "" if goal is None else f"<= {goal} x limit  {'met' if ratio <= goal else 'MISSED'}"
    print(f"{WHATS[name]:38} {times.p10(name):9.1f} us  {ratio:8.3f} x limit  {said}".rstrip())
    return goal is not None and ratio > goal


if __name__ == "__main__":
    main()
