"""What a verifier trusts, in one document it got out of band (countersign-trust/v1).

The portal's pages and relying party, the keys it records with, its log's key, and the roots and keys evidence is verified with.
A copy of it travels in every pack for convenience; that copy is never used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509

from proofs.approval.enrollment_parts import AAGUID
from proofs.canonical import canonical_bytes, parse_json
from proofs.checkpoint import NoteKey, parse_note_key
from proofs.digest import sha256_hex
from proofs.encoding import b64_decode, b64_encode
from proofs.errors import Malformed, Refusal
from proofs.evidence import TrustMaterial
from proofs.fields import Fields
from proofs.keys import PublicKey, RegisteredKey, load_spki
from proofs.moment import rfc3339
from proofs.sigstore.trust_root import parse_trust_root
from proofs.tokens.key_set import normalise_keys

TRUST_SCHEMA = "countersign-trust/v1"
MAX_TRUST_BYTES = 16 * 1024 * 1024

# How much more keys of a provider there may be than it publishes at one time: some change them every week.
KEYS_OVER_TIME = 32

_CODE = "trust.malformed"


@dataclass(frozen=True, slots=True)
class RecorderKey:
    """A key the portal signs records and enrolments with, and when that counts."""

    key: PublicKey
    valid_from: datetime
    valid_until: datetime | None


@dataclass(frozen=True, slots=True)
class EvidenceRoot:
    """A trust root for evidence: the document's bytes, its SHA-256, a name, and the thresholds evidence must meet under it."""

    name: str
    document: bytes
    profile: dict[str, Any]

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the document, which is the trust root's name."""
        return sha256_hex(self.document)


@dataclass(frozen=True, slots=True)
class TrustedProvider:
    """An identity provider whose word is taken: under which client names the portal is known there, and its keys, those of earlier times too.

    `keys` is a document of `normalise_keys`; `second_factor` lists the values of `acr` that it gives for two factors only.
    """

    issuer: str
    audiences: tuple[str, ...]
    keys: bytes
    second_factor: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrustedAuthenticators:
    """Whose word on authenticators is taken: makers' root certificates (DER), and the models (AAGUIDs) that may lift an approval to H4."""

    roots: tuple[bytes, ...]
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trust:
    """Everything a verification starts from."""

    origin: str
    rp_id: str
    origins: tuple[str, ...]
    recorder_keys: tuple[RecorderKey, ...]
    log: NoteKey
    evidence_roots: tuple[EvidenceRoot, ...]
    evidence_keys: tuple[RegisteredKey, ...]
    identity_providers: tuple[TrustedProvider, ...] = ()
    authenticators: TrustedAuthenticators | None = None

    def material(self) -> TrustMaterial:
        """Return what evidence is verified with. Refuses as `parse_trust_root` does."""
        roots = tuple(parse_trust_root(root.document, profile=root.profile) for root in self.evidence_roots)
        return TrustMaterial(trust_roots=roots, keys=self.evidence_keys)


def build_trust(trust: Trust) -> bytes:
    """Return the canonical document of `trust`. Refuses with `trust.malformed` when it does not read back the same."""
    # A document without providers and authenticators is spelled as it always was.
    providers = {"identityProviders": [_provider_document(item) for item in trust.identity_providers]} if trust.identity_providers else {}
    authenticators = {"authenticators": _authenticators_document(trust.authenticators)} if trust.authenticators else {}
    document = canonical_bytes(
        {
            **providers,
            **authenticators,
            "schema": TRUST_SCHEMA,
            "portal": {"origin": trust.origin, "rpId": trust.rp_id, "origins": list(trust.origins)},
            "recorderKeys": [
                {
                    "keyId": item.key.key_id,
                    "spki": b64_encode(item.key.spki),
                    "validFrom": rfc3339(item.valid_from),
                    "validUntil": _optional(item.valid_until),
                }
                for item in trust.recorder_keys
            ],
            "log": {"vkey": str(trust.log)},
            "trustRoots": [
                {"digest": root.digest, "name": root.name, "profile": root.profile, "document": b64_encode(root.document)}
                for root in trust.evidence_roots
            ],
            "evidenceKeys": [
                {
                    "keyId": item.key.key_id,
                    "spki": b64_encode(item.key.spki),
                    "validFrom": rfc3339(item.valid_from),
                    "validUntil": _optional(item.valid_until),
                    "revokedAt": _optional(item.revoked_at),
                }
                for item in trust.evidence_keys
            ],
        }
    )
    parse_trust(document)
    return document


