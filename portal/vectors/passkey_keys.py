"""COSE keys of passkeys in published rows: those that approvals know, and the further algorithms that registrations of others use.

Approvals stay with the three of `proofs.approval.cose`; nothing here widens what a person may enrol.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519

from proofs.approval.cose import ALGORITHMS, ES256, load_cose_key, parse_cbor
from proofs.errors import Malformed
from proofs.keys import PublicKey, bind_key

# COSE algorithms on a curve: the curve's number and the curve. -9, -51 and -52 are newer numbers, which name the curve as well.
_CURVES: dict[int, tuple[int, type[ec.EllipticCurve]]] = {
    -9: (1, ec.SECP256R1),
    -35: (2, ec.SECP384R1),
    -51: (2, ec.SECP384R1),
    -36: (3, ec.SECP521R1),
    -52: (3, ec.SECP521R1),
}
# Likewise the Edwards curves.
_EDWARDS: dict[int, tuple[int, type[ed25519.Ed25519PublicKey] | type[ed448.Ed448PublicKey]]] = {
    -19: (6, ed25519.Ed25519PublicKey),
    -53: (7, ed448.Ed448PublicKey),
}
KNOWN = frozenset([*ALGORITHMS, *_CURVES, *_EDWARDS])


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey's public key with its COSE algorithm, and the parameters as the authenticator wrote them."""

    key: PublicKey
    algorithm: int
    parameters: dict[object, object]

    @property
    def for_assertions(self) -> PublicKey:
        """The key as the verifier of assertions takes it: it knows three algorithms by name, and the signature is checked by the key itself."""
        if self.key.algorithm in ALGORITHMS.values():
            return self.key
        return replace(self.key, algorithm=ALGORITHMS[ES256])


def load_passkey(unverified_bytes: bytes) -> Passkey:
    """Load a COSE key: ES256, ES384, ES512, EdDSA on Ed25519 or Ed448, RS256; refuses with `key.malformed` or `key.unsupported`."""
    value = parse_cbor(unverified_bytes, code="key.malformed")
    number = value.get(3) if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(number, int) or number not in KNOWN:
        raise Malformed(
            "key.unsupported", f"got a key for the COSE algorithm {number!r}, expected one of {', '.join(map(str, sorted(KNOWN)))}"
        )
    if number in _CURVES:
        return Passkey(_on_curve(value, *_CURVES[number]), number, value)
    if number in _EDWARDS:
        return Passkey(_edwards(value, *_EDWARDS[number]), number, value)
    return Passkey(load_cose_key(unverified_bytes), number, value)


def _on_curve(value: dict[object, object], number: int, curve: type[ec.EllipticCurve]) -> PublicKey:
    size = (curve().key_size + 7) // 8
    x, y = value.get(-2), value.get(-3)
    if (value.get(1), value.get(-1)) != (2, number) or not isinstance(x, bytes) or not isinstance(y, bytes) or not len(x) == len(y) == size:
        raise Malformed("key.malformed", f"got another key than two coordinates of {size} bytes on the curve of its algorithm")
    try:
        return bind_key(ec.EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), curve()).public_key())
    except ValueError as error:
        raise Malformed("key.malformed", f"got numbers that are not a public key ({error})") from error


def _edwards(value: dict[object, object], number: int, kind: type[ed25519.Ed25519PublicKey] | type[ed448.Ed448PublicKey]) -> PublicKey:
    point = value.get(-2)
    if (value.get(1), value.get(-1)) != (1, number) or not isinstance(point, bytes):
        raise Malformed("key.malformed", "got another key than a point on the curve of its algorithm")
    try:
        key = kind.from_public_bytes(point)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Malformed("key.malformed", f"got a point that is none of its curve ({error})") from error
    spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return PublicKey(spki, "ed25519" if isinstance(key, ed25519.Ed25519PublicKey) else "ed448", key.verify)
