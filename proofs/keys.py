"""Public keys, each bound to one algorithm: no algorithm is ever taken from a message."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature

from proofs.digest import Digest
from proofs.errors import Malformed, Unproven

# Each curve with its one hash: the name of the pair, and how the library is told of it, with content at hand or only its digest.
_CURVES = {
    curve: (f"ecdsa-{curve}-{algorithm.name}", ec.ECDSA(algorithm), ec.ECDSA(Prehashed(algorithm)))
    for curve, algorithm in (("secp256r1", hashes.SHA256()), ("secp384r1", hashes.SHA384()), ("secp521r1", hashes.SHA512()))
}
MIN_RSA_BITS = 2048
# How often a signature is held against a key, at most, for one piece of evidence; of long content less often, because each try reads it all.
MAX_TRIES, ALWAYS_TRIED, TRIED_BYTES = 64, 6, 4 * 1024 * 1024


@dataclass(frozen=True)
class PublicKey:
    """A public key and the one algorithm it verifies with.

    `spki` is the DER SubjectPublicKeyInfo; `key_id` is `SHA256:<base64 of its SHA-256>`; `algorithm` is
    `ecdsa-secp256r1-sha256` and the like.
    """

    spki: bytes
    algorithm: str
    _check: Callable[[bytes, bytes], None]
    _check_digest: Callable[[bytes, bytes], None] | None = None
    _check_other_form: Callable[[bytes, bytes], None] | None = None

    @property
    def key_id(self) -> str:
        """The fingerprint of the key, `SHA256:<base64>`, as OpenSSH prints it."""
        return key_id_of(self.spki)

    @property
    def pem(self) -> bytes:
        """The key as PEM text, the way the ledger's leaves name their verifier."""
        loaded = serialization.load_der_public_key(self.spki)
        return loaded.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def verify(self, signature: bytes, message: bytes, *, code: str, what: str) -> None:
        """Return when `signature` is this key's over `message`; refuse with `code` (Unproven) otherwise."""
        try:
            self._check(signature, message)
        except InvalidSignature as error:
            raise Unproven(code, f"the signature of {what} does not verify with key {self.key_id}") from error

    def verify_any_form(self, signature: bytes, message: bytes, *, code: str, what: str) -> None:
        """As `verify`, also for the other form in which DSSE signers write this kind of key's signatures.

        ECDSA as r and s side by side (IEEE P1363) instead of DER; RSA as PSS with SHA-256 instead of PKCS #1 v1.5. One key, one hash.
        """
        try:
            self.verify(signature, message, code=code, what=what)
        except Unproven:
            if self._check_other_form is None:
                raise
            try:
                self._check_other_form(signature, message)
            except InvalidSignature as error:
                raise Unproven(code, f"the signature of {what} does not verify with key {self.key_id}") from error

    def can_judge(self, digest: Digest) -> bool:
        """Whether a digest of this kind is enough to judge a signature by: Ed25519 signs content, and the other kinds one hash each."""
        return self._check_digest is not None and self.algorithm.endswith(f"-{digest.algorithm}")

    def verify_digest(self, signature: bytes, digest: Digest, *, code: str, what: str) -> None:
        """Return when `signature` is this key's over the content that `digest` names; refuse with `code` (Unproven) otherwise.

        The digest must be of the key's own hash algorithm. An Ed25519 key signs content and no digest of it: refused likewise.
        """
        if self._check_digest is None or not self.can_judge(digest):
            raise Unproven(code, f"a key of kind {self.algorithm} makes no signature that a {digest.algorithm} digest of {what} verifies")
        try:
            self._check_digest(signature, bytes.fromhex(digest.hex))
        except InvalidSignature as error:
            raise Unproven(code, f"the signature of {what} does not verify with key {self.key_id}") from error


@dataclass(frozen=True, slots=True)
class RegisteredKey:
    """A key somebody registered for signing evidence, and when it counts."""

    key: PublicKey
    valid_from: datetime
    valid_until: datetime | None = None
    revoked_at: datetime | None = None

    def counts_at(self, at: datetime) -> bool:
        """Whether `at` is in the time it was registered for, both ends included."""
        return self.valid_from <= at and (self.valid_until is None or at <= self.valid_until)


