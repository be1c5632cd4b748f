"""Layers that cosign put beside an image before it wrote bundles: attestations (`.att`) and signatures (`.sig`). The argument for one:

1. It is the layer's descriptor out of the manifest, with the blob as its `data` (as OCI allows), and blob, `digest` and `size` are one.
2. The annotations hold a certificate (or none, where a key signed) and the log's signed promise, each in exactly one form.
3. It is a Sigstore bundle of version 0.1 in other clothes, without an inclusion proof, and verifies as one (`proofs.sigstore.bundle`).
4. Signature: what was signed is cosign's own payload about one image, named by its SHA-256. That image is the subject.

Everything in annotations is unsigned: a chain is a hint, a `predicateType` or any other annotation is read by nobody.
Not checked: that a registry keeps the layer beside the image it is about, and the `docker-reference`, which the signer merely says.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from proofs.canonical import parse_json
from proofs.digest import parse_digest, sha256_hex
from proofs.dsse import parse_envelope
from proofs.encoding import b64_decode, b64_encode
from proofs.errors import Malformed, Refusal, TooLarge, Unproven
from proofs.sigstore.bundle_shape import MAX_CERTIFICATES, MAX_CHAIN, Bundle, parse_bundle
from proofs.sigstore.shape import demand_fields, demand_object
from proofs.statement import MAX_CLAIMED, Statement, Subject, is_plain_text, parse_statement

ATTESTATION_TYPE = "application/vnd.dsse.envelope.v1+json"
SIGNATURE_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json"
IMAGE_SIGNATURE = "cosign container image signature"
MAX_ANNOTATIONS = 64
# What stands in all objects and lists of a blob or an annotation together; real ones have a dozen.
MAX_MEMBERS = 1024

_CODE = "cosign.malformed"
_BUNDLE_OF_THEN = "application/vnd.dev.sigstore.bundle+json;version=0.1"
_CERTIFICATE, _CHAIN, _PROMISE = "dev.sigstore.cosign/certificate", "dev.sigstore.cosign/chain", "dev.sigstore.cosign/bundle"
_STAMP, _SIGNATURE = "dev.sigstore.cosign/rfc3161timestamp", "dev.cosignproject.cosign/signature"
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----\n([A-Za-z0-9+/=\n]++)-----END CERTIFICATE-----\n*")
# What may stand in one annotation of certificates: as many bytes as they have together, as text, with room for line ends.
_MAX_PEM = 2 * MAX_CERTIFICATES


def is_layer(value: object) -> bool:
    """Whether a JSON value is meant to be a layer of cosign with its blob."""
    return isinstance(value, dict) and value.get("mediaType") in (ATTESTATION_TYPE, SIGNATURE_TYPE) and "annotations" in value


def parse_layer(unverified: dict[str, Any]) -> tuple[Bundle, bytes]:
    """Read a layer as the bundle it is, and return it with the blob; refuses with `cosign.*` or as `parse_bundle` does. Verifies nothing."""
    blob, annotations = _read_descriptor(unverified)
    is_attestation = unverified["mediaType"] == ATTESTATION_TYPE
    material, content = _material(annotations), _content(blob, annotations, is_attestation=is_attestation)
    # 3. From here on it is a bundle of version 0.1, and is verified as one.
    bundle = parse_bundle({"mediaType": _BUNDLE_OF_THEN, "verificationMaterial": material, **content})
    # Cosign had the whole envelope stamped, signature and all, where a bundle has the signature stamped.
    return replace(bundle, stamped=blob if is_attestation else None), blob


def read_image_signature(payload: bytes) -> Statement:
    """Return what a verified signature over an image states: that there is an image with this digest, and who signed calls it so.

    Refuses with `cosign.payload`, `evidence.unsupported_payload` or a `json.*` code. The claims under `optional` are not read.
    """
    # 4. Cosign's own payload, about one image.
    code = "cosign.payload"
    value = demand_fields(parse_json(payload, max_members=MAX_MEMBERS), {"critical", "optional"}, code=code, what="the signed payload")
    critical = demand_object(value, "critical", {"identity", "image", "type"}, code=code)
    if critical["type"] != IMAGE_SIGNATURE:
        raise Unproven(
            "evidence.unsupported_payload", f"got a payload of type {str(critical['type'])[:80]!r}, expected {IMAGE_SIGNATURE!r}"
        )
    # Readers that ignore case would find a second digest under another spelling of the name; an unknown name is refused here.
    name = demand_object(critical, "identity", {"docker-reference"}, code=code)["docker-reference"]
    image = demand_object(critical, "image", {"docker-manifest-digest"}, code=code)["docker-manifest-digest"]
    if not is_plain_text(name) or not isinstance(image, str) or not isinstance(value["optional"], dict | None):
        raise Malformed(
            code, "expected a plain docker-reference, the digest of an image as text, and an object or null for what is optional"
        )
    try:
        digest = parse_digest(image)
    except Refusal as refusal:
        raise Malformed(code, f"the image that was signed is not named by a digest: {refusal.reason}") from refusal
    return Statement(IMAGE_SIGNATURE, (Subject(name, (digest,)),), SIGNATURE_TYPE, {})


def claimed_statement(unverified: dict[str, Any]) -> Statement:
    """Return what a layer claims to state, unverified; refuses as the readers above do."""
    blob, annotations = _read_descriptor(unverified)
    if unverified["mediaType"] == SIGNATURE_TYPE:
        return read_image_signature(blob)
    return parse_statement(
        parse_envelope(_content(blob, annotations, is_attestation=True)["dsseEnvelope"]).payload, max_members=MAX_CLAIMED
    )


def _read_descriptor(unverified: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
    # 1. The descriptor of a blob that is here.
    fields = demand_fields(unverified, {"mediaType", "digest", "size", "data", "annotations"}, code=_CODE, what="the layer")
    blob = b64_decode(fields["data"], code=_CODE, what="the layer's data")
    if fields["digest"] != f"sha256:{sha256_hex(blob)}" or type(fields["size"]) is not int or fields["size"] != len(blob):
        raise Unproven(
            "cosign.blob", f"the layer's data is not the blob of digest {str(fields['digest'])[:80]!r} and size {fields['size']!r:.40}"
        )
    annotations = fields["annotations"]
    if not isinstance(annotations, dict) or not all(isinstance(value, str) for value in annotations.values()):
        raise Malformed(_CODE, "expected the annotations to be an object of texts")
    if len(annotations) > MAX_ANNOTATIONS:
        raise TooLarge("cosign.too_many_annotations", f"got {len(annotations)} annotations, expected at most {MAX_ANNOTATIONS}")
    return blob, annotations


def _content(blob: bytes, annotations: dict[str, str], *, is_attestation: bool) -> dict[str, Any]:
    signature = annotations.get(_SIGNATURE, "")
    if is_attestation:
        # The signature stands in the envelope; one in the annotation as well would be a second one that nobody verifies.
        if signature:
            raise Malformed(_CODE, f"got a signature in {_SIGNATURE} beside an envelope, expected it empty")
        return {"dsseEnvelope": parse_json(blob, max_members=MAX_MEMBERS)}
    if not signature:
        raise Unproven("cosign.unsigned", f"got a signature layer without {_SIGNATURE}, expected the signature there")
    digest = {"algorithm": "SHA2_256", "digest": b64_encode(bytes.fromhex(sha256_hex(blob)))}
    return {"messageSignature": {"messageDigest": digest, "signature": signature}}


def _material(annotations: dict[str, str]) -> dict[str, Any]:
    # 2. Who signed, and when, each in one form.
    signer = _certificates(annotations.get(_CERTIFICATE, ""), "the certificate")
    chain = _certificates(annotations.get(_CHAIN, ""), "the chain")
    if len(signer) > 1 or (chain and not signer):
        raise Malformed(_CODE, f"got {len(signer)} certificates of the signer, expected one, and a chain only above one")
    material: dict[str, Any] = {"publicKey": {"hint": ""}}
    if signer:
        material = {"x509CertificateChain": {"certificates": signer + chain}}
    if annotations.get(_PROMISE):
        material["tlogEntries"] = [_entry(annotations[_PROMISE])]
    if annotations.get(_STAMP):
        token = demand_fields(_read(annotations[_STAMP]), {"SignedRFC3161Timestamp"}, code=_CODE, what="the timestamp")
        stamp = {"signedTimestamp": token["SignedRFC3161Timestamp"]}
        material["timestampVerificationData"] = {"rfc3161Timestamps": [stamp]}
    return material


def _entry(unverified_text: str) -> dict[str, Any]:
    """Return the log entry that cosign's own bundle of then stands for, with the kind its body says it has."""
    promise = demand_fields(_read(unverified_text), {"SignedEntryTimestamp", "Payload"}, code=_CODE, what=_PROMISE)
    payload = demand_object(promise, "Payload", {"body", "integratedTime", "logIndex", "logID"}, code=_CODE)
    log_id, body = payload["logID"], payload["body"]
    if not isinstance(log_id, str) or not re.fullmatch(r"[0-9a-f]{64}", log_id):
        raise Malformed(_CODE, "expected the log to be named by 64 hexadecimal digits")
    entry = parse_json(b64_decode(body, code=_CODE, what="the entry's body"), max_members=MAX_MEMBERS)
    if not isinstance(entry, dict):
        raise Malformed(_CODE, "expected the entry's body to be an object")
    return {
        "logIndex": payload["logIndex"],
        "logId": {"keyId": b64_encode(bytes.fromhex(log_id))},
        "kindVersion": {"kind": entry.get("kind"), "version": entry.get("apiVersion")},
        "integratedTime": payload["integratedTime"],
        "inclusionPromise": {"signedEntryTimestamp": promise["SignedEntryTimestamp"]},
        "canonicalizedBody": body,
    }


def _read(unverified_text: str) -> Any:
    return parse_json(unverified_text.encode(), max_members=MAX_MEMBERS)


def _certificates(unverified_text: str, what: str) -> list[dict[str, str]]:
    """Return the certificates in a text of PEM blocks and nothing else; none for an empty text."""
    if len(unverified_text) > _MAX_PEM:
        size = len(unverified_text)
        raise TooLarge("bundle.certificate_too_large", f"got {what} of {size} characters, expected at most {_MAX_PEM}")
    found, position = [], 0
    while position < len(unverified_text):
        block = _PEM.match(unverified_text, position)
        if block is None:
            raise Malformed(_CODE, f"got {what} with something else than PEM blocks of certificates")
        found.append({"rawBytes": block[1].replace("\n", "")})
        if len(found) > MAX_CHAIN:
            raise TooLarge("bundle.too_many_certificates", f"got more than {MAX_CHAIN} certificates in {what}")
        position = block.end()
    return found
