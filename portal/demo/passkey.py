"""A passkey in software: a real key and real assertions, in the shapes a browser hands over. The key lives as long as the object.

Nothing asks a person: whoever holds the object signs. It is for the demo's history alone; nobody who signs in can use it.
"""

from __future__ import annotations

import hashlib
import json
import struct
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor

from proofs.approval.cose import ES256
from proofs.encoding import b64url_encode

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


class DemoPasskey:
    """One ES256 credential of one site."""

    def __init__(self, *, rp_id: str, origin: str) -> None:
        self._rp_hash = hashlib.sha256(rp_id.encode()).digest()
        self._origin = origin
        self._key = ec.generate_private_key(ec.SECP256R1())
        public = self._key.public_key()
        spki = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.credential_id = hashlib.sha256(b"credential" + spki).digest()
        numbers = public.public_numbers()
        self._cose = cbor.encode({1: 2, 3: ES256, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})

    def create(self, challenge: bytes) -> dict[str, Any]:
        """Return the RegistrationResponseJSON of a new credential, attestation "none"."""
        attested = b"\x00" * 16 + struct.pack(">H", len(self.credential_id)) + self.credential_id + self._cose
        data = self._data(PRESENT | VERIFIED | ATTESTED) + attested
        name = b64url_encode(self.credential_id)
        return {
            "id": name,
            "rawId": name,
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": b64url_encode(self._client_data(challenge, "webauthn.create")),
                "attestationObject": b64url_encode(cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})),
                "transports": ["internal"],
            },
        }

    def assertion(self, challenge: bytes) -> str:
        """Return what the signing page posts over `challenge`."""
        client_data, data = self._client_data(challenge, "webauthn.get"), self._data(PRESENT | VERIFIED)
        signature = self._key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        return json.dumps(
            {
                "credentialId": b64url_encode(self.credential_id),
                "authenticatorData": b64url_encode(data),
                "clientDataJSON": b64url_encode(client_data),
                "signature": b64url_encode(signature),
            }
        )

    def _client_data(self, challenge: bytes, kind: str) -> bytes:
        value = {"type": kind, "challenge": b64url_encode(challenge), "origin": self._origin, "crossOrigin": False}
        return json.dumps(value, separators=(",", ":")).encode()

    def _data(self, flags: int) -> bytes:
        return self._rp_hash + bytes([flags]) + struct.pack(">I", 0)