def in_order_of_hints(keys: Iterable[PublicKey], hints: Collection[str]) -> list[PublicKey]:
    """Return the keys, each once, in the order of their ids, those that a hint names first. A hint saves time and decides nothing."""
    once = {key.key_id: key for key in keys}
    return [once[key_id] for key_id in sorted(once, key=lambda key_id: (key_id not in hints, key_id))]


def tries_for(size: int) -> int:
    """Return how often a signature over `size` bytes may be held against a key."""
    return min(MAX_TRIES, max(ALWAYS_TRIED, TRIED_BYTES // max(size, 1)))


def demand_registration(keys: Iterable[RegisteredKey], key: PublicKey, *, at: datetime) -> None:
    """Return when `key` was registered for the time `at` and not revoked by then; refuses with `key.revoked` or `key.not_valid`."""
    registrations = [registered for registered in keys if registered.key.key_id == key.key_id]
    # A key revoked once is not made good by being registered again.
    if any(registered.revoked_at is not None and registered.revoked_at <= at for registered in registrations):
        raise Unproven("key.revoked", f"key {key.key_id} made the signature, and had been revoked by {at:%Y-%m-%dT%H:%M:%SZ}")
    if not any(registered.counts_at(at) for registered in registrations):
        raise Unproven("key.not_valid", f"key {key.key_id} made the signature, and was not registered for {at:%Y-%m-%dT%H:%M:%SZ}")


@lru_cache(maxsize=16_384)
def key_id_of(spki: bytes) -> str:
    """Return `SHA256:<base64 without padding>` of a DER SubjectPublicKeyInfo, the way OpenSSH prints fingerprints."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(spki).digest()).decode().rstrip("=")


def load_spki(spki: bytes) -> PublicKey:
    """Load a DER SubjectPublicKeyInfo: P-256, P-384, P-521, Ed25519 or RSA of at least 2048 bits (PKCS#1 v1.5, SHA-256).

    Refuses with `key.malformed` or `key.unsupported`.
    """
    try:
        key = serialization.load_der_public_key(spki)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Malformed("key.malformed", f"got bytes that are not a public key ({error}), expected DER") from error
    return bind_key(key)


def load_pem(pem: bytes) -> PublicKey:
    """Load a PEM public key; the same kinds and refusals as `load_spki`."""
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Malformed("key.malformed", f"got text that is not a public key ({error}), expected PEM") from error
    return bind_key(key)


def bind_key(key: object, *, spki: bytes | None = None) -> PublicKey:
    """Return a key of the library bound to the one algorithm of its kind; refuses with `key.unsupported`.

    `spki` is its encoding, where the caller has it in the one spelling in which the library would write it.
    """
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES:
        name, signing, prehashed = _CURVES[key.curve.name]
        curve_key = key
        return PublicKey(
            _spki(key) if spki is None else spki,
            name,
            lambda sig, msg: curve_key.verify(sig, msg, signing),
            lambda sig, digest: curve_key.verify(sig, digest, prehashed),
            lambda sig, msg: curve_key.verify(_der_of_pair(sig, curve_key.key_size), msg, signing),
        )
    if isinstance(key, ed25519.Ed25519PublicKey):
        return PublicKey(_spki(key), "ed25519", key.verify)
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= MIN_RSA_BITS:
        rsa_key = key
        pkcs1, pss = padding.PKCS1v15(), padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.AUTO)
        return PublicKey(
            _spki(key),
            "rsa-pkcs1v15-sha256",
            lambda sig, msg: rsa_key.verify(sig, msg, pkcs1, hashes.SHA256()),
            lambda sig, digest: rsa_key.verify(sig, digest, pkcs1, Prehashed(hashes.SHA256())),
            lambda sig, msg: rsa_key.verify(sig, msg, pss, hashes.SHA256()),
        )
    raise Malformed("key.unsupported", "got a key of another kind, expected P-256, P-384, P-521, Ed25519 or RSA of 2048 bits or more")


def _der_of_pair(signature: bytes, key_bits: int) -> bytes:
    size = (key_bits + 7) // 8
    if len(signature) != 2 * size:
        raise InvalidSignature
    return encode_dss_signature(int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big"))


def _spki(key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
