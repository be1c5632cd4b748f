"""A signature over a bare file, which the bundle knows by its digest alone. Verifies nothing."""

from __future__ import annotations

from dataclasses import dataclass

from proofs.digest import LENGTHS, Digest
from proofs.encoding import b64_decode
from proofs.errors import Malformed, Unproven
from proofs.sigstore.shape import demand_fields

# The names that Sigstore's protobuf gives to hash algorithms.
HASH_NAMES = {"SHA2_256": "sha256", "SHA2_384": "sha384", "SHA2_512": "sha512"}


@dataclass(frozen=True, slots=True)
class SignedFile:
    """The digest that was signed, unverified, and the signature."""

    digest: Digest
    signature: bytes


def parse_signed_file(value: object) -> SignedFile:
    """Read a bundle's `messageSignature`; refuses with `bundle.malformed` or `evidence.unsupported_message_digest`."""
    fields = demand_fields(value, {"messageDigest", "signature"}, code="bundle.malformed", what="the signature over a file")
    digest = demand_fields(fields["messageDigest"], {"algorithm", "digest"}, code="bundle.malformed", what="the digest of the file")
    algorithm = HASH_NAMES.get(digest["algorithm"]) if isinstance(digest["algorithm"], str) else None
    if algorithm is None:
        got = str(digest["algorithm"])[:40]
        raise Unproven("evidence.unsupported_message_digest", f"got {got!r}, expected {', '.join(HASH_NAMES)}")
    raw = b64_decode(digest["digest"], code="bundle.malformed", what="the digest of the file")
    if len(raw.hex()) != LENGTHS[algorithm]:
        raise Malformed("bundle.malformed", f"got a digest of {len(raw)} bytes, expected {LENGTHS[algorithm] // 2} for {algorithm}")
    return SignedFile(Digest(algorithm, raw.hex()), b64_decode(fields["signature"], code="bundle.malformed", what="the signature"))
