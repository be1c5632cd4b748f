"""One synthetic instance, one honest workload and one key for all tests of evidence; each test brings its own lie."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from portal.demo.instance import Instance, Lie, Workload, build_provenance
from proofs.assess import Assessment, assess_evidence
from proofs.dsse import IN_TOTO_PAYLOAD_TYPE, build_envelope, pae
from proofs.evidence import MAX_BYTES, TrustMaterial, VerifiedEvidence, verify_evidence
from proofs.keys import RegisteredKey, load_spki
from proofs.sigstore.trust_root import parse_trust_root

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
DIGEST = "ab" * 32

INSTANCE = Instance(NOON)
TRUST = TrustMaterial((parse_trust_root(INSTANCE.trusted_root()),))
WORKFLOW = "https://github.com/acme/payments/.github/workflows/release.yml"
WORKLOAD = Workload(f"{WORKFLOW}@refs/tags/v1.2.0", "https://github.com/acme/payments", "c0ffee" + "0" * 34, "refs/tags/v1.2.0")
STATEMENT = build_provenance(WORKLOAD, [("payments.tar.gz", DIGEST)])

SIGNING_KEY = ed25519.Ed25519PrivateKey.generate()
PUBLIC_KEY = load_spki(SIGNING_KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))
KEY_TRUST = TrustMaterial(keys=(RegisteredKey(PUBLIC_KEY, NOON - DAY, NOON + DAY),))


def bundle(
    *, lies: Iterable[Lie] = (), statement: dict[str, Any] = STATEMENT, workload: Workload = WORKLOAD, at: datetime = NOON, **more: Any
) -> bytes:
    """Return a bundle signed by the honest workload, with the given lies told."""
    return INSTANCE.sign_as(workload, statement, at=at, lies=tuple(lies), **more)


def changed(raw: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    """Return the JSON with `change` made to it."""
    value = json.loads(raw)
    change(value)
    return json.dumps(value).encode()


def entry_of(value: dict[str, Any]) -> dict[str, Any]:
    """Return the log entry of a bundle read as JSON."""
    entry: dict[str, Any] = value["verificationMaterial"]["tlogEntries"][0]
    return entry


def key_signed(
    payload: bytes | None = None, *, payload_type: str = IN_TOTO_PAYLOAD_TYPE, key: ed25519.Ed25519PrivateKey = SIGNING_KEY
) -> bytes:
    """Return a DSSE envelope over `payload` (the honest statement unless given), signed with `key`."""
    body = json.dumps(STATEMENT).encode() if payload is None else payload
    signature = key.sign(pae(payload_type, body))
    return json.dumps(build_envelope(body, signature, key_hint="any", payload_type=payload_type)).encode()


def assess(raw: bytes, *, trust: TrustMaterial = TRUST, received_at: datetime = NOON, max_bytes: int | None = MAX_BYTES) -> Assessment:
    """Return the assessment of evidence received at noon by somebody who trusts the instance."""
    return assess_evidence(raw, trust=trust, received_at=received_at, max_bytes=max_bytes)


def verify(raw: bytes) -> VerifiedEvidence:
    """Return what evidence received at noon proves to somebody who trusts the instance."""
    return verify_evidence(raw, trust=TRUST, received_at=NOON)
