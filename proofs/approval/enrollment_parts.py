"""The parts an enrolment may have beyond the key and its person: who else vouches, what the authenticator attests, which key led here.

Each part is read and written here, strictly. That what it says is true is for `proofs.approval.key_binding` and `proofs.approval.attestation`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from proofs.encoding import b64url_encode
from proofs.fields import Fields
from proofs.moment import rfc3339

LEAST_SALT, MOST_SALT = 16, 64
MOST_USER_HANDLE = 64

_NONCE = re.compile(r"[A-Za-z0-9_-]{43}")
AAGUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Binding:
    """A sign-in at the person's own identity provider whose nonce is the hash of this key. The digests are SHA-256 in hex."""

    issuer: str
    audience: str
    subject: str
    salt: bytes
    user_handle: bytes
    nonce: str
    authenticated_at: datetime
    token_digest: str
    keys_digest: str


@dataclass(frozen=True, slots=True)
class AttestationReference:
    """The authenticator's statement about itself: the digest of the kept document, the model it names, and the format."""

    digest: str
    aaguid: str
    format: str


@dataclass(frozen=True, slots=True)
class Introducer:
    """The older key of the same person that signed for this one: its id, its enrolment's digest, and that of its signature's envelope."""

    key_id: str
    enrollment: str
    signature_digest: str


@dataclass(frozen=True, slots=True)
class RecoveryReference:
    """The officers who agreed, by pseudonym, and when the last of them did."""

    officers: tuple[str, ...]
    at: datetime


def write_binding(binding: Binding) -> dict[str, Any]:
    """Return the binding as it stands in an enrolment."""
    return {
        "issuer": binding.issuer,
        "audience": binding.audience,
        "subject": binding.subject,
        "salt": b64url_encode(binding.salt),
        "userHandle": b64url_encode(binding.user_handle),
        "nonce": binding.nonce,
        "authenticatedAt": rfc3339(binding.authenticated_at),
        "tokenDigest": {"sha256": binding.token_digest},
        "keysDigest": {"sha256": binding.keys_digest},
    }


def read_binding(item: Fields) -> Binding:
    """Return the binding that stands in an enrolment; refuses with the code of `item`."""
    item.only("issuer", "audience", "subject", "salt", "userHandle", "nonce", "authenticatedAt", "tokenDigest", "keysDigest")
    salt, handle, nonce = item.base64url("salt"), item.base64url("userHandle"), item.text("nonce", limit=43)
    if not LEAST_SALT <= len(salt) <= MOST_SALT:
        item.refuse("salt", f"{LEAST_SALT} to {MOST_SALT} bytes")
    if not 0 < len(handle) <= MOST_USER_HANDLE:
        item.refuse("userHandle", f"1 to {MOST_USER_HANDLE} bytes")
    if not _NONCE.fullmatch(nonce):
        item.refuse("nonce", "a SHA-256 in unpadded URL-safe base64")
    return Binding(
        issuer=item.text("issuer", limit=300),
        audience=item.text("audience", limit=300),
        subject=item.text("subject", limit=255),
        salt=salt,
        user_handle=handle,
        nonce=nonce,
        authenticated_at=item.time("authenticatedAt"),
        token_digest=item.sha256("tokenDigest"),
        keys_digest=item.sha256("keysDigest"),
    )


def write_attestation(reference: AttestationReference) -> dict[str, Any]:
    """Return the reference to an attestation as it stands in an enrolment."""
    return {"sha256": reference.digest, "aaguid": reference.aaguid, "format": reference.format}


def read_attestation(item: Fields) -> AttestationReference:
    """Return the reference to an attestation; refuses with the code of `item`."""
    item.only("sha256", "aaguid", "format")
    aaguid = item.text("aaguid", limit=36)
    if not AAGUID.fullmatch(aaguid):
        item.refuse("aaguid", "the model of an authenticator as 36 lowercase characters with hyphens")
    return AttestationReference(item.hex_sha256("sha256"), aaguid, item.text("format", limit=32))


def write_introducer(introducer: Introducer) -> dict[str, Any]:
    """Return who introduced a key as it stands in an enrolment."""
    return {
        "keyId": introducer.key_id,
        "enrollment": {"sha256": introducer.enrollment},
        "signatureDigest": {"sha256": introducer.signature_digest},
    }


def read_introducer(item: Fields) -> Introducer:
    """Return who introduced a key; refuses with the code of `item`."""
    item.only("keyId", "enrollment", "signatureDigest")
    return Introducer(item.text("keyId", limit=60), item.sha256("enrollment"), item.sha256("signatureDigest"))


def write_recovery(recovery: RecoveryReference) -> dict[str, Any]:
    """Return a recovery as it stands in an enrolment."""
    return {"officers": list(recovery.officers), "at": rfc3339(recovery.at)}


def read_recovery(item: Fields) -> RecoveryReference:
    """Return the recovery; refuses with the code of `item` for fewer than two officers."""
    item.only("officers", "at")
    return RecoveryReference(item.texts("officers", low=2, high=16), item.time("at"))
