"""Step 22 of the argument, its end: what the portal said of the approvals, where a pack holds it, follows from them and nothing else.

Where it stands in the ledger is not shown: it says nothing that the records do not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from proofs.approval.human_approval import parse_human_approval
from proofs.approval.outcome import (
    SIMPLE_RESULT,
    SUMMARY,
    OutcomeFacts,
    approved_properties,
    check_outcome,
    environment_uri,
    parse_outcome,
)
from proofs.canonical import parse_canonical
from proofs.dsse import IN_TOTO_PAYLOAD_TYPE, parse_envelope
from proofs.errors import Unproven
from proofs.pack import layout
from proofs.pack.trust import Trust, recorder_keys_at

_TYPES = {layout.OUTCOME_SIMPLE: SIMPLE_RESULT, layout.OUTCOME_SUMMARY: SUMMARY}


def check_outcomes(files: Mapping[str, bytes], *, payload: bytes, people: int, policy: str, records: Sequence[str], trust: Trust) -> str:
    """22. Return what the portal said in words, empty where the pack does not hold it.

    `payload` is the statement of one approval, `people` how many approved, `records` the SHA-256 (hex) of the records' payloads. Refuses with
    `outcome.malformed`, `outcome.signature` or `outcome.mismatch`.
    """
    held = [path for path in _TYPES if path in files]
    statement = parse_human_approval(payload)
    evidence = [path.removeprefix(layout.EVIDENCE) for path in files if path.startswith(layout.EVIDENCE)]
    for path in held:
        outcome = parse_outcome(_signed_payload(files[path], trust))
        if outcome.predicate_type != _TYPES[path]:
            raise Unproven("outcome.mismatch", f"{path} is a {outcome.predicate_type}, expected {_TYPES[path]}")
        facts = OutcomeFacts(
            subject=parse_canonical(payload)["subject"],
            verifier=trust.origin,
            policy=policy,
            properties=approved_properties(people, statement.environment.name),
            at=outcome.at,
        )
        check_outcome(
            outcome, facts=facts, resource=environment_uri(trust.origin, statement.environment.id), records=records, evidence=evidence
        )
    return " The portal said so for other tools, over the same records and evidence." if held else ""


def _signed_payload(content: bytes, trust: Trust) -> bytes:
    value: Any = parse_canonical(content)
    envelope = parse_envelope(value)
    if len(envelope.signatures) != 1 or envelope.payload_type != IN_TOTO_PAYLOAD_TYPE:
        raise Unproven("outcome.signature", "expected one signature of the portal's recorder key over an in-toto statement")
    at = parse_outcome(envelope.payload).at
    key = next((item.key for item in recorder_keys_at(trust, at) if item.key.key_id == envelope.signatures[0].key_hint), None)
    if key is None:
        raise Unproven("outcome.signature", "the statement names no recorder key that counted then")
    key.verify(envelope.signatures[0].signature, envelope.signed_bytes, code="outcome.signature", what="what the portal said")
    return envelope.payload
