"""Layers as cosign wrote them beside an image, made from true bundles of the instance."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from proofs.canonical import canonical_bytes
from proofs.sigstore.cosign_layer import ATTESTATION_TYPE, IMAGE_SIGNATURE, SIGNATURE_TYPE
from tests.proofs.formats import b64

IMAGE = "sha256:" + "ab" * 32
CERTIFICATE, CHAIN, PROMISE = "dev.sigstore.cosign/certificate", "dev.sigstore.cosign/chain", "dev.sigstore.cosign/bundle"
STAMP, SIGNATURE = "dev.sigstore.cosign/rfc3161timestamp", "dev.cosignproject.cosign/signature"


def image_payload(digest: str = IMAGE, **critical: Any) -> bytes:
    """Return what cosign signs for an image; `critical` replaces parts of it."""
    whole = {
        "identity": {"docker-reference": "ghcr.io/acme/payments"},
        "image": {"docker-manifest-digest": digest},
        "type": IMAGE_SIGNATURE,
    }
    return canonical_bytes({"critical": {**whole, **critical}, "optional": None})


def pem(raw: str) -> str:
    """Return base64 of DER as a PEM block."""
    lines = "\n".join(raw[start : start + 64] for start in range(0, len(raw), 64))
    return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"


def layer_of(bundle: bytes, *, blob: bytes | None = None, chain: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the layer that holds what the bundle holds, all but the inclusion proof. `blob` is what was signed, for a signature."""
    value = json.loads(bundle)
    material = value["verificationMaterial"]
    annotations = {"predicateType": "whatever anybody wrote here"}
    if "dsseEnvelope" in value:
        blob, media_type = json.dumps(value["dsseEnvelope"]).encode(), ATTESTATION_TYPE
        annotations[SIGNATURE] = ""
    else:
        media_type = SIGNATURE_TYPE
        annotations[SIGNATURE] = value["messageSignature"]["signature"]
    assert blob is not None
    if "certificate" in material:
        annotations[CERTIFICATE] = pem(material["certificate"]["rawBytes"])
        annotations[CHAIN] = "".join(pem(each) for each in chain)
    for entry in material.get("tlogEntries", ()):
        payload = {
            "body": entry["canonicalizedBody"],
            "integratedTime": int(entry["integratedTime"]),
            "logIndex": int(entry["logIndex"]),
            "logID": base64.b64decode(entry["logId"]["keyId"]).hex(),
        }
        annotations[PROMISE] = json.dumps({"SignedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"], "Payload": payload})
    return descriptor(media_type, blob, annotations)


def descriptor(media_type: str, blob: bytes, annotations: dict[str, str]) -> dict[str, Any]:
    """Return an OCI descriptor with its blob in it."""
    digest = f"sha256:{hashlib.sha256(blob).hexdigest()}"
    return {"mediaType": media_type, "digest": digest, "size": len(blob), "data": b64(blob), "annotations": annotations}
