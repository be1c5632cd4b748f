"""Digests: one closed set of algorithms, one spelling (`algorithm:lowercase-hex`)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from proofs.errors import Malformed

LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128}

_HEX = re.compile(r"[0-9a-f]+")


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of `data` as 64 lowercase hex characters."""
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True, slots=True)
class Digest:
    """A digest that names content: `algorithm` is one of `LENGTHS`, `hex` is lowercase and of the right length."""

    algorithm: str
    hex: str

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"


def names_approved(digests: Iterable[str], approved: Collection[str]) -> bool:
    """Whether texts `algorithm:hex`, which name one thing, name an approved one: each that can be compared is approved, and there is one."""
    algorithms = {digest.partition(":")[0] for digest in approved}
    comparable = [digest for digest in digests if digest.partition(":")[0] in algorithms]
    # Of several digests one may name what was approved and another something else.
    return bool(comparable) and all(digest in approved for digest in comparable)


def parse_digest(unverified_text: str) -> Digest:
    """Parse `sha256:<64 hex>` (also sha384, sha512).

    Refuses with `digest.malformed` for another algorithm, length or alphabet. Tags and short digests are never accepted.
    """
    algorithm, _, value = unverified_text.partition(":")
    if LENGTHS.get(algorithm) != len(value) or not _HEX.fullmatch(value):
        raise Malformed("digest.malformed", f"got {unverified_text[:100]!r}, expected sha256:<64 lowercase hex characters>")
    return Digest(algorithm, value)
