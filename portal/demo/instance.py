"""A Sigstore-like instance in memory: certificate authority, certificate log and transparency log, with real keys.

What it signs verifies against its own trust root exactly as real bundles do against theirs. It can also lie (`Lie`), one
untruth at a time, which is what the tests of the verifier use. Nobody outside should ever trust it: whoever holds the object
can be any workflow.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from proofs.canonical import canonical_bytes
from proofs.dsse import IN_TOTO_PAYLOAD_TYPE, pae
from proofs.merkle import build_inclusion_proof, leaf_hash, node_hash, subtree_root
from proofs.moment import rfc3339
from proofs.sigstore.bundle_shape import BUNDLE_MEDIA_TYPE
from proofs.sigstore.log_body import DSSE_ENTRY, INTOTO_ENTRY
from proofs.sigstore.trust_root import MEDIA_TYPE
from proofs.sigstore.usual_form import FULCIO
from proofs.statement import STATEMENT_V1

GITHUB_ISSUER = "https://token.actions.githubusercontent.com"
BUILD_TYPE = "https://actions.github.io/buildtypes/workflow/v1"
LOG_HOST = "rekor.factory.example"

_SCT_LIST = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_PLACEHOLDER_SCT_LIST = b"\x04\x02\x00\x00"
_LIFETIME = timedelta(minutes=10)
_DER, _SPKI = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo


class Lie(Enum):
    """One untruth each; everything else about the bundle stays true."""

    STRANGERS_AUTHORITY = auto()
    CERTIFICATE_EXPIRED = auto()
    CERTIFICATE_FOR_SERVERS = auto()
    CERTIFICATE_FOR_TWO = auto()
    CERTIFICATE_FOR_NOBODY = auto()
    CERTIFICATE_OF_AN_AUTHORITY = auto()
    UNKNOWN_CRITICAL_EXTENSION = auto()
    TWO_ISSUERS = auto()
    SCT_MISSING = auto()
    SCT_BY_STRANGER = auto()
    SCT_FORGED = auto()
    SIGNED_BY_ANOTHER_KEY = auto()
    ENTRY_OF_ANOTHER_STATEMENT = auto()
    ENTRY_OF_ANOTHER_SIGNATURE = auto()
    ENTRY_OF_ANOTHER_CERTIFICATE = auto()
    LOG_OF_A_STRANGER = auto()
    PROMISE_FORGED = auto()
    CHECKPOINT_FORGED = auto()
    CHECKPOINT_OF_ANOTHER_TREE = auto()
    PROOF_OF_ANOTHER_LEAF = auto()


@dataclass(frozen=True, slots=True)
class Workload:
    """The workflow run a certificate is issued to, as an identity token would describe it."""

    identity: str
    repository: str
    commit: str
    ref: str
    issuer: str = GITHUB_ISSUER
    repository_id: str = "1001"
    owner_id: str = "501"
    trigger: str = "push"
    run_id: str = "7001"
    runner_environment: str = "github-hosted"
    visibility: str = "public"

    @property
    def run_url(self) -> str:
        return f"{self.repository}/actions/runs/{self.run_id}/attempts/1"

    def fulcio_claims(self) -> dict[int, str]:
        name, owner = self.repository.split("/", 3)[3], self.repository.rsplit("/", 1)[0]
        workflow = self.identity.rpartition("/")[2].partition("@")[0]
        by_number = (
            ((1, 8), self.issuer),
            ((2, 20), self.trigger),
            ((3, 10, 13, 19), self.commit),
            ((4,), workflow),
            ((5,), name),
            ((6, 14), self.ref),
            ((9, 18), self.identity),
            ((11,), self.runner_environment),
            ((12,), self.repository),
            ((15,), self.repository_id),
            ((16,), owner),
            ((17,), self.owner_id),
            ((21,), self.run_url),
            ((22,), self.visibility),
        )
        return {number: text for numbers, text in by_number for number in numbers}


def build_provenance(workload: Workload, subjects: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return the SLSA v1 provenance a truthful builder would sign for `subjects` (name, SHA-256 hex)."""
    workflow_path = workload.identity.removeprefix(workload.repository + "/").partition("@")[0]
    return {
        "_type": STATEMENT_V1,
        "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in subjects],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {"workflow": {"ref": workload.ref, "repository": workload.repository, "path": workflow_path}},
                "internalParameters": {"github": {"event_name": workload.trigger, "runner_environment": workload.runner_environment}},
                "resolvedDependencies": [{"uri": f"git+{workload.repository}@{workload.ref}", "digest": {"gitCommit": workload.commit}}],
            },
            "runDetails": {"builder": {"id": workload.identity}, "metadata": {"invocationId": workload.run_url}},
        },
    }


