"""The instance of the factory with everything newer and odder: Rekor v2, timestamps, keys, bare files, no log at all."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from portal.demo.instance import Instance, Workload
from proofs.canonical import canonical_bytes
from proofs.dsse import IN_TOTO_PAYLOAD_TYPE, pae
from proofs.evidence import TrustMaterial
from proofs.keys import RegisteredKey, load_spki
from proofs.merkle import build_inclusion_proof, leaf_hash, node_hash, subtree_root
from proofs.moment import rfc3339
from proofs.sigstore.bundle_shape import BUNDLE_MEDIA_TYPE
from proofs.sigstore.log_body import DSSE_ENTRY, HASHEDREKORD, HASHEDREKORD_V2, INTOTO_ENTRY
from proofs.sigstore.trust_root import parse_trust_root
from tests.proofs.stamper import Stamper

V2_HOST = "log2026-1.rekor.factory.example"
FILE = b"the bytes of a file"
PROFILES = {"default": {"tlog": 1, "tsa": 0, "sct": 1}, "private": {"tlog": 0, "tsa": 1, "sct": 0}}


@dataclass(frozen=True)
class Kind:
    """A kind of bundle: what is signed, who signs, how it is logged, and how often it is stamped."""

    content: str = "envelope"
    signer: str = "certificate"
    entry: tuple[str, str] | None = HASHEDREKORD_V2
    stamps: int = 1
    profile: str = "default"


KINDS = {
    "envelope-v2": Kind(),
    "file-v2": Kind(content="file"),
    "file-v1": Kind(content="file", entry=HASHEDREKORD, stamps=0),
    "file-v1-stamped": Kind(content="file", entry=HASHEDREKORD),
    "envelope-dsse-stamped": Kind(entry=DSSE_ENTRY),
    "envelope-intoto": Kind(entry=INTOTO_ENTRY, stamps=0),
    "key-file-v1": Kind(content="file", signer="key", entry=HASHEDREKORD, stamps=0),
    "key-file-v2": Kind(content="file", signer="key"),
    "key-envelope-v2": Kind(signer="key"),
    "key-envelope-dsse": Kind(signer="key", entry=DSSE_ENTRY, stamps=0),
    "private-envelope": Kind(entry=None, profile="private"),
    "private-file": Kind(content="file", entry=None, profile="private"),
}


class Formats(Instance):
    """An `Instance` with a Rekor v2 log, a timestamp authority and a registered key beside what it has."""

    def __init__(self, seed_time: datetime) -> None:
        super().__init__(seed_time)
        self.stamper = Stamper(self.born_at)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.log2_key = ed25519.Ed25519PrivateKey.generate()
        self._leaves2: list[bytes] = []

    def document(
        self, *, stampers: tuple[Stamper, ...] | None = None, log2_until: datetime | None = None, stampers_until: datetime | None = None
    ) -> bytes:
        """Return the trusted root with the Rekor v2 log and the timestamp authorities in it."""
        value = json.loads(self.trusted_root())
        raw = self.log2_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        window = {"start": rfc3339(self.born_at)} | ({"end": rfc3339(log2_until)} if log2_until else {})
        value["tlogs"].append(
            {
                "baseUrl": f"https://{V2_HOST}",
                "hashAlgorithm": "SHA2_256",
                "publicKey": {"rawBytes": b64(raw), "keyDetails": "PKIX_ED25519", "validFor": window},
                "logId": {"keyId": b64(self.log2_id())},
            }
        )
        end = rfc3339(stampers_until) if stampers_until else None
        value["timestampAuthorities"] = [stamper.member(rfc3339(self.born_at), end) for stamper in (stampers or (self.stamper,))]
        return json.dumps(value).encode()

    def trust(self, profile: str | dict[str, int] = "default", *, registered: RegisteredKey | None = None, **changes: Any) -> TrustMaterial:
        """Return what somebody trusts who trusts this instance and its registered key."""
        wanted = PROFILES[profile] if isinstance(profile, str) else profile
        root = parse_trust_root(self.document(**changes), profile=wanted)
        return TrustMaterial((root,), (registered or RegisteredKey(load_spki(self.spki()), self.born_at),))

    def spki(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def log2_id(self) -> bytes:
        raw = self.log2_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return hashlib.sha256(V2_HOST.encode() + b"\n\x01" + raw).digest()

    def make(self, kind: Kind, statement: dict[str, Any], workload: Workload, at: datetime, *, file: bytes = FILE) -> bytes:
        """Return a bundle of this kind, signed at `at`, in which everything is true."""
        payload, own = json.dumps(statement).encode(), ec.generate_private_key(ec.SECP256R1())
        signed = file if kind.content == "file" else pae(IN_TOTO_PAYLOAD_TYPE, payload)
        key = self.key if kind.signer == "key" else own
        signature = key.sign(signed, ec.ECDSA(hashes.SHA256()))
        material: dict[str, Any] = {}
        if kind.signer == "key":
            material["publicKey"] = {"hint": "any"}
            pem = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            shown = {"keyDetails": "PKIX_ECDSA_P256_SHA_256", "publicKey": {"rawBytes": b64(self.spki())}}
        else:
            certificate = self._issue_certificate(own.public_key(), workload, at, ())
            der = certificate.public_bytes(Encoding.DER)
            material["certificate"], pem = {"rawBytes": b64(der)}, certificate.public_bytes(Encoding.PEM)
            shown = {"keyDetails": "PKIX_ECDSA_P256_SHA_256", "x509Certificate": {"rawBytes": b64(der)}}
        if kind.entry is not None:
            material["tlogEntries"] = [self._entry(kind, payload, file, signed, signature, pem, shown, at)]
        if kind.stamps:
            tokens = [{"signedTimestamp": b64(self.stamper.token(signature, at))} for _ in range(kind.stamps)]
            material["timestampVerificationData"] = {"rfc3161Timestamps": tokens}
        content: dict[str, Any] = {
            "dsseEnvelope": {"payload": b64(payload), "payloadType": IN_TOTO_PAYLOAD_TYPE, "signatures": [{"sig": b64(signature)}]}
        }
        if kind.content == "file":
            digest = {"algorithm": "SHA2_256", "digest": b64(hashlib.sha256(file).digest())}
            content = {"messageSignature": {"messageDigest": digest, "signature": b64(signature)}}
        return json.dumps({"mediaType": BUNDLE_MEDIA_TYPE, "verificationMaterial": material, **content}).encode()

    def _entry(
        self, kind: Kind, payload: bytes, file: bytes, signed: bytes, signature: bytes, pem: bytes, shown: dict[str, Any], at: datetime
    ) -> dict[str, Any]:
        assert kind.entry is not None
        if kind.entry == HASHEDREKORD_V2:
            data = {"algorithm": "SHA2_256", "digest": b64(hashlib.sha256(signed).digest())}
            spec: dict[str, Any] = {"hashedRekordV002": {"data": data, "signature": {"content": b64(signature), "verifier": shown}}}
            return self._entry_v2(canonical_bytes({"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": spec}))
        hashed = {"algorithm": "sha256", "value": hashlib.sha256(file if kind.content == "file" else payload).hexdigest()}
        if kind.entry == HASHEDREKORD:
            spec = {"data": {"hash": hashed}, "signature": {"content": b64(signature), "publicKey": {"content": b64(pem)}}}
        elif kind.entry == DSSE_ENTRY:
            spec = {"envelopeHash": hashed, "payloadHash": hashed, "signatures": [{"signature": b64(signature), "verifier": b64(pem)}]}
        else:
            signer = {"publicKey": b64(pem), "sig": b64(b64(signature).encode())}
            envelope = {"payloadType": IN_TOTO_PAYLOAD_TYPE, "signatures": [signer]}
            spec = {"content": {"envelope": envelope, "hash": hashed, "payloadHash": hashed}}
        return self._log_entry(kind.entry, canonical_bytes({"apiVersion": kind.entry[1], "kind": kind.entry[0], "spec": spec}), at, ())

    def _entry_v2(self, body: bytes) -> dict[str, Any]:
        self._leaves2.append(leaf_hash(body))
        index, size = len(self._leaves2) - 1, len(self._leaves2)
        root = subtree_root(self._node2, 0, size)
        note = f"{V2_HOST}\n{size}\n{b64(root)}\n"
        signed = b64(self.log2_id()[:4] + self.log2_key.sign(note.encode()))
        witness = b64(b"\x01\x02\x03\x04" + bytes(72))
        return {
            "logIndex": str(index),
            "logId": {"keyId": b64(self.log2_id())},
            "kindVersion": {"kind": "hashedrekord", "version": "0.0.2"},
            "inclusionProof": {
                "logIndex": str(index),
                "rootHash": b64(root),
                "treeSize": str(size),
                "hashes": [b64(item) for item in build_inclusion_proof(self._node2, index, size)],
                "checkpoint": {"envelope": f"{note}\n— witness.example {witness}\n— {V2_HOST} {signed}\n"},
            },
            "canonicalizedBody": b64(body),
        }

    def _node2(self, level: int, index: int) -> bytes:
        if level == 0:
            return self._leaves2[index]
        return node_hash(self._node2(level - 1, 2 * index), self._node2(level - 1, 2 * index + 1))


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def as_pep740(bundle: bytes) -> dict[str, Any]:
    """Return a bundle in the clothes of PEP 740."""
    value = json.loads(bundle)
    material, envelope = value["verificationMaterial"], value["dsseEnvelope"]
    return {
        "version": 1,
        "verification_material": {"certificate": material["certificate"]["rawBytes"], "transparency_entries": material["tlogEntries"]},
        "envelope": {"statement": envelope["payload"], "signature": envelope["signatures"][0]["sig"]},
    }
