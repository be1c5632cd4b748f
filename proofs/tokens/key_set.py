"""An issuer's public keys as it publishes them (JWK set, RFC 7517), read strictly and kept as one canonical document.

Pure: bytes in, keys or a refusal out. Only RSA keys of 2048 to 8192 bits and P-256 keys are taken; keys of other types, for other uses or
other algorithms are left out, since issuers publish those beside. Not checked: that the document is the issuer's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers

from proofs.canonical import canonical_bytes, parse_json
from proofs.encoding import b64url_decode
from proofs.errors import Malformed, TooLarge

MAX_DOCUMENT_BYTES = 256 * 1024
MAX_KEYS = 64
LEAST_RSA_BITS, MOST_RSA_BITS = 2048, 8192
# A key's type says the one algorithm it verifies; what a token's header says is held against it.
ALGORITHM_OF_TYPE = {"RSA": "RS256", "EC": "ES256"}
_MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y")}
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """One public key of an issuer: the name it goes by, the one algorithm it verifies, and the key object."""

    kid: str
    algorithm: str
    key: RSAPublicKey | EllipticCurvePublicKey


def normalise_keys(unverified_bytes: bytes, *, times: int = 1) -> bytes:
    """Return the canonical document of the keys that are used here, out of an issuer's own document.

    It may have `times` the usual size, where keys of many years are kept together.
    Refuses with `jwks.too_large`, `jwks.shape`, `jwks.private`, `jwks.key`, `jwks.empty` or as `parse_json` does.
    """
    if len(unverified_bytes) > MAX_DOCUMENT_BYTES * times:
        raise TooLarge("jwks.too_large", f"got {len(unverified_bytes)} bytes of keys, expected at most {MAX_DOCUMENT_BYTES * times}")
    document = parse_json(unverified_bytes)
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise Malformed("jwks.shape", "got no JSON object with a list of keys, expected a JWK set")
    if len(entries) > MAX_KEYS * times:
        raise TooLarge("jwks.too_large", f"got {len(entries)} keys, expected at most {MAX_KEYS * times}")
    if any(entry.get("kty") != "oct" and _PRIVATE & entry.keys() for entry in entries):
        raise Malformed("jwks.private", "got a private key, expected public keys only; whoever sent this should replace that key")
    kept = [_reduced(entry) for entry in entries if _is_of_use(entry)]
    if not kept:
        raise Malformed("jwks.empty", "got no named RSA or P-256 key for signatures, expected at least one")
    for entry in kept:
        _read_key(entry)
    return canonical_bytes({"keys": kept})


def read_keys(stored_bytes: bytes) -> list[IssuerKey]:
    """Return the keys of a document that `normalise_keys` made. Refuses with `jwks.key` or as `parse_json` does."""
    return [_read_key(entry) for entry in parse_json(stored_bytes)["keys"]]


def _is_of_use(entry: dict[str, Any]) -> bool:
    kty, kid = entry.get("kty"), entry.get("kid")
    if not isinstance(kty, str) or kty not in _MEMBERS or not isinstance(kid, str) or not 0 < len(kid) <= 200:
        return False
    fits = entry.get("alg", ALGORITHM_OF_TYPE[kty]) == ALGORITHM_OF_TYPE[kty]
    return fits and entry.get("use", "sig") == "sig" and (kty == "RSA" or entry.get("crv") == "P-256")


def _reduced(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: entry.get(name) for name in ("kty", "kid", *_MEMBERS[entry["kty"]])}


def _read_key(entry: dict[str, Any]) -> IssuerKey:
    kid, kty = entry["kid"], entry["kty"]
    numbers = [int.from_bytes(b64url_decode(entry[name], code="jwks.key", what=f"key's {name}")) for name in _MEMBERS[kty][-2:]]
    key: RSAPublicKey | EllipticCurvePublicKey
    try:
        if kty == "RSA":
            modulus, exponent = numbers
            if not LEAST_RSA_BITS <= modulus.bit_length() <= MOST_RSA_BITS or not 3 <= exponent < 2**32:
                raise ValueError(f"{modulus.bit_length()} bits, exponent {str(exponent)[:20]}")
            key = RSAPublicNumbers(exponent, modulus).public_key()
        else:
            key = EllipticCurvePublicNumbers(numbers[0], numbers[1], SECP256R1()).public_key()
    except ValueError as error:
        raise Malformed(
            "jwks.key", f"got the key {kid[:80]!r} that cannot be used ({error}), expected RSA of 2048 bits and more, or P-256"
        ) from error
    return IssuerKey(kid, ALGORITHM_OF_TYPE[kty], key)