def parse_trust(unverified_document: bytes) -> Trust:
    """Parse a trust document; the reader vouches for it by choosing it.

    Refuses with `trust.malformed` for any missing, unknown or ill-typed field, for keys and digests that do not match what is beside
    them, and for a document without recorder key or origin.
    """
    if len(unverified_document) > MAX_TRUST_BYTES:
        raise Malformed(_CODE, f"got {len(unverified_document)} bytes, expected a trust document of at most {MAX_TRUST_BYTES}")
    try:
        value = parse_json(unverified_document, allow_floats=False)
    except Refusal as error:
        raise Malformed(_CODE, f"the trust document cannot be read: {error.reason}") from error
    fields = Fields(value, path="trust", code=_CODE)
    known = ("schema", "portal", "recorderKeys", "log", "trustRoots", "evidenceKeys", "identityProviders", "authenticators")
    fields.only(*known).choice("schema", (TRUST_SCHEMA,))
    portal = fields.fields("portal").only("origin", "rpId", "origins")
    try:
        log = parse_note_key(fields.fields("log").only("vkey").text("vkey"))
    except Refusal as error:
        raise Malformed(_CODE, error.reason) from error
    return Trust(
        origin=portal.text("origin", limit=300),
        rp_id=portal.text("rpId", limit=255),
        origins=portal.texts("origins", low=1),
        recorder_keys=tuple(_recorder_key(item) for item in fields.each("recorderKeys", low=1, high=64)),
        log=log,
        evidence_roots=tuple(_evidence_root(item) for item in fields.each("trustRoots", high=64)),
        evidence_keys=tuple(_evidence_key(item) for item in fields.each("evidenceKeys", high=1024)),
        identity_providers=_providers(fields) if fields.has("identityProviders") else (),
        authenticators=_authenticators(fields.fields("authenticators")) if fields.has("authenticators") else None,
    )


def recorder_keys_at(trust: Trust, moment: datetime) -> Sequence[RecorderKey]:
    """Return the recorder keys that counted at `moment`."""
    return [item for item in trust.recorder_keys if item.valid_from <= moment and (item.valid_until is None or moment < item.valid_until)]


def _recorder_key(item: Fields) -> RecorderKey:
    item.only("keyId", "spki", "validFrom", "validUntil")
    return RecorderKey(_key(item), item.time("validFrom"), item.optional_time("validUntil"))


def _evidence_key(item: Fields) -> RegisteredKey:
    item.only("keyId", "spki", "validFrom", "validUntil", "revokedAt")
    return RegisteredKey(
        key=_key(item),
        valid_from=item.time("validFrom"),
        valid_until=item.optional_time("validUntil"),
        revoked_at=item.optional_time("revokedAt"),
    )


def _evidence_root(item: Fields) -> EvidenceRoot:
    item.only("digest", "name", "profile", "document")
    profile = item.raw("profile")
    if not isinstance(profile, dict):
        item.refuse("profile", "an object of thresholds")
    root = EvidenceRoot(item.text("name", limit=120), item.base64("document"), profile)
    if item.hex_sha256("digest") != root.digest:
        item.refuse("digest", root.digest)
    return root


def _provider_document(item: TrustedProvider) -> dict[str, Any]:
    return {
        "issuer": item.issuer,
        "audiences": list(item.audiences),
        "keys": parse_json(item.keys)["keys"],
        "secondFactor": list(item.second_factor),
    }


def _providers(fields: Fields) -> tuple[TrustedProvider, ...]:
    providers = tuple(_provider(item) for item in fields.each("identityProviders", low=1, high=64))
    if len({item.issuer for item in providers}) != len(providers):
        fields.refuse("identityProviders", "every issuer once")
    return providers


def _provider(item: Fields) -> TrustedProvider:
    item.only("issuer", "audiences", "keys", "secondFactor")
    try:
        keys = normalise_keys(canonical_bytes({"keys": item.raw("keys")}), times=KEYS_OVER_TIME)
    except Refusal as error:
        raise Malformed(_CODE, error.reason) from error
    return TrustedProvider(item.text("issuer", limit=300), item.texts("audiences", low=1), keys, item.texts("secondFactor"))


def _authenticators_document(item: TrustedAuthenticators) -> dict[str, Any]:
    return {"roots": [b64_encode(root) for root in item.roots], "models": list(item.models)}


def _authenticators(item: Fields) -> TrustedAuthenticators:
    item.only("roots", "models")
    roots = tuple(b64_decode(text, code=_CODE, what="a root for authenticators") for text in item.texts("roots", low=1, limit=16_384))
    models = item.texts("models")
    try:
        for root in roots:
            x509.load_der_x509_certificate(root)
    except ValueError as error:
        raise Malformed(_CODE, f"got a root for authenticators that is no certificate ({str(error)[:100]})") from error
    for model in models:
        if not AAGUID.fullmatch(model):
            item.refuse("models", "AAGUIDs of 36 lowercase characters with hyphens")
    return TrustedAuthenticators(roots, models)


def _key(item: Fields) -> PublicKey:
    try:
        key = load_spki(item.base64("spki"))
    except Refusal as error:
        raise Malformed(_CODE, error.reason) from error
    if item.text("keyId", limit=60) != key.key_id:
        item.refuse("keyId", key.key_id)
    return key


def _optional(moment: datetime | None) -> str | None:
    return rfc3339(moment) if moment is not None else None
