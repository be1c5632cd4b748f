"""`sigstore`, another project's verifier, as fast as it goes: one verifier for all bundles, and no question about the signer."""

from __future__ import annotations

import base64
import json
import tempfile

from sigstore.hashes import Hashed
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier
from sigstore_models.common.v1 import HashAlgorithm

from benchmarks.interleaved import Work


def verify_with_sigstore(content: bytes, trusted_root: bytes) -> Work:
    """Return the verification of the bundle, parsing included; raises what sigstore raises when it refuses."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(trusted_root)
        file.flush()
        verifier = Verifier(trusted_root=TrustedRoot.from_file(file.name))
    signed = json.loads(content).get("messageSignature")
    if signed is None:
        return lambda: verifier.verify_dsse(Bundle.from_json(content), _AnyIdentity())
    hashed = Hashed(algorithm=HashAlgorithm.SHA2_256, digest=base64.b64decode(signed["messageDigest"]["digest"]))
    return lambda: verifier.verify_artifact(hashed, Bundle.from_json(content), _AnyIdentity())


class _AnyIdentity:
    """Accepts every signer: ours is not asked about it either."""

    def verify(self, cert: object) -> None:
        return None
