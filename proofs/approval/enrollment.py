"""Signer enrolments: the portal's signed word that a key belongs to a person, and later that it no longer does.

Where only the portal vouches, approvals reach level H2 and no higher. An enrolment whose vouching is `oidc-nonce` names the sign-in at the
person's identity provider that is bound to this key; `proofs.approval.key_binding` checks it. The envelope's signature is checked in
`proofs.pack.check_signer`; the digest of an enrolment is the SHA-256 of its payload.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from proofs.approval.cose import cose_algorithm
from proofs.approval.enrollment_parts import (
    AttestationReference,
    Binding,
    Introducer,
    RecoveryReference,
    read_attestation,
    read_binding,
    read_introducer,
    read_recovery,
    write_attestation,
    write_binding,
    write_introducer,
    write_recovery,
)
from proofs.canonical import canonical_bytes, parse_canonical
from proofs.digest import sha256_hex
from proofs.encoding import b64_encode, b64url_encode
from proofs.errors import Malformed
from proofs.fields import Fields
from proofs.keys import PublicKey, load_spki
from proofs.moment import rfc3339
from proofs.statement import STATEMENT_V1

ENROLLMENT_TYPE = "urn:countersign:signer-enrollment:v1"
HUMAN_APPROVAL_PURPOSE = "human-approval"
PORTAL_VOUCHED, OIDC_NONCE = "portal-vouched", "oidc-nonce"

_CODE = "enrollment.malformed"
_AT_ENROLMENT = ("binding", "attestation", "introducedBy", "recovery", "maturesAt")
_KINDS = ("person", "workflow", "service", "agent", "key", "bot")


@dataclass(frozen=True, slots=True)
class Enrollment:
    """What an enrolment statement says. `event` is enrolled or revoked, `at` is when; a revocation has a `reason`.

    Before `matures_at` the key does not count in environments of the highest tier. From `compromised_from` on, somebody else may have signed.
    """

    event: str
    at: datetime
    kind: str
    issuer: str
    subject: str
    purposes: tuple[str, ...]
    vouching: str
    key: PublicKey
    credential_id: bytes
    rp_id: str
    backup_eligible: bool
    reason: str
    binding: Binding | None = None
    attestation: AttestationReference | None = None
    introduced_by: Introducer | None = None
    recovery: RecoveryReference | None = None
    matures_at: datetime | None = None
    compromised_from: datetime | None = None

    @property
    def key_id(self) -> str:
        """The fingerprint of the enrolled key, `SHA256:<base64>`."""
        return self.key.key_id


def build_enrollment(
    *,
    event: str,
    at: datetime,
    kind: str,
    issuer: str,
    subject: str,
    spki: bytes,
    credential_id: bytes,
    rp_id: str,
    backup_eligible: bool,
    purposes: tuple[str, ...] = (HUMAN_APPROVAL_PURPOSE,),
    reason: str = "",
    binding: Binding | None = None,
    attestation: AttestationReference | None = None,
    introduced_by: Introducer | None = None,
    recovery: RecoveryReference | None = None,
    matures_at: datetime | None = None,
    compromised_from: datetime | None = None,
) -> bytes:
    """Return the canonical payload of an enrolment (`event="enrolled"`) or of its end (`event="revoked"`, with a reason).

    With a `binding` its vouching is `oidc-nonce`, without one `portal-vouched`. An end repeats the key and the person, not what vouched for
    them; it alone has `compromised_from`. Refuses with `enrollment.malformed` or `key.*`. The portal's recorder key signs it.
    """
    key = load_spki(spki)
    predicate: dict[str, Any] = {
        "event": event,
        "at": rfc3339(at),
        "identity": {"kind": kind, "issuer": issuer, "subject": subject},
        "key": {
            "type": "webauthn",
            "keyId": key.key_id,
            "spki": b64_encode(spki),
            "alg": cose_algorithm(key),
            "credentialId": b64url_encode(credential_id),
            "rpId": rp_id,
            "backupEligible": backup_eligible,
        },
        "purposes": list(purposes),
        "vouching": OIDC_NONCE if binding else PORTAL_VOUCHED,
    }
    if event == "revoked":
        predicate["reason"] = reason
    parts = {
        "binding": write_binding(binding) if binding else None,
        "attestation": write_attestation(attestation) if attestation else None,
        "introducedBy": write_introducer(introduced_by) if introduced_by else None,
        "recovery": write_recovery(recovery) if recovery else None,
        "maturesAt": rfc3339(matures_at) if matures_at else None,
        "compromisedFrom": rfc3339(compromised_from) if compromised_from else None,
    }
    predicate.update({name: part for name, part in parts.items() if part is not None})
    subject_entry = {"name": key.key_id, "digest": {"sha256": sha256_hex(spki)}}
    payload = canonical_bytes({"_type": STATEMENT_V1, "subject": [subject_entry], "predicateType": ENROLLMENT_TYPE, "predicate": predicate})
    parse_enrollment(payload)
    return payload


def parse_enrollment(payload: bytes) -> Enrollment:
    """Parse the payload of an enrolment statement.

    Refuses with `enrollment.malformed`, `key.*` or `json.*`; a kind of vouching we do not know is refused too, as its level cannot be told.
    """
    statement = Fields(parse_canonical(payload), path="statement", code=_CODE)
    statement.choice("_type", (STATEMENT_V1,))
    statement.choice("predicateType", (ENROLLMENT_TYPE,))
    predicate = statement.fields("predicate")
    predicate.only("event", "at", "identity", "key", "purposes", "vouching", "reason", *_AT_ENROLMENT, "compromisedFrom")
    identity, key = predicate.fields("identity"), predicate.fields("key")
    event = predicate.choice("event", ("enrolled", "revoked"))
    key.choice("type", ("webauthn",))
    public_key = load_spki(key.base64("spki"))
    if key.text("keyId", limit=60) != public_key.key_id:
        key.refuse("keyId", public_key.key_id)
    if key.raw("alg") != cose_algorithm(public_key):
        key.refuse("alg", f"{cose_algorithm(public_key)}, the algorithm of the key")
    named = statement.each("subject", low=1, high=1)[0]
    if named.sha256() != sha256_hex(public_key.spki) or named.text("name", limit=60) != public_key.key_id:
        raise Malformed(_CODE, "the enrolment names another key as its subject than the one it describes")
    parts = _parts(predicate, event)
    return Enrollment(
        event=event,
        at=predicate.time("at"),
        kind=identity.choice("kind", _KINDS),
        issuer=identity.text("issuer", limit=300),
        subject=identity.text("subject", limit=300),
        purposes=predicate.texts("purposes"),
        vouching=predicate.choice("vouching", (OIDC_NONCE if parts["binding"] else PORTAL_VOUCHED,)),
        key=public_key,
        credential_id=key.base64url("credentialId"),
        rp_id=key.text("rpId", limit=255),
        backup_eligible=key.flag("backupEligible"),
        reason=predicate.text("reason", limit=200) if event == "revoked" else "",
        **parts,
    )


def _parts(predicate: Fields, event: str) -> dict[str, Any]:
    """Return the parts that are there, None for the others. What belongs to the beginning of a key is refused at its end, and the reverse."""
    for name in ("compromisedFrom",) if event == "enrolled" else _AT_ENROLMENT:
        if name in predicate.value:
            predicate.refuse(name, f"nothing in a statement that a key was {event}")
    at, compromised_from = predicate.time("at"), _at(predicate, "compromisedFrom")
    if compromised_from is not None and compromised_from > at:
        predicate.refuse("compromisedFrom", f"a time before the revocation, {rfc3339(at)}")
    if (matures_at := _at(predicate, "maturesAt")) is not None and matures_at < at:
        predicate.refuse("maturesAt", f"a time after the enrolment, {rfc3339(at)}")
    has = predicate.value.keys()
    return {
        "binding": read_binding(predicate.fields("binding")) if "binding" in has else None,
        "attestation": read_attestation(predicate.fields("attestation")) if "attestation" in has else None,
        "introduced_by": read_introducer(predicate.fields("introducedBy")) if "introducedBy" in has else None,
        "recovery": read_recovery(predicate.fields("recovery")) if "recovery" in has else None,
        "matures_at": matures_at,
        "compromised_from": compromised_from,
    }


def _at(predicate: Fields, name: str) -> datetime | None:
    return predicate.time(name) if name in predicate.value else None


def key_file_name(key_id: str) -> str:
    """Return a key id as it stands in file names: its base64 in the URL-safe alphabet, without the hash name."""
    return key_id.removeprefix("SHA256:").replace("+", "-").replace("/", "_")
