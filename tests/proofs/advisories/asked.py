"""What the tests of advisories share: one instance, evidence of every kind, and the question what comes of it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from proofs.assess import Assessment, assess_evidence
from proofs.dsse import IN_TOTO_PAYLOAD_TYPE
from proofs.evidence import TrustMaterial
from proofs.sigstore.log_body import HASHEDREKORD_V2
from tests.proofs.factory import NOON, STATEMENT, WORKLOAD, changed
from tests.proofs.formats import FILE, KINDS, Formats, Kind

FORMATS = Formats(NOON)
LOGGED = [name for name, kind in KINDS.items() if kind.entry is not None]
PROMISED = [name for name in LOGGED if KINDS[name].entry != HASHEDREKORD_V2]
OTHER_STATEMENT = STATEMENT | {"subject": [{"name": "other.tar.gz", "digest": {"sha256": "cd" * 32}}]}
VERIFIED = "evidence.verified"

Change = Callable[[dict[str, Any]], object]


def make(name: str, *, statement: dict[str, Any] = STATEMENT, file: bytes = FILE, at: datetime = NOON, by: Formats = FORMATS) -> bytes:
    """Return true evidence of the kind called `name`."""
    return by.make(KINDS[name], statement, WORKLOAD, at, file=file)


def judge(raw: bytes, name: str = "envelope-v2", *, trust: TrustMaterial | None = None, received_at: datetime = NOON) -> Assessment:
    """Return the assessment under the profile of that kind."""
    return assess_evidence(raw, trust=trust or FORMATS.trust(KINDS[name].profile), received_at=received_at)


def code(raw: bytes, name: str = "envelope-v2", **more: Any) -> str:
    """Return the code that evidence comes to: `VERIFIED`, or that of its refusal."""
    return judge(raw, name, **more).code


def material(value: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = value["verificationMaterial"]
    return found


def proof(value: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = material(value)["tlogEntries"][0]["inclusionProof"]
    return found


def tokens(value: dict[str, Any]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = material(value)["timestampVerificationData"]["rfc3161Timestamps"]
    return found


def signature_of(raw: bytes) -> bytes:
    value = json.loads(raw)
    content = value["dsseEnvelope"]["signatures"][0]["sig"] if "dsseEnvelope" in value else value["messageSignature"]["signature"]
    return base64.b64decode(content)


def flip(text: str, position: int = 0) -> str:
    """Return base64 text of the same length over bytes that differ in one bit of one byte."""
    raw = bytearray(base64.b64decode(text))
    raw[position] ^= 1
    return base64.b64encode(bytes(raw)).decode()


def refused_alone(raw: bytes, change: Change, name: str, *, wanted: str, **more: Any) -> None:
    """Assert that `raw` is verified as it is, and refused with `wanted` once `change` is made to it."""
    assert code(raw, name, **more) == VERIFIED
    assert code(changed(raw, change), name, **more) == wanted


__all__ = [
    "FORMATS",
    "IN_TOTO_PAYLOAD_TYPE",
    "KINDS",
    "LOGGED",
    "OTHER_STATEMENT",
    "PROMISED",
    "VERIFIED",
    "Change",
    "Kind",
    "code",
    "flip",
    "judge",
    "make",
    "material",
    "proof",
    "refused_alone",
    "signature_of",
    "tokens",
]
