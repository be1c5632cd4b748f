"""The portal's own signature on what it recorded: DSSE envelopes by one P-256 key.

A record says "this portal wrote this down"; it never stands in for a person's signature.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings

from ledger.keys import load_recorder_key
from proofs.dsse import IN_TOTO_PAYLOAD_TYPE, build_envelope, pae
from proofs.errors import Unavailable
from proofs.keys import key_id_of


@dataclass(frozen=True)
class RecorderKey:
    """The key records are signed with, and its public half as DER (`spki`), as PEM and as key id."""

    _private: ec.EllipticCurvePrivateKey
    spki: bytes
    pem: bytes

    @property
    def key_id(self) -> str:
        return key_id_of(self.spki)

    def sign(self, payload: bytes) -> dict[str, Any]:
        """Return the DSSE envelope (a JSON object) of an in-toto payload, signed by this key."""
        signature = self._private.sign(pae(IN_TOTO_PAYLOAD_TYPE, payload), ec.ECDSA(hashes.SHA256()))
        return build_envelope(payload, signature, key_hint=self.key_id)


def recorder_key() -> RecorderKey:
    """Return the key in `settings.RECORDER_KEY_FILE`. Refuses with `ledger.key_missing` when there is none."""
    path = Path(settings.RECORDER_KEY_FILE)
    try:
        changed = path.stat().st_mtime_ns
    except OSError as error:
        raise Unavailable(
            "ledger.key_missing",
            f"the key file {path} cannot be read: {error.strerror}; run bootstrap to create it",
        ) from error
    return _read_key(path, changed)


@lru_cache(maxsize=4)
def _read_key(path: Path, changed: int) -> RecorderKey:
    private = load_recorder_key()
    public = private.public_key()
    spki = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return RecorderKey(private, spki, pem)
