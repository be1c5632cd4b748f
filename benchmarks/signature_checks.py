"""The signature checks that no verifier of a bundle can leave out, as bare calls: same keys, same messages, same sizes.

Their sum is the limit that verification is measured against. Everything they need is prepared beforehand, and each is tried once, so
that what is timed is the arithmetic alone. Read from the bundle at hand by the libraries, not by the code that is measured, but for
the two formats that only we read here (timestamps and the trust root).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from proofs.sigstore.timestamp import parse_timestamp
from proofs.sigstore.trust_root import TrustRoot, parse_trust_root

Check = Callable[[], object]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HASH_OF_SIGNATURE = {"2a8648ce3d040302": hashes.SHA256(), "2a8648ce3d040303": hashes.SHA384(), "2a8648ce3d040304": hashes.SHA512()}


def unavoidable_checks(content: bytes, trusted_root: bytes) -> dict[str, Check]:
    """Return the checks of a bundle signed by certificate, named by what they prove and the kind of key. Each one holds."""
    bundle, trust_root = json.loads(content), parse_trust_root(trusted_root)
    leaf = _leaf(bundle["verificationMaterial"])
    issuing = _issuing(leaf, trust_root)
    checks = {
        "certificate by authority": _check(issuing.public_key(), leaf.signature, leaf.tbs_certificate_bytes, leaf.signature_hash_algorithm),
        **dict(_scts(leaf, issuing, trust_root)),
        **dict(_logged(bundle["verificationMaterial"], trust_root)),
        "content by signer": _content(bundle, leaf.public_key()),
        **dict(_stamped(bundle["verificationMaterial"], trust_root)),
    }
    for check, _ in checks.values():
        check()
    return {f"{name} ({kind})": check for name, (check, kind) in checks.items()}


def together(checks: dict[str, Check]) -> Check:
    """Return all checks as one call."""
    listed = tuple(checks.values())

    def run() -> None:
        for check in listed:
            check()

    return run


def _check(key: Any, signature: bytes, message: bytes, algorithm: Any) -> tuple[Check, str]:
    verify = key.verify
    if isinstance(key, ed25519.Ed25519PublicKey):
        return (lambda: verify(signature, message)), "Ed25519"
    if isinstance(key, rsa.RSAPublicKey):
        raise ValueError("no bundle measured here is signed with RSA")
    signing = ec.ECDSA(algorithm)
    return (lambda: verify(signature, message, signing)), {"secp256r1": "P-256", "secp384r1": "P-384"}[key.curve.name]


def _leaf(material: dict[str, Any]) -> x509.Certificate:
    shown = material.get("certificate") or material["x509CertificateChain"]["certificates"][0]
    return x509.load_der_x509_certificate(base64.b64decode(shown["rawBytes"]))


def _issuing(leaf: x509.Certificate, trust_root: TrustRoot) -> x509.Certificate:
    """Return the certificate right above the leaf: what stands above that one is known beforehand."""
    return next(authority.chain[0] for authority in trust_root.authorities if authority.chain[0].subject == leaf.issuer)


def _scts(leaf: x509.Certificate, issuing: x509.Certificate, trust_root: TrustRoot) -> Iterator[tuple[str, tuple[Check, str]]]:
    listed = leaf.extensions.get_extension_for_class(x509.PrecertificateSignedCertificateTimestamps).value
    issuer_key = hashlib.sha256(issuing.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    tbs = leaf.tbs_precertificate_bytes
    for number, sct in enumerate(listed):
        key = next(log.key for log in trust_root.certificate_logs if log.log_id == sct.log_id)
        milliseconds = (sct.timestamp.replace(tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)
        more = sct.extension_bytes
        message = b"\x00\x00" + milliseconds.to_bytes(8, "big") + b"\x00\x01" + issuer_key + len(tbs).to_bytes(3, "big") + tbs
        message += len(more).to_bytes(2, "big") + more
        yield f"certificate by its log {number + 1}", _check(load_der_public_key(key.spki), sct.signature, message, hashes.SHA256())


def _logged(material: dict[str, Any], trust_root: TrustRoot) -> Iterator[tuple[str, tuple[Check, str]]]:
    for entry in material.get("tlogEntries", []):
        log_id = base64.b64decode(entry["logId"]["keyId"])
        key = load_der_public_key(next(log.key.spki for log in trust_root.logs if log.log_id == log_id))
        promise = entry.get("inclusionPromise")
        if promise is not None:
            promised = {"body": entry["canonicalizedBody"], "integratedTime": int(entry["integratedTime"])}
            promised |= {"logID": log_id.hex(), "logIndex": int(entry["logIndex"])}
            message = json.dumps(promised, separators=(",", ":")).encode()
            yield "promise of the log", _check(key, base64.b64decode(promise["signedEntryTimestamp"]), message, hashes.SHA256())
        head, _, tail = entry["inclusionProof"]["checkpoint"]["envelope"].partition("\n\n")
        signatures = [base64.b64decode(line.rpartition(" ")[2]) for line in tail.splitlines()]
        signature = next(blob[4:] for blob in signatures if blob[:4] == log_id[:4])
        yield "checkpoint of the log", _check(key, signature, f"{head}\n".encode(), hashes.SHA256())


def _content(bundle: dict[str, Any], key: Any) -> tuple[Check, str]:
    if "dsseEnvelope" in bundle:
        envelope = bundle["dsseEnvelope"]
        payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"]
        message = b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)
        return _check(key, base64.b64decode(envelope["signatures"][0]["sig"]), message, hashes.SHA256())
    signed = bundle["messageSignature"]
    digest = base64.b64decode(signed["messageDigest"]["digest"])
    return _check(key, base64.b64decode(signed["signature"]), digest, Prehashed(hashes.SHA256()))


def _stamped(material: dict[str, Any], trust_root: TrustRoot) -> Iterator[tuple[str, tuple[Check, str]]]:
    for number, item in enumerate((material.get("timestampVerificationData") or {}).get("rfc3161Timestamps", [])):
        token = parse_timestamp(base64.b64decode(item["signedTimestamp"].replace("\n", "")))
        certificates = [authority.chain[0] for authority in trust_root.timestamp_authorities]
        key = next(certificate.public_key() for certificate in certificates if certificate.serial_number == token.serial)
        algorithm = _HASH_OF_SIGNATURE[token.signature_algorithm.hex()]
        yield f"timestamp {number + 1}", _check(key, token.signature, token.signed_attributes, algorithm)
