"""Offline proofs of a transparency log as text files.

Inclusion: C2SP `tlog-proof@v1`. Consistency: the body of a C2SP `tlog-witness` add-checkpoint request. Both end in the signed
checkpoint they lead to. Reading accepts one spelling only; nothing is verified here (`proofs.merkle`, `proofs.checkpoint` do).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proofs.encoding import b64_decode, b64_encode
from proofs.errors import Malformed

_HEADER = "c2sp.org/tlog-proof@v1"
_CODE = "log.proof_malformed"
# A path is never longer than the bits of a tree size.
MAX_HASHES = 128


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """Leaf number `index` is in the tree of `note`, the signed checkpoint."""

    index: int
    path: tuple[bytes, ...]
    note: str


@dataclass(frozen=True, slots=True)
class HeadProof:
    """The tree of `note`, the signed checkpoint, extends the tree of the first `old_size` leaves."""

    old_size: int
    path: tuple[bytes, ...]
    note: str


def build_inclusion_file(proof: InclusionProof) -> bytes:
    """Return the proof as a `tlog-proof@v1` file."""
    return _join([_HEADER, f"index {proof.index}"], proof.path, proof.note)


def build_head_file(proof: HeadProof) -> bytes:
    """Return the consistency proof as an add-checkpoint request body."""
    return _join([f"old {proof.old_size}"], proof.path, proof.note)


def parse_inclusion_file(unverified_bytes: bytes) -> InclusionProof:
    """Parse a `tlog-proof@v1` file without extra data. Refuses with `log.proof_malformed`."""
    lines, note = _split(unverified_bytes)
    if len(lines) < 2 or lines[0] != _HEADER:
        raise Malformed(_CODE, f"got an inclusion proof of another kind, expected {_HEADER}")
    proof = InclusionProof(_number(lines[1], "index "), _hashes(lines[2:]), note)
    if build_inclusion_file(proof) != unverified_bytes:
        raise Malformed(_CODE, "the inclusion proof does not read back the same")
    return proof


def parse_head_file(unverified_bytes: bytes) -> HeadProof:
    """Parse an add-checkpoint request body. Refuses with `log.proof_malformed`."""
    lines, note = _split(unverified_bytes)
    proof = HeadProof(_number(lines[0], "old "), _hashes(lines[1:]), note)
    if build_head_file(proof) != unverified_bytes:
        raise Malformed(_CODE, "the consistency proof does not read back the same")
    return proof


def _join(head: Sequence[str], path: Sequence[bytes], note: str) -> bytes:
    return ("\n".join([*head, *(b64_encode(item) for item in path), ""]) + "\n" + note).encode()


def _split(unverified_bytes: bytes) -> tuple[list[str], str]:
    try:
        text = unverified_bytes.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed(_CODE, "got a proof that is not text") from error
    head, _, note = text.partition("\n\n")
    lines = head.split("\n")
    if len(lines) > MAX_HASHES:
        raise Malformed(_CODE, f"got a proof of {len(lines)} lines, expected at most {MAX_HASHES}")
    return lines, note


def _number(line: str, prefix: str) -> int:
    digits = line.removeprefix(prefix)
    if not line.startswith(prefix) or not (digits.isascii() and digits.isdigit()) or len(digits) > 19:
        raise Malformed(_CODE, f"got {line[:40]!r}, expected {prefix.strip()} and a number")
    return int(digits)


def _hashes(lines: Sequence[str]) -> tuple[bytes, ...]:
    return tuple(b64_decode(line, code=_CODE, what="a hash of the proof") for line in lines)
