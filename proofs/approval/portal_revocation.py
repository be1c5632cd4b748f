"""The portal's own revocation of an approval: what it found, signed with its recorder key, and that no person signed it.

The type and the subject are those of a person's revocation (`proofs.approval.person_statement`); whoever reads one as the other is refused,
because the predicates have no shape in common. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from proofs.approval.person_statement import REVOCATION_TYPE
from proofs.approval.recorder_word import read_recorder_word
from proofs.canonical import canonical_bytes, parse_canonical
from proofs.errors import Malformed
from proofs.fields import Fields
from proofs.keys import PublicKey
from proofs.moment import rfc3339
from proofs.statement import STATEMENT_V1

KEY_COMPROMISE, EVIDENCE_INVALID = "key_compromise", "evidence_invalid"
PORTAL_REASONS = (KEY_COMPROMISE, EVIDENCE_INVALID)
NOBODY_SIGNED = "The portal wrote this by itself. No person signed it."
MAX_BECAUSE = 2000

_CODE = "revocation.malformed"


@dataclass(frozen=True, slots=True)
class PortalRevocation:
    """An approval, by the SHA-256 (hex) of the payload that its person signed, why it counts no more, what was found, where and when."""

    approval: str
    reason: str
    because: str
    portal: str
    at: datetime


def build_portal_revocation(revocation: PortalRevocation) -> bytes:
    """Return the canonical payload. Refuses with `revocation.malformed` where the values do not read back the same."""
    payload = canonical_bytes(
        {
            "_type": STATEMENT_V1,
            "subject": [{"name": "approval", "digest": {"sha256": revocation.approval}}],
            "predicateType": REVOCATION_TYPE,
            "predicate": {
                "body": {"approvals": [{"sha256": revocation.approval}], "reason": revocation.reason},
                "automatic": {"portal": revocation.portal, "because": revocation.because, "note": NOBODY_SIGNED},
                "at": rfc3339(revocation.at),
            },
        }
    )
    if parse_portal_revocation(payload) != revocation:
        raise Malformed(_CODE, "the values do not survive being written down (fractions of a second?)")
    return payload


def parse_portal_revocation(payload: bytes) -> PortalRevocation:
    """Parse the payload. Refuses with `revocation.malformed` or `json.*`; says nothing of who signed it."""
    statement = Fields(parse_canonical(payload), path="revocation", code=_CODE).only("_type", "subject", "predicateType", "predicate")
    statement.choice("_type", (STATEMENT_V1,))
    statement.choice("predicateType", (REVOCATION_TYPE,))
    predicate = statement.fields("predicate").only("body", "automatic", "at")
    body = predicate.fields("body").only("approvals", "reason")
    (approval,) = [item.only("sha256").hex_sha256("sha256") for item in body.each("approvals", low=1, high=1)]
    (subject,) = [item.only("name", "digest").sha256() for item in statement.each("subject", low=1, high=1)]
    if subject != approval:
        statement.refuse("subject", "the approval that the body names")
    automatic = predicate.fields("automatic").only("portal", "because", "note")
    automatic.choice("note", (NOBODY_SIGNED,))
    return PortalRevocation(
        approval=approval,
        reason=body.choice("reason", PORTAL_REASONS),
        because=automatic.text("because", limit=MAX_BECAUSE),
        portal=automatic.text("portal", limit=300),
        at=predicate.time("at"),
    )


def verify_portal_revocation(unverified: bytes | dict[str, Any], *, keys: Iterable[PublicKey]) -> PortalRevocation:
    """Return the revocation when one of the portal's recorder `keys` signed it.

    Refuses with `revocation.signature`, `revocation.malformed` or as `parse_envelope` does. Not checked: that it is in the log.
    """
    return parse_portal_revocation(read_recorder_word(unverified, keys=keys, code="revocation.signature", what="the revocation"))