class Instance:
    """An authority, a certificate log and a transparency log that came to life a year before `seed_time`."""

    def __init__(self, seed_time: datetime) -> None:
        self.born_at = seed_time.replace(microsecond=0) - timedelta(days=365)
        self._ends_at = self.born_at + timedelta(days=3650)
        self._root_key, self._ca_key, self._ct_key, self._log_key, self._stranger = (_new_key() for _ in range(5))
        root_name, ca_name = _name("factory root"), _name("factory intermediate")
        self._root = self._issue_authority(root_name, self._root_key, root_name, self._root_key, path_length=1)
        self._ca = self._issue_authority(ca_name, self._ca_key, root_name, self._root_key, path_length=0)
        self._leaves: list[bytes] = []

    def trusted_root(
        self, *, log_until: datetime | None = None, ct_until: datetime | None = None, ca_until: datetime | None = None
    ) -> bytes:
        """Return the bytes of this instance's `trusted_root.json`; the `…_until` times end the trust in one of its parts."""

        def log(key: ec.EllipticCurvePrivateKey, host: str, until: datetime | None) -> dict[str, Any]:
            return {
                "baseUrl": f"https://{host}",
                "hashAlgorithm": "SHA2_256",
                "publicKey": {"rawBytes": _b64(_spki(key)), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": self._window(until)},
                "logId": {"keyId": _b64(_log_id(key))},
            }

        chain = [{"rawBytes": _b64(certificate.public_bytes(_DER))} for certificate in (self._ca, self._root)]
        subject = {"organization": "factory.example", "commonName": "factory intermediate"}
        document = {
            "mediaType": MEDIA_TYPE,
            "tlogs": [log(self._log_key, LOG_HOST, log_until)],
            "certificateAuthorities": [
                {
                    "subject": subject,
                    "uri": "https://fulcio.factory.example",
                    "certChain": {"certificates": chain},
                    "validFor": self._window(ca_until),
                }
            ],
            "ctlogs": [log(self._ct_key, "ct.factory.example", ct_until)],
            "timestampAuthorities": [],
        }
        return json.dumps(document, indent=1).encode()

    def sign_statement(
        self,
        statement: dict[str, Any],
        *,
        identity: str,
        repository: str,
        commit: str,
        ref: str,
        at: datetime,
        issuer: str = GITHUB_ISSUER,
        lies: Collection[Lie] = (),
        payload_type: str = IN_TOTO_PAYLOAD_TYPE,
        **more: str,
    ) -> bytes:
        """Return a v0.3 bundle over `statement`, signed at `at`; `more` are further fields of `Workload`."""
        workload = Workload(identity, repository, commit, ref, issuer=issuer, **more)
        return self.sign_as(workload, statement, at=at, lies=lies, payload_type=payload_type)

    def sign_as(
        self,
        workload: Workload,
        statement: dict[str, Any],
        *,
        at: datetime,
        lies: Collection[Lie] = (),
        payload_type: str = IN_TOTO_PAYLOAD_TYPE,
        entry_kind: tuple[str, str] = DSSE_ENTRY,
    ) -> bytes:
        """Return a v0.3 bundle over `statement`, signed by `workload` at `at` and logged as `entry_kind`, with each of `lies` told."""
        at = at.replace(microsecond=0)
        key, payload = _new_key(), json.dumps(statement).encode()
        issued_at = at - 2 * _LIFETIME if Lie.CERTIFICATE_EXPIRED in lies else at - timedelta(seconds=1)
        certificate = self._issue_certificate(key.public_key(), workload, issued_at, lies)
        signer = self._stranger if Lie.SIGNED_BY_ANOTHER_KEY in lies else key
        signature = _sign(signer, pae(payload_type, payload))
        body = _entry_body(entry_kind, payload_type, *self._logged(payload, signature, certificate, lies))
        bundle = {
            "mediaType": BUNDLE_MEDIA_TYPE,
            "verificationMaterial": {
                "certificate": {"rawBytes": _b64(certificate.public_bytes(_DER))},
                "tlogEntries": [self._log_entry(entry_kind, body, at, lies)],
            },
            "dsseEnvelope": {"payload": _b64(payload), "payloadType": payload_type, "signatures": [{"sig": _b64(signature)}]},
        }
        return json.dumps(bundle).encode()

    def _window(self, until: datetime | None) -> dict[str, str]:
        return {"start": rfc3339(self.born_at)} | ({"end": rfc3339(until)} if until else {})

    def _issue_authority(
        self,
        name: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        issuer: x509.Name,
        issuer_key: ec.EllipticCurvePrivateKey,
        *,
        path_length: int,
    ) -> x509.Certificate:
        builder = _certificate(name, key.public_key(), issuer, issuer_key, self.born_at, self._ends_at)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        return builder.add_extension(_usage(signs_certificates=True), critical=True).sign(issuer_key, hashes.SHA256())

    def _issue_certificate(
        self, public_key: ec.EllipticCurvePublicKey, workload: Workload, issued_at: datetime, lies: Collection[Lie]
    ) -> x509.Certificate:
        ca_key = self._stranger if Lie.STRANGERS_AUTHORITY in lies else self._ca_key
        builder = _certificate(x509.Name([]), public_key, self._ca.subject, ca_key, issued_at, issued_at + _LIFETIME)
        is_authority = Lie.CERTIFICATE_OF_AN_AUTHORITY in lies
        builder = builder.add_extension(_usage(signs_certificates=is_authority), critical=True)
        if is_authority:
            builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        purpose = ExtendedKeyUsageOID.SERVER_AUTH if Lie.CERTIFICATE_FOR_SERVERS in lies else ExtendedKeyUsageOID.CODE_SIGNING
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(workload.identity)]
        if Lie.CERTIFICATE_FOR_TWO in lies:
            names.append(x509.UniformResourceIdentifier("https://github.com/somebody/else/.github/workflows/build.yml@refs/heads/main"))
        if Lie.CERTIFICATE_FOR_NOBODY in lies:
            names = [x509.DNSName("build.factory.example")]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=True)
        for number, text in workload.fulcio_claims().items():
            stated = "https://issuer.example" if number == 1 and Lie.TWO_ISSUERS in lies else text
            value = stated.encode() if number <= 6 else _utf8_string(stated)
            builder = builder.add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier(f"{FULCIO}{number}"), value), critical=False)
        if Lie.UNKNOWN_CRITICAL_EXTENSION in lies:
            unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")
            builder = builder.add_extension(unknown, critical=True)
        if Lie.SCT_MISSING in lies:
            return builder.sign(ca_key, hashes.SHA256())
        # The promise covers the certificate without the promise: issue once to learn those bytes, then for good.
        draft = _with_scts(builder, _PLACEHOLDER_SCT_LIST).sign(ca_key, hashes.SHA256())
        return _with_scts(builder, self._sct_list(draft.tbs_precertificate_bytes, issued_at, lies)).sign(ca_key, hashes.SHA256())

    def _sct_list(self, tbs: bytes, at: datetime, lies: Collection[Lie]) -> bytes:
        key = self._stranger if Lie.SCT_BY_STRANGER in lies else self._ct_key
        milliseconds = (int(at.timestamp()) * 1000).to_bytes(8, "big")
        issuer_hash = hashlib.sha256(_spki(self._ca_key)).digest()
        signed_tbs = b"another certificate" if Lie.SCT_FORGED in lies else tbs
        signed = b"\x00\x00" + milliseconds + b"\x00\x01" + issuer_hash + len(signed_tbs).to_bytes(3, "big") + signed_tbs + b"\x00\x00"
        signature = _sign(key, signed)
        sct = b"\x00" + _log_id(key) + milliseconds + b"\x00\x00" + b"\x04\x03" + len(signature).to_bytes(2, "big") + signature
        listed = len(sct).to_bytes(2, "big") + sct
        content = len(listed).to_bytes(2, "big") + listed
        return _der(0x04, content)

    def _logged(self, payload: bytes, signature: bytes, certificate: x509.Certificate, lies: Collection[Lie]) -> tuple[bytes, bytes, bytes]:
        """Return what the log is told: payload, signature, and certificate as PEM."""
        if Lie.ENTRY_OF_ANOTHER_STATEMENT in lies:
            payload = b"another payload"
        if Lie.ENTRY_OF_ANOTHER_SIGNATURE in lies:
            signature = _sign(self._stranger, payload)
        shown = self._ca if Lie.ENTRY_OF_ANOTHER_CERTIFICATE in lies else certificate
        return payload, signature, shown.public_bytes(serialization.Encoding.PEM)

    def _log_entry(self, kind: tuple[str, str], body: bytes, at: datetime, lies: Collection[Lie]) -> dict[str, Any]:
        key = self._stranger if Lie.LOG_OF_A_STRANGER in lies else self._log_key
        self._leaves.append(leaf_hash(body))
        index, size = len(self._leaves) - 1, len(self._leaves)
        root = subtree_root(self._node, 0, size)
        promised = {"body": _b64(body), "integratedTime": int(at.timestamp()), "logID": _log_id(key).hex(), "logIndex": index}
        if Lie.PROOF_OF_ANOTHER_LEAF in lies:
            self._leaves[index] = leaf_hash(b"another entry")
            root = subtree_root(self._node, 0, size)
        noted_root = hashlib.sha256(b"another tree").digest() if Lie.CHECKPOINT_OF_ANOTHER_TREE in lies else root
        note = f"{LOG_HOST} - 4001\n{size}\n{_b64(noted_root)}\n"
        note_signature = _sign(self._stranger if Lie.CHECKPOINT_FORGED in lies else key, note.encode())
        promise = _sign(self._stranger if Lie.PROMISE_FORGED in lies else key, canonical_bytes(promised))
        return {
            "logIndex": str(index),
            "logId": {"keyId": _b64(_log_id(key))},
            "kindVersion": {"kind": kind[0], "version": kind[1]},
            "integratedTime": str(promised["integratedTime"]),
            "inclusionPromise": {"signedEntryTimestamp": _b64(promise)},
            "inclusionProof": {
                "logIndex": str(index),
                "rootHash": _b64(root),
                "treeSize": str(size),
                "hashes": [_b64(item) for item in build_inclusion_proof(self._node, index, size)],
                "checkpoint": {"envelope": f"{note}\n— {LOG_HOST} {_b64(_log_id(key)[:4] + note_signature)}\n"},
            },
            "canonicalizedBody": _b64(body),
        }

    def _node(self, level: int, index: int) -> bytes:
        if level == 0:
            return self._leaves[index]
        return node_hash(self._node(level - 1, 2 * index), self._node(level - 1, 2 * index + 1))


