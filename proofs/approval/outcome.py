"""What a portal says once enough people have approved: an in-toto simple verification result and a SLSA verification summary.

Both are short statements for programs that know those two formats and nothing of ours: which properties hold, for which artifacts, and
what that rests on. They stand for no person's signature; who wants to know who approved reads the records they name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from proofs.canonical import canonical_bytes, parse_canonical
from proofs.errors import Unproven
from proofs.fields import Fields
from proofs.moment import rfc3339
from proofs.predicates.verdicts import PASSED
from proofs.statement import STATEMENT_V1

SIMPLE_RESULT = "https://in-toto.io/attestation/svr/v0.2"
SUMMARY = "https://slsa.dev/verification_summary/v1"
HUMAN_APPROVED, ENVIRONMENT, BREAK_GLASS = "COUNTERSIGN_HUMAN_APPROVED_", "COUNTERSIGN_ENVIRONMENT_", "COUNTERSIGN_BREAK_GLASS"

_CODE = "outcome.malformed"
_NOT_IN_A_NAME = re.compile("[^A-Z0-9]+")


@dataclass(frozen=True, slots=True)
class OutcomeFacts:
    """What both statements are made of. `subject` is as in the people's statements, `policy` a SHA-256 (hex), `properties` what holds."""

    subject: Any
    verifier: str
    policy: str
    properties: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one of the two statements says. `inputs` are SHA-256 (hex), empty in a simple result; `resource` is empty there as well."""

    predicate_type: str
    subject: Any
    verifier: str
    policy: str
    properties: tuple[str, ...]
    at: datetime
    resource: str = ""
    inputs: tuple[str, ...] = ()


def environment_property(slug: str) -> str:
    """Return the property that names an environment by its slug."""
    return ENVIRONMENT + _NOT_IN_A_NAME.sub("_", slug.upper())


def approved_properties(people: int, slug: str) -> tuple[str, ...]:
    """Return the properties of what so many different people approved for an environment.

    Each number up to theirs stands there, so that who asks for two finds two where three approved.
    """
    return (*(f"{HUMAN_APPROVED}{number}" for number in range(1, people + 1)), environment_property(slug))


def environment_uri(portal: str, environment_id: str) -> str:
    """Return how a summary names an environment: where something may go."""
    return f"{portal}/environments/{environment_id}"


def build_simple_result(facts: OutcomeFacts) -> bytes:
    """Return the canonical payload of the simple verification result (in-toto SVR v0.2). Refuses with `outcome.malformed`."""
    predicate = {
        "verifier": {"id": facts.verifier, "policies": [_policy(facts)]},
        "timeCreated": rfc3339(facts.at),
        "properties": list(facts.properties),
    }
    return _build(facts, SIMPLE_RESULT, predicate)


def build_summary(facts: OutcomeFacts, *, resource: str, records: Sequence[str], evidence: Sequence[str]) -> bytes:
    """Return the canonical payload of the verification summary (SLSA VSA v1).

    `records` and `evidence` are the SHA-256 (hex) of the records' payloads and of the evidence as it came. No level of SLSA is claimed:
    the policy decides what evidence has to show. Refuses with `outcome.malformed`.
    """
    predicate = {
        "verifier": {"id": facts.verifier},
        "timeVerified": rfc3339(facts.at),
        "resourceUri": resource,
        "policy": _policy(facts),
        "inputAttestations": [
            *({"uri": f"{facts.verifier}/records/{digest}", "digest": {"sha256": digest}} for digest in sorted(records)),
            *({"digest": {"sha256": digest}} for digest in sorted(evidence)),
        ],
        "verificationResult": PASSED,
        "verifiedLevels": list(facts.properties),
        "slsaVersion": "1.0",
    }
    return _build(facts, SUMMARY, predicate)


def parse_outcome(payload: bytes) -> Outcome:
    """Parse the payload of either statement, as this module makes them. Refuses with `outcome.malformed` or `json.*`."""
    value = parse_canonical(payload)
    statement = Fields(value, path="outcome", code=_CODE).only("_type", "subject", "predicateType", "predicate")
    statement.choice("_type", (STATEMENT_V1,))
    predicate_type, predicate = statement.choice("predicateType", (SIMPLE_RESULT, SUMMARY)), statement.fields("predicate")
    verifier = predicate.fields("verifier")
    subject = value["subject"] if statement.each("subject", low=1) else None
    if predicate_type == SIMPLE_RESULT:
        predicate.only("verifier", "timeCreated", "properties")
        policies = verifier.only("id", "policies").each("policies", low=1, high=1)
        return Outcome(
            predicate_type=predicate_type,
            subject=subject,
            verifier=verifier.text("id", limit=300),
            policy=policies[0].only("uri", "digest").sha256(),
            properties=predicate.texts("properties", low=1, high=1024),
            at=predicate.time("timeCreated"),
        )
    predicate.only(
        "verifier", "timeVerified", "resourceUri", "policy", "inputAttestations", "verificationResult", "verifiedLevels", "slsaVersion"
    ).choice("verificationResult", (PASSED,))
    return Outcome(
        predicate_type=predicate_type,
        subject=subject,
        verifier=verifier.only("id").text("id", limit=300),
        policy=predicate.fields("policy").only("uri", "digest").sha256(),
        properties=predicate.texts("verifiedLevels", low=1, high=1024),
        at=predicate.time("timeVerified"),
        resource=predicate.text("resourceUri", limit=400),
        inputs=tuple(item.only("uri", "digest").sha256() for item in predicate.each("inputAttestations", low=1, high=20_000)),
    )


def check_outcome(outcome: Outcome, *, facts: OutcomeFacts, resource: str, records: Collection[str], evidence: Collection[str]) -> None:
    """Return when the statement says what follows from `facts` and rests on exactly these records and this evidence.

    The time is the portal's own and is not held against `facts.at`. Refuses with `outcome.mismatch`.
    """
    said = (outcome.subject, outcome.verifier, outcome.policy, outcome.properties)
    if said != (facts.subject, facts.verifier, facts.policy, facts.properties):
        raise Unproven("outcome.mismatch", f"the {_name(outcome)} says something else than the records it came with")
    if outcome.predicate_type != SUMMARY:
        return
    if outcome.resource != resource:
        raise Unproven("outcome.mismatch", f"the summary is for {outcome.resource[:120]}, expected {resource}")
    if sorted(outcome.inputs) != sorted([*records, *evidence]):
        raise Unproven("outcome.mismatch", "the summary names other records or other evidence than the pack holds")


def _build(facts: OutcomeFacts, predicate_type: str, predicate: dict[str, Any]) -> bytes:
    payload = canonical_bytes({"_type": STATEMENT_V1, "subject": facts.subject, "predicateType": predicate_type, "predicate": predicate})
    parse_outcome(payload)
    return payload


def _policy(facts: OutcomeFacts) -> dict[str, Any]:
    return {"uri": f"{facts.verifier}/policies/{facts.policy}", "digest": {"sha256": facts.policy}}


def _name(outcome: Outcome) -> str:
    return "summary" if outcome.predicate_type == SUMMARY else "simple result"
