"""Which approvals count no more: the portal's signed list of all of them, for gates that ask nobody and know no request beforehand.

Weaker than a status of the request, which says that everything holds; this says only what was taken back, as of a signed tree head.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from proofs.approval.recorder_word import read_recorder_word
from proofs.approval.status_statement import MAX_AHEAD
from proofs.canonical import canonical_bytes, parse_canonical
from proofs.errors import Unproven
from proofs.fields import Fields
from proofs.keys import PublicKey
from proofs.moment import rfc3339
from proofs.statement import STATEMENT_V1

LIST_TYPE = "urn:countersign:approval-revocations:v1"
MAX_LISTED = 5000
# What each reason is refused with.
CODES: Mapping[str, str] = {
    "revoked": "approval.revoked",
    "revoked_key": "signer.revoked",
    "withdrawn": "request.withdrawn",
    "superseded": "request.superseded",
    "rejected": "request.rejected",
    "stale": "approval.stale",
}
# How old a list may be for an environment of each tier, where the reader sets no limit of their own.
MAX_AGE = {3: timedelta(minutes=10), 2: timedelta(hours=4), 1: timedelta(hours=24)}
_CODE = "revocations.malformed"


@dataclass(frozen=True, slots=True)
class RevocationList:
    """The list at one moment. `revoked` says of each payload (SHA-256, hex) why it counts no more; `size` and `root` are of the newest tree
    head there was before it was written: whatever the log held then is in it."""

    revoked: Mapping[str, str]
    origin: str
    size: int
    root: str
    at: datetime
    not_after: datetime


def build_revocation_list(listed: RevocationList) -> bytes:
    """Return the canonical payload. Refuses with `revocations.malformed`."""
    predicate = {
        "log": {"origin": listed.origin, "size": listed.size},
        "revoked": [{"payload": {"sha256": payload}, "because": because} for payload, because in sorted(listed.revoked.items())],
        "at": rfc3339(listed.at),
        "notAfter": rfc3339(listed.not_after),
    }
    subject: list[dict[str, Any]] = [{"name": listed.origin, "digest": {"sha256": listed.root}}]
    payload = canonical_bytes({"_type": STATEMENT_V1, "subject": subject, "predicateType": LIST_TYPE, "predicate": predicate})
    parse_revocation_list(payload)
    return payload


def parse_revocation_list(payload: bytes) -> RevocationList:
    """Parse the payload of a list. Refuses with `revocations.malformed` or `json.*`; says nothing of who signed it."""
    statement = Fields(parse_canonical(payload), path="revocations", code=_CODE).only("_type", "subject", "predicateType", "predicate")
    statement.choice("_type", (STATEMENT_V1,))
    statement.choice("predicateType", (LIST_TYPE,))
    (head,) = statement.each("subject", low=1, high=1)
    predicate = statement.fields("predicate").only("log", "revoked", "at", "notAfter")
    log = predicate.fields("log").only("origin", "size")
    items = [item.only("payload", "because") for item in predicate.each("revoked", high=MAX_LISTED)]
    revoked = {item.sha256("payload"): item.choice("because", tuple(CODES)) for item in items}
    if len(revoked) != len(items):
        predicate.refuse("revoked", "every approval once")
    at, not_after = predicate.time("at"), predicate.time("notAfter")
    if not_after <= at:
        predicate.refuse("notAfter", "a time after `at`")
    origin, size, root = log.text("origin", limit=200), log.integer("size", low=0, high=2**53 - 1), head.only("name", "digest").sha256()
    return RevocationList(revoked, origin, size, root, at, not_after)


def check_revocation_list(
    unverified: bytes | dict[str, Any] | None,
    *,
    keys: Iterable[PublicKey],
    payloads: Collection[str],
    log_size: int,
    now: datetime,
    max_age: timedelta,
) -> RevocationList:
    """Return the list when a portal's key signed it, it is fresh at `now`, and it names none of the approvals.

    `payloads` are the SHA-256 (hex) of the payloads people signed; `log_size` is how large the log has to be to hold their records, and a
    list that reflects less is refused. Refuses with `revocations.missing`, `revocations.malformed`, `revocations.signature`,
    `revocations.future`, `revocations.stale`, `revocations.behind`, or one of `CODES`. Not checked: that the request is still as it was
    signed in every other way, which a status says.
    """
    if not unverified:
        raise Unproven("revocations.missing", "got no list of revocations, expected a fresh one from the portal")
    listed = parse_revocation_list(read_recorder_word(unverified, keys=keys, code="revocations.signature", what="the list of revocations"))
    if listed.at > now + MAX_AHEAD:
        raise Unproven("revocations.future", f"the list is of {rfc3339(listed.at)}, which is after {rfc3339(now)}; compare the clocks")
    if now >= listed.not_after or now - listed.at > max_age:
        raise Unproven("revocations.stale", f"the list is of {rfc3339(listed.at)}, too old at {rfc3339(now)}; fetch a fresh one")
    if listed.size < log_size:
        raise Unproven("revocations.behind", f"the list reflects {listed.size} entries of the log, expected {log_size} at least")
    against = next((listed.revoked[payload] for payload in sorted(payloads) if payload in listed.revoked), None)
    if against is not None:
        raise Unproven(CODES[against], f"the list of {rfc3339(listed.at)} says that an approval is {against.replace('_', ' ')}")
    return listed
