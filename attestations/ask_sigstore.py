"""`sigstore`, another project's verifier, asked about one bundle under one trust root. Offline, without Django, and about signatures alone."""

from __future__ import annotations

import base64
import json
import tempfile
from functools import lru_cache
from typing import Any


def can_read(trusted_root: bytes) -> bool:
    """Whether sigstore can be asked under this trust root at all: that is about the root, which people chose, and never about evidence."""
    try:
        _verifier(trusted_root)
    except Exception:  # noqa: BLE001  whatever it raises, it did not read the root
        return False
    return True


def ask_sigstore(bundle: bytes, trusted_root: bytes) -> str:
    """Return why sigstore refuses the bundle under this trust root; empty when it accepts it. Raises what it raises on a bug of its own."""
    # Loaded when first asked: it takes half a second, and only workers ask.
    from sigstore.errors import Error
    from sigstore.hashes import Hashed
    from sigstore.models import Bundle
    from sigstore_models.common.v1 import HashAlgorithm

    try:
        parsed = Bundle.from_json(bundle)
        signed = json.loads(bundle).get("messageSignature")
        if signed is None:
            _verifier(trusted_root).verify_dsse(parsed, _AnyIdentity())
        else:
            digest = base64.b64decode(signed["messageDigest"]["digest"])
            _verifier(trusted_root).verify_artifact(Hashed(algorithm=HashAlgorithm.SHA2_256, digest=digest), parsed, _AnyIdentity())
    except Error as error:
        return f"{type(error).__name__}: {error}"
    return ""


class _AnyIdentity:
    """Accepts every signer: the question here is only whether the signatures hold."""

    def verify(self, cert: object) -> None:
        return None


@lru_cache(maxsize=8)
def _verifier(trusted_root: bytes) -> Any:
    from sigstore.models import TrustedRoot
    from sigstore.verify import Verifier

    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(trusted_root)
        file.flush()
        return Verifier(trusted_root=TrustedRoot.from_file(file.name))
