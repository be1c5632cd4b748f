"""Evidence as it comes in: told apart by its bytes, verified against what the caller trusts, or refused.

Two formats: Sigstore bundles (see `proofs.sigstore.bundle`) and DSSE envelopes signed with a registered key. For the latter:

1. The bytes are a DSSE envelope.
2. One of the registered keys signed payload type and payload; the key id in the envelope chooses nothing.
3. That key was registered for the time as of which we judge, `received_at`, and not revoked by then. When it signed, nobody can tell.
4. The payload is an in-toto statement about something with a digest.

The size of the bytes is the caller's to limit. Who the signer is, and whether the statement is true, is not decided here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from proofs.canonical import parse_json
from proofs.dsse import IN_TOTO_PAYLOAD_TYPE, Envelope, parse_envelope, verify_envelope
from proofs.errors import Malformed, Refusal, Unproven
from proofs.keys import PublicKey
from proofs.sigstore.bundle import MEDIA_TYPE_PREFIX, VerifiedBundle, parse_bundle, verify_bundle
from proofs.sigstore.trust_root import TrustRoot
from proofs.statement import Statement, parse_statement

SIGSTORE_BUNDLE, DSSE = "sigstore-bundle", "dsse"

# Refusals that say "not from this instance"; with several trust roots, another one's refusal says more.
_FOREIGN = ("tlog.unknown_log", "certificate.untrusted")


@dataclass(frozen=True, slots=True)
class RegisteredKey:
    """A key somebody registered for signing evidence, and when it counts."""

    key: PublicKey
    valid_from: datetime
    valid_until: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TrustMaterial:
    """Everything a verdict may rest on."""

    trust_roots: tuple[TrustRoot, ...] = ()
    keys: tuple[RegisteredKey, ...] = ()

    @property
    def digests(self) -> dict[str, list[str]]:
        """The names of what was trusted, as a verdict records them."""
        return {
            "trustRoots": sorted({root.digest for root in self.trust_roots}),
            "keys": sorted({registered.key.key_id for registered in self.keys}),
        }


@dataclass(frozen=True, slots=True)
class VerifiedEvidence:
    """Evidence that verified. Exactly one of `bundle` and `key` is set: what the signer proved to be."""

    format: str
    payload: bytes
    statement: Statement
    bundle: VerifiedBundle | None = None
    key: PublicKey | None = None


def detect_format(unverified_bytes: bytes) -> str:
    """Return `sigstore-bundle` or `dsse`; refuses with `evidence.unknown_format` or a `json.*` code. Verifies nothing."""
    return _format_of(parse_json(unverified_bytes))


def verify_evidence(unverified_bytes: bytes, *, trust: TrustMaterial, received_at: datetime) -> VerifiedEvidence:
    """Return what the evidence proves, or refuse with the code of the step that failed.

    Refuses as `detect_format`, `parse_bundle` and `verify_bundle` do; for a DSSE envelope with `dsse.*`, `key.revoked`,
    `key.not_valid`, `evidence.unsupported_payload` or `statement.*`; without any trust root with `trust_root.missing`.
    """
    value = parse_json(unverified_bytes)
    if _format_of(value) == SIGSTORE_BUNDLE:
        return _verify_under_roots(value, trust, received_at)
    return _verify_key_signed(value, trust, received_at)


def _format_of(value: Any) -> str:
    if isinstance(value, dict):
        media_type = value.get("mediaType")
        if isinstance(media_type, str) and media_type.startswith(MEDIA_TYPE_PREFIX):
            return SIGSTORE_BUNDLE
        if media_type is None and {"payload", "payloadType", "signatures"} <= value.keys():
            return DSSE
    raise Malformed("evidence.unknown_format", "got JSON of another kind, expected a Sigstore bundle or a DSSE envelope")


def _verify_under_roots(value: dict[str, Any], trust: TrustMaterial, received_at: datetime) -> VerifiedEvidence:
    bundle = parse_bundle(value)
    refusals: list[Refusal] = []
    for trust_root in trust.trust_roots:
        try:
            verified = verify_bundle(bundle, trust_root=trust_root, received_at=received_at)
        except Refusal as refusal:
            refusals.append(refusal)
            continue
        return VerifiedEvidence(SIGSTORE_BUNDLE, verified.payload, verified.statement, bundle=verified)
    if not refusals:
        raise Unproven("trust_root.missing", "there is no trust root to verify a Sigstore bundle against")
    raise next((refusal for refusal in refusals if refusal.code not in _FOREIGN), refusals[0])


def _verify_key_signed(value: dict[str, Any], trust: TrustMaterial, received_at: datetime) -> VerifiedEvidence:
    # 1. The shape.
    envelope = parse_envelope(value)
    # 2. and 3. A registered key signed it, and counted at that time.
    key = _registered_signer(envelope, trust, received_at)
    # 4. What was signed.
    if envelope.payload_type != IN_TOTO_PAYLOAD_TYPE:
        raise Unproven("evidence.unsupported_payload", f"got payload type {envelope.payload_type[:80]!r}, expected {IN_TOTO_PAYLOAD_TYPE}")
    return VerifiedEvidence(DSSE, envelope.payload, parse_statement(envelope.payload), key=key)


def _registered_signer(envelope: Envelope, trust: TrustMaterial, received_at: datetime) -> PublicKey:
    refusal = Unproven("dsse.key_unknown", "no signature of the envelope was made by a registered key over exactly these bytes")
    for key_id in dict.fromkeys(registered.key.key_id for registered in trust.keys):
        registrations = [registered for registered in trust.keys if registered.key.key_id == key_id]
        key = registrations[0].key
        try:
            verify_envelope(envelope, [key])
        except Unproven:
            continue
        # A key revoked once is not made good by being registered again.
        if any(registered.revoked_at is not None and registered.revoked_at <= received_at for registered in registrations):
            refusal = Unproven("key.revoked", f"key {key_id} made the signature, and had been revoked when this was judged")
        elif any(_is_in_window(registered, received_at) for registered in registrations):
            return key
        else:
            refusal = Unproven(
                "key.not_valid", f"key {key_id} made the signature, and was not registered for the time as of which this was judged"
            )
    raise refusal


def _is_in_window(registered: RegisteredKey, received_at: datetime) -> bool:
    return registered.valid_from <= received_at and (registered.valid_until is None or received_at <= registered.valid_until)
