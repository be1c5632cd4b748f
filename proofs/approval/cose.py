"""COSE public keys and the little CBOR that authenticators speak, read strictly (CTAP2 canonical form).

Only definite lengths, shortest integers, no floats, no tags, no null, no key twice, bounded depth. What a value means is for the caller.
"""

from __future__ import annotations

from collections.abc import Callable

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from proofs.errors import Malformed
from proofs.keys import PublicKey, load_spki

ES256, EDDSA, RS256 = -7, -8, -257
ALGORITHMS = {ES256: "ecdsa-secp256r1-sha256", EDDSA: "ed25519", RS256: "rsa-pkcs1v15-sha256"}
MAX_DEPTH = 8

_WIDTHS = {24: 1, 25: 2, 26: 4, 27: 8}
_SIMPLE = {20: False, 21: True}


def parse_cbor(unverified_bytes: bytes, *, code: str) -> object:
    """Parse exactly one CBOR item and nothing after it; refuses with `code` for any other encoding."""
    reader = _Reader(unverified_bytes, code)
    value = reader.item(0)
    if reader.position != len(unverified_bytes):
        raise Malformed(code, f"got {len(unverified_bytes) - reader.position} bytes after the CBOR item, expected none")
    return value


def load_cose_key(unverified_bytes: bytes) -> PublicKey:
    """Load a COSE key of one of the three algorithms passkeys use: ES256 on P-256, EdDSA on Ed25519, RS256.

    Refuses with `key.malformed` or `key.unsupported`.
    """
    value = parse_cbor(unverified_bytes, code="key.malformed")
    if not isinstance(value, dict):
        raise Malformed("key.malformed", f"got {type(value).__name__}, expected a COSE key map")
    shape = (value.get(1), value.get(3))
    if shape == (2, ES256) and value.get(-1) == 1:
        x, y = _coordinate(value.get(-2)), _coordinate(value.get(-3))
        return _loaded(
            lambda: ec.EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), ec.SECP256R1()).public_key()
        )
    if shape == (1, EDDSA) and value.get(-1) == 6:
        point = _coordinate(value.get(-2))
        return _loaded(lambda: ed25519.Ed25519PublicKey.from_public_bytes(point))
    if shape == (3, RS256):
        modulus, exponent = value.get(-1), value.get(-2)
        if not isinstance(modulus, bytes) or not isinstance(exponent, bytes):
            raise Malformed("key.malformed", "got an RSA key without modulus and exponent, expected both")
        n, e = int.from_bytes(modulus, "big"), int.from_bytes(exponent, "big")
        return _loaded(lambda: rsa.RSAPublicNumbers(e, n).public_key())
    raise Malformed("key.unsupported", f"got COSE key type and algorithm {shape}, expected ES256, EdDSA or RS256")


def cose_algorithm(key: PublicKey) -> int:
    """Return the COSE algorithm number of a key; refuses with `key.unsupported` for keys no passkey has."""
    for number, name in ALGORITHMS.items():
        if key.algorithm == name:
            return number
    raise Malformed("key.unsupported", f"got a key for {key.algorithm}, expected one for ES256, EdDSA or RS256")


def _coordinate(value: object) -> bytes:
    if not isinstance(value, bytes) or len(value) != 32:
        raise Malformed("key.malformed", "got a coordinate of another form, expected 32 bytes")
    return value


def _loaded(make: Callable[[], ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey]) -> PublicKey:
    try:
        spki = make().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    except ValueError as error:
        raise Malformed("key.malformed", f"got numbers that are not a public key ({error})") from error
    return load_spki(spki)


class _Reader:
    """A position in CBOR bytes."""

    def __init__(self, data: bytes, code: str) -> None:
        self.data, self.code, self.position = data, code, 0

    def item(self, depth: int) -> object:
        if depth > MAX_DEPTH:
            raise Malformed(self.code, f"got CBOR nested deeper than {MAX_DEPTH} levels")
        initial = self._take(1)[0]
        major, additional = initial >> 5, initial & 31
        if major == 7:
            if additional not in _SIMPLE:
                raise Malformed(self.code, "got a CBOR float or simple value, expected true or false")
            return _SIMPLE[additional]
        argument = self._argument(additional)
        if major == 0:
            return argument
        if major == 1:
            return -1 - argument
        if major == 2:
            return self._take(argument)
        if major == 3:
            return self._text(argument)
        if major == 4:
            return [self.item(depth + 1) for _ in range(self._count(argument))]
        if major == 5:
            return self._map(argument, depth)
        raise Malformed(self.code, "got a CBOR tag, expected none")

    def _argument(self, additional: int) -> int:
        if additional < 24:
            return additional
        width = _WIDTHS.get(additional)
        if width is None:
            raise Malformed(self.code, "got CBOR of indefinite length, expected a definite one")
        value = int.from_bytes(self._take(width), "big")
        if value < (24 if width == 1 else 1 << (width * 4)):
            raise Malformed(self.code, "got a CBOR number written longer than needed, expected the shortest form")
        return value

    def _count(self, argument: int) -> int:
        # Every item takes a byte at least, so a count beyond the bytes left is a lie told to make us allocate.
        if argument > len(self.data) - self.position:
            raise Malformed(self.code, "got a CBOR collection longer than its bytes")
        return argument

    def _map(self, count: int, depth: int) -> dict[object, object]:
        result: dict[object, object] = {}
        for _ in range(self._count(count)):
            key = self.item(depth + 1)
            if not isinstance(key, int | str | bytes) or isinstance(key, bool) or key in result:
                raise Malformed(self.code, "got a CBOR map with a key twice or of another kind, expected numbers and texts, each once")
            result[key] = self.item(depth + 1)
        return result

    def _text(self, length: int) -> str:
        try:
            return self._take(length).decode("utf-8")
        except UnicodeDecodeError as error:
            raise Malformed(self.code, "got CBOR text that is not UTF-8") from error

    def _take(self, count: int) -> bytes:
        end = self.position + count
        if end > len(self.data):
            raise Malformed(self.code, "got CBOR that ends in the middle")
        taken = self.data[self.position : end]
        self.position = end
        return taken
