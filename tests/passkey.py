"""A passkey in software, for tests: real keys and real signatures, the shapes a browser hands over, and ways to lie.

`create` answers `navigator.credentials.create`, `get` answers `navigator.credentials.get`. It verifies nothing and asks nobody.
"""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass, field, replace
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from fido2 import cbor

from proofs.approval.cose import EDDSA, ES256, RS256
from proofs.approval.passkey import Assertion
from proofs.encoding import b64url_encode
from proofs.keys import PublicKey, load_spki

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey

PRESENT, VERIFIED, BACKUP_ELIGIBLE, BACKED_UP, ATTESTED, EXTENDED = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80
USUAL = PRESENT | VERIFIED


@dataclass(frozen=True)
class Lie:
    """What an assertion says instead of the truth; None (or the default) is the truth."""

    origin: str | None = None
    rp_id: str | None = None
    challenge: bytes | None = None
    type: str = "webauthn.get"
    cross_origin: Any = False
    top_origin: str | None = None
    flags: int | None = None
    extensions: bytes = b""
    client_data_json: bytes | None = None
    tamper_signature: bool = False


TRUTH = Lie()


@dataclass
class SoftPasskey:
    """One credential. `algorithm` is the COSE number; `synced` passkeys set the backup flags, as real ones do."""

    rp_id: str = "localhost"
    origin: str = "http://localhost:8000"
    algorithm: int = ES256
    synced: bool = False
    sign_count: int = 0
    private_key: PrivateKey = field(init=False, repr=False)

    def __post_init__(self) -> None:
        makers: dict[int, Any] = {
            ES256: lambda: ec.generate_private_key(ec.SECP256R1()),
            EDDSA: ed25519.Ed25519PrivateKey.generate,
            RS256: lambda: rsa.generate_private_key(65537, 2048),
        }
        self.private_key = makers[self.algorithm]()

    @property
    def spki(self) -> bytes:
        return self.private_key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)

    @property
    def public_key(self) -> PublicKey:
        return load_spki(self.spki)

    @property
    def credential_id(self) -> bytes:
        return hashlib.sha256(b"credential" + self.spki).digest()

    @property
    def cose_key(self) -> bytes:
        public = self.private_key.public_key()
        if isinstance(public, ec.EllipticCurvePublicKey):
            numbers = public.public_numbers()
            return cbor.encode({1: 2, 3: ES256, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})
        if isinstance(public, rsa.RSAPublicKey):
            modulus = public.public_numbers().n
            return cbor.encode({1: 3, 3: RS256, -1: modulus.to_bytes((modulus.bit_length() + 7) // 8, "big"), -2: b"\x01\x00\x01"})
        return cbor.encode({1: 1, 3: EDDSA, -1: 6, -2: public.public_bytes_raw()})

    def create(self, challenge: bytes, lie: Lie = TRUTH) -> dict[str, Any]:
        """Return the RegistrationResponseJSON of a new credential, attestation "none"."""
        attested = b"\x00" * 16 + struct.pack(">H", len(self.credential_id)) + self.credential_id + self.cose_key
        data = self._authenticator_data(lie, extra_flags=ATTESTED) + attested
        kind = "webauthn.create" if lie.type == "webauthn.get" else lie.type
        response = {
            "clientDataJSON": b64url_encode(self._client_data(challenge, lie, kind)),
            "attestationObject": b64url_encode(cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})),
            "transports": ["internal"],
        }
        return self._credential(response)

    def get(self, challenge: bytes, lie: Lie = TRUTH) -> dict[str, Any]:
        """Return the AuthenticationResponseJSON over `challenge`."""
        assertion = self.sign(challenge, lie)
        response = {
            "clientDataJSON": b64url_encode(assertion.client_data_json),
            "authenticatorData": b64url_encode(assertion.authenticator_data),
            "signature": b64url_encode(assertion.signature),
            "userHandle": None,
        }
        return self._credential(response)

    def sign(self, challenge: bytes, lie: Lie = TRUTH) -> Assertion:
        """Return the assertion over `challenge` as our verifier takes it."""
        client_data = lie.client_data_json or self._client_data(challenge, lie, lie.type)
        if self.sign_count:
            self.sign_count += 1
        data = self._authenticator_data(lie) + lie.extensions
        signature = self._sign(data + hashlib.sha256(client_data).digest())
        if lie.tamper_signature:
            signature = self._sign(data + hashlib.sha256(client_data + b" ").digest())
        return Assertion(self.public_key.key_id, self.credential_id, data, client_data, signature, self.algorithm)

    def _client_data(self, challenge: bytes, lie: Lie, kind: str) -> bytes:
        value: dict[str, Any] = {
            "type": kind,
            "challenge": b64url_encode(challenge if lie.challenge is None else lie.challenge),
            "origin": lie.origin or self.origin,
            "crossOrigin": lie.cross_origin,
        }
        if lie.top_origin is not None:
            value["topOrigin"] = lie.top_origin
        return json.dumps(value, separators=(",", ":")).encode()

    def _authenticator_data(self, lie: Lie, extra_flags: int = 0) -> bytes:
        usual = USUAL | (BACKUP_ELIGIBLE | BACKED_UP if self.synced else 0) | (EXTENDED if lie.extensions else 0)
        flags = (usual if lie.flags is None else lie.flags) | extra_flags
        return hashlib.sha256((lie.rp_id or self.rp_id).encode()).digest() + bytes([flags]) + struct.pack(">I", self.sign_count)

    def _sign(self, message: bytes) -> bytes:
        if isinstance(self.private_key, ec.EllipticCurvePrivateKey):
            return self.private_key.sign(message, ec.ECDSA(hashes.SHA256()))
        if isinstance(self.private_key, rsa.RSAPrivateKey):
            return self.private_key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        return self.private_key.sign(message)

    def _credential(self, response: dict[str, Any]) -> dict[str, Any]:
        name = b64url_encode(self.credential_id)
        return {
            "id": name,
            "rawId": name,
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": response,
        }


def with_signature(assertion: Assertion, signature: bytes) -> Assertion:
    """Return the assertion with another signature."""
    return replace(assertion, signature=signature)
