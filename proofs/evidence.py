"""Evidence as it comes in: told apart by its bytes, verified against what the caller trusts, or refused.

Four formats: Sigstore bundles (see `proofs.sigstore.bundle`), PEP 740 attestations and the layers of older cosign, which are bundles in
other clothes (see `proofs.sigstore.pep740`, `proofs.sigstore.cosign_layer`), and DSSE envelopes signed with a registered key. For the latter:

1. The bytes are a DSSE envelope.
2. Registered keys signed payload type and payload, at least one; the key id in the envelope chooses nothing.
3. Such a key counts when it was registered for the time as of which we judge, `received_at`, and not revoked by then; at least one
   does. When it signed, nobody can tell. A signature by any other key is left alone.
4. The payload is an in-toto statement about something with a digest.

At most `MAX_BYTES` are read; a door that measured says so. Depth and number of objects are limited wherever JSON is read, in the payload too
(`proofs.canonical`). Who the signer is, and whether the statement is true, is not decided here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from proofs.canonical import canonical_bytes, parse_json
from proofs.digest import sha256_hex
from proofs.dsse import IN_TOTO_PAYLOAD_TYPE, Envelope, find_signers, parse_envelope
from proofs.errors import Malformed, Refusal, TooLarge, Unproven
from proofs.keys import PublicKey, RegisteredKey, demand_registration
from proofs.moment import rfc3339
from proofs.sigstore.bundle import VerifiedBundle, verify_bundle
from proofs.sigstore.bundle_shape import MEDIA_TYPE_PREFIX, Bundle, parse_bundle
from proofs.sigstore.cosign_layer import is_layer, parse_layer, read_image_signature
from proofs.sigstore.pep740 import is_attestation, parse_attestation
from proofs.sigstore.signed_file import SignedFile
from proofs.sigstore.trust_root import TrustRoot
from proofs.statement import Statement, parse_statement

# What no genuine bundle comes near; evidence that carries a bill of materials may, and the portal's setting lets it in.
MAX_BYTES = 1024 * 1024
MAX_MEMBERS = 8 * 1024

SIGSTORE_BUNDLE, DSSE, PEP740, COSIGN = "sigstore-bundle", "dsse", "pep740-attestation", "cosign-layer"

# Refusals that say "not from this instance"; with several trust roots, another one's refusal says more.
_FOREIGN = ("tlog.unknown_log", "tsa.unknown_authority", "certificate.untrusted")


@dataclass(frozen=True, slots=True)
class TrustMaterial:
    """Everything a verdict may rest on."""

    trust_roots: tuple[TrustRoot, ...] = ()
    keys: tuple[RegisteredKey, ...] = ()

    @property
    def digests(self) -> dict[str, Any]:
        """What was trusted, as a verdict records it: each trust root with its thresholds, and one digest over all keys and their windows."""
        return {
            "trustRoots": [
                {"digest": root.digest, "profile": {"tlog": root.min_entries, "tsa": root.min_timestamps, "sct": root.min_scts}}
                for root in sorted(self.trust_roots, key=lambda root: root.digest)
            ],
            "keys": {"count": len(self.keys), "sha256": sha256_hex(canonical_bytes(sorted(map(_written, self.keys))))},
        }


def _written(registered: RegisteredKey) -> list[str]:
    times = (registered.valid_from, registered.valid_until, registered.revoked_at)
    return [registered.key.key_id, *("" if time is None else rfc3339(time) for time in times)]


@dataclass(frozen=True, slots=True)
class VerifiedEvidence:
    """Evidence that verified: what was stated, and the key that signed it. What a bundle proved beyond that stands in `bundle`.

    `co_signers` are further registered keys that signed the very same envelope. They and `key` are in the order of their ids, whatever
    order they are trusted in, so that everybody names the same one first. `other_signatures` counts those beyond one for each of these keys;
    `all_tried` is False where not every registered key was held against them. `signed_sha256` is the SHA-256 of what the signature is over.
    """

    format: str
    statement: Statement
    key: PublicKey
    signed_sha256: str
    bundle: VerifiedBundle | None = None
    co_signers: tuple[PublicKey, ...] = ()
    other_signatures: int = 0
    all_tried: bool = True

    @property
    def copy_keys(self) -> tuple[str, ...]:
        """For each signer, the first one first, the SHA-256 that all evidence shares in which it signed the same content.

        However that is spelled, stamped or logged, and whoever signed it as well: anybody can add a signature to an envelope, and turn an
        ECDSA signature into another one that holds too. What the signed bytes are read as is a part of it, because an image's signature can
        be sent as one over a bare file, and is about something else then.
        """
        certificate = self.bundle.certificate if self.bundle else None
        signers = [sha256_hex(certificate.der)] if certificate else [self.key.key_id, *(key.key_id for key in self.co_signers)]
        subjects = sorted({str(digest) for subject in self.statement.subjects for digest in subject.digests})
        read_as = [self.statement.predicate_type or "", subjects, self.signed_sha256]
        return tuple(sha256_hex(canonical_bytes([*read_as, signer])) for signer in signers)


def read_evidence(unverified_bytes: bytes, *, max_bytes: int | None = MAX_BYTES) -> Any:
    """Return the JSON of evidence of at most `max_bytes`; refuses with `evidence.too_large` or a `json.*` code. None: a door measured it."""
    if max_bytes is not None and len(unverified_bytes) > max_bytes:
        raise TooLarge("evidence.too_large", f"got {len(unverified_bytes)} bytes of evidence, expected at most {max_bytes}")
    # Whatever was signed lies within as base64, so that the document itself is small.
    return parse_json(unverified_bytes, max_members=MAX_MEMBERS)


def detect_format(unverified_bytes: bytes, *, max_bytes: int | None = MAX_BYTES) -> str:
    """Return `sigstore-bundle`, `pep740-attestation` or `dsse`; refuses with `evidence.unknown_format` or as `read_evidence` does. Verifies nothing."""
    return _format_of(read_evidence(unverified_bytes, max_bytes=max_bytes))


def verify_evidence(
    unverified_bytes: bytes, *, trust: TrustMaterial, received_at: datetime, max_bytes: int | None = MAX_BYTES
) -> VerifiedEvidence:
    """Return what the evidence proves, or refuse with the code of the step that failed.

    Refuses as `detect_format`, `parse_bundle` and `verify_bundle` do; for a DSSE envelope with `dsse.*`, `key.revoked`,
    `key.not_valid`, `evidence.unsupported_payload` or `statement.*`; without any trust root with `trust_root.missing`.
    """
    return verify_read_evidence(read_evidence(unverified_bytes, max_bytes=max_bytes), trust=trust, received_at=received_at)


def verify_read_evidence(value: Any, *, trust: TrustMaterial, received_at: datetime) -> VerifiedEvidence:
    """Return what evidence proves that `read_evidence` returned; refuses as `verify_evidence` does."""
    found = _format_of(value)
    if found == DSSE:
        return _verify_key_signed(value, trust, received_at)
    if found == COSIGN:
        return _verify_cosign_layer(value, trust, received_at)
    bundle = parse_bundle(value) if found == SIGSTORE_BUNDLE else parse_attestation(value)
    return verify_bundle_under(bundle, trust, received_at, form=found)


def _format_of(value: Any) -> str:
    if isinstance(value, dict):
        media_type = value.get("mediaType")
        if isinstance(media_type, str) and media_type.startswith(MEDIA_TYPE_PREFIX):
            return SIGSTORE_BUNDLE
        if is_layer(value):
            return COSIGN
        if media_type is None and {"payload", "payloadType", "signatures"} <= value.keys():
            return DSSE
        if media_type is None and is_attestation(value):
            return PEP740
    raise Malformed(
        "evidence.unknown_format",
        "got JSON of another kind, expected a Sigstore bundle, a DSSE envelope, a PEP 740 attestation or a layer of cosign",
    )


def verify_bundle_under(bundle: Bundle, trust: TrustMaterial, received_at: datetime, *, form: str = SIGSTORE_BUNDLE) -> VerifiedEvidence:
    """Return what a parsed bundle proves under the first trust root that vouches for it; refuses as `verify_evidence` does."""
    refusals: list[Refusal] = []
    for trust_root in trust.trust_roots:
        try:
            verified = verify_bundle(bundle, trust_root=trust_root, keys=trust.keys, received_at=received_at)
        except Refusal as refusal:
            refusals.append(refusal)
            continue
        return VerifiedEvidence(form, verified.statement, verified.key, verified.signed_sha256, verified)
    if not refusals:
        raise Unproven("trust_root.missing", "there is no trust root to verify a Sigstore bundle against")
    raise next((refusal for refusal in refusals if refusal.code not in _FOREIGN), refusals[0])


def _verify_cosign_layer(value: dict[str, Any], trust: TrustMaterial, received_at: datetime) -> VerifiedEvidence:
    bundle, blob = parse_layer(value)
    verified = replace(verify_bundle_under(bundle, trust, received_at), format=COSIGN)
    if not isinstance(bundle.content, SignedFile):
        return verified
    # What was verified is a signature over the blob; only now is it read, and it is about an image.
    statement = read_image_signature(blob)
    return replace(verified, statement=statement, bundle=replace(verified.bundle, statement=statement) if verified.bundle else None)


def _verify_key_signed(value: dict[str, Any], trust: TrustMaterial, received_at: datetime) -> VerifiedEvidence:
    # 1. The shape.
    envelope = parse_envelope(value)
    # 2. and 3. Registered keys signed it, and counted at that time.
    (key, *others), all_tried = _registered_signers(envelope, trust, received_at)
    # 4. What was signed.
    if envelope.payload_type != IN_TOTO_PAYLOAD_TYPE:
        raise Unproven("evidence.unsupported_payload", f"got payload type {envelope.payload_type[:80]!r}, expected {IN_TOTO_PAYLOAD_TYPE}")
    left_alone = len(envelope.signatures) - 1 - len(others)
    statement, signed = parse_statement(envelope.payload), sha256_hex(envelope.signed_bytes)
    return VerifiedEvidence(DSSE, statement, key, signed, co_signers=tuple(others), other_signatures=left_alone, all_tried=all_tried)


def _registered_signers(envelope: Envelope, trust: TrustMaterial, received_at: datetime) -> tuple[list[PublicKey], bool]:
    """Return all registered keys that signed the envelope and counted then, at least one, each once; and whether all keys were tried."""
    known = {registered.key.key_id: registered.key for registered in trust.keys}
    counted: list[PublicKey] = []
    refusals: list[Unproven] = []
    found = find_signers(envelope, [known[key_id] for key_id in sorted(known)])
    for key in found.keys:
        try:
            demand_registration(trust.keys, key, at=received_at)
        except Unproven as not_then:
            refusals.append(not_then)
        else:
            counted.append(key)
    if not counted:
        raise refusals[-1]
    return counted, found.all_tried
