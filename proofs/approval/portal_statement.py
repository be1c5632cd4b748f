"""What the portal states when people have decided about its own rules: a policy or expectations came into force, a rule is waived.

The portal signs it, and it says nothing of its own: the document that people signed over stands in it whole, and so do the digests of the
records of their answers. Reading checks form, and that document and subject are one; who signed the envelope, and whether the records are
there and count, is for whoever reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from proofs.approval.expectations_change import ExpectationsChange, parse_expectations_change
from proofs.approval.policy_change import PolicyChange, parse_policy_change
from proofs.approval.waiver_terms import WaiverTerms, parse_waiver
from proofs.canonical import canonical_bytes, parse_canonical
from proofs.digest import sha256_hex
from proofs.fields import Fields
from proofs.moment import rfc3339
from proofs.statement import STATEMENT_V1

ACTIVATION_TYPE = "urn:countersign:policy-activation:v1"
EXPECTATIONS_TYPE = "urn:countersign:expectations-activation:v1"
WAIVER_TYPE = "urn:countersign:waiver:v1"
MAX_RECORDS = 99

_CODE = "statement.malformed"
_NAMES = {ACTIVATION_TYPE: "policy-change", EXPECTATIONS_TYPE: "expectations-change", WAIVER_TYPE: "waiver"}


@dataclass(frozen=True, slots=True)
class PortalStatement:
    """What was decided (`document`, canonical), in which request, by which records (SHA-256 in hex), when it took effect, and who says so."""

    predicate_type: str
    document: bytes
    request: str
    records: tuple[str, ...]
    at: datetime
    portal: str

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the document."""
        return sha256_hex(self.document)

    @property
    def change(self) -> PolicyChange:
        """The policy that came into force. Refuses as `parse_policy_change` does."""
        return parse_policy_change(self.document)

    @property
    def expectations(self) -> ExpectationsChange:
        """The expectations that came into force. Refuses as `parse_expectations_change` does."""
        return parse_expectations_change(self.document)

    @property
    def waiver(self) -> WaiverTerms:
        """The waiver. Refuses as `parse_waiver` does."""
        return parse_waiver(self.document)


def build_portal_statement(
    *, predicate_type: str, document: bytes, request: str, records: Sequence[str], at: datetime, portal: str
) -> bytes:
    """Return the canonical payload that says what took effect. Refuses with `statement.malformed`, or as reading the document does."""
    payload = canonical_bytes(
        {
            "_type": STATEMENT_V1,
            "subject": [{"name": _NAMES[predicate_type], "digest": {"sha256": sha256_hex(document)}}],
            "predicateType": predicate_type,
            "predicate": {
                "document": parse_canonical(document),
                "request": request,
                "records": [{"sha256": digest} for digest in sorted(records)],
                "at": rfc3339(at),
                "portal": {"id": portal},
            },
        }
    )
    parse_portal_statement(payload)
    return payload


def parse_portal_statement(payload: bytes) -> PortalStatement:
    """Parse the payload of such a statement. Refuses with `statement.malformed`, `json.*`, or as reading its document does."""
    whole = Fields(parse_canonical(payload), path="statement", code=_CODE).only("_type", "subject", "predicateType", "predicate")
    whole.choice("_type", (STATEMENT_V1,))
    kind = whole.choice("predicateType", tuple(_NAMES))
    (subject,) = whole.each("subject", low=1, high=1)
    subject.only("name", "digest").choice("name", (_NAMES[kind],))
    predicate = whole.fields("predicate").only("document", "request", "records", "at", "portal")
    document = canonical_bytes(predicate.fields("document").value)
    if subject.sha256() != sha256_hex(document):
        subject.refuse("digest", "the SHA-256 of the document in the statement")
    listed = predicate.each("records", low=1, high=MAX_RECORDS)
    records = tuple(item.only("sha256").hex_sha256("sha256") for item in listed)
    if list(records) != sorted(set(records)):
        predicate.refuse("records", "the digests of the records in order, none twice")
    statement = PortalStatement(
        predicate_type=kind,
        document=document,
        request=predicate.text("request", limit=40),
        records=records,
        at=predicate.time("at"),
        portal=predicate.fields("portal").only("id").text("id", limit=300),
    )
    # Read once here, so that what is passed on can be read.
    {ACTIVATION_TYPE: parse_policy_change, EXPECTATIONS_TYPE: parse_expectations_change, WAIVER_TYPE: parse_waiver}[kind](document)
    return statement
