"""An OpenSSH key revocation list of revoked approval keys, as `ssh-keygen -Y verify -r` reads it (OpenSSH, PROTOCOL.krl).

OpenSSH has a form for P-256 passkeys only; other keys it cannot verify either. A key on the list is refused for every signature, also one
made before it was revoked: whoever cares about the time uses the `valid-before` of the allowed_signers file instead.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from datetime import datetime

from proofs.approval.sshsig import public_blob
from proofs.keys import PublicKey

_MAGIC, _FORMAT, _EXPLICIT_KEY = 0x5353484B524C0A00, 1, 2
_P256 = "ecdsa-secp256r1-sha256"


def build_krl(keys: Iterable[tuple[PublicKey, str]], *, version: int, at: datetime | None) -> bytes:
    """Return the list of `keys` (each with its relying party), in a fixed order. `version` grows with the list, `at` is its newest revocation.

    Keys of other kinds than P-256 are left out. Checks nothing.
    """
    blobs = sorted({public_blob(key, rp_id) for key, rp_id in keys if key.algorithm == _P256})
    head = struct.pack(">QIQQQ", _MAGIC, _FORMAT, version, int(at.timestamp()) if at else 0, 0)
    section = b"".join(_string(blob) for blob in blobs)
    return head + _string(b"") + _string(b"") + (bytes([_EXPLICIT_KEY]) + _string(section) if blobs else b"")


def _string(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content