def _entry_body(kind: tuple[str, str], payload_type: str, payload: bytes, signature: bytes, verifier: bytes) -> bytes:
    payload_hash = {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()}
    envelope_hash = {"algorithm": "sha256", "value": hashlib.sha256(payload + signature).hexdigest()}
    signed, shown = _b64(signature), _b64(verifier)
    spec: dict[str, Any] = {
        "envelopeHash": envelope_hash,
        "payloadHash": payload_hash,
        "signatures": [{"signature": signed, "verifier": shown}],
    }
    if kind == INTOTO_ENTRY:
        logged_envelope = {"payloadType": payload_type, "signatures": [{"publicKey": shown, "sig": _b64(signed.encode())}]}
        spec = {"content": {"envelope": logged_envelope, "hash": envelope_hash, "payloadHash": payload_hash}}
    return canonical_bytes({"apiVersion": kind[1], "kind": kind[0], "spec": spec})


def claim_builder(statement: dict[str, Any], builder_id: str) -> dict[str, Any]:
    """Return the provenance with another builder in it: the lie that no signature reveals."""
    predicate = statement["predicate"]
    run = predicate["runDetails"] | {"builder": {"id": builder_id}}
    return statement | {"predicate": predicate | {"runDetails": run}}


def _certificate(
    subject: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    start: datetime,
    end: datetime,
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public_key)
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(end)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    return builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _with_scts(builder: x509.CertificateBuilder, scts: bytes) -> x509.CertificateBuilder:
    return builder.add_extension(x509.UnrecognizedExtension(_SCT_LIST, scts), critical=False)


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "factory.example"), x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    )


def _utf8_string(text: str) -> bytes:
    return _der(0x0C, text.encode())


def _der(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + content


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _sign(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    return key.sign(message, ec.ECDSA(hashes.SHA256()))


def _spki(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(_DER, _SPKI)


def _log_id(key: ec.EllipticCurvePrivateKey) -> bytes:
    return hashlib.sha256(_spki(key)).digest()


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
