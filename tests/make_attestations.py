"""Plain makers of evidence: a key of the test's own, statements, envelopes, and attestations received with them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.utils import timezone

from attestations.drain import drain
from attestations.models import Attestation, TrustRoot, Verdict
from attestations.queries import latest_verdict
from attestations.receive import receive_attestation
from attestations.trust.roots import add_trust_root
from identities.models import Identity
from identities.register import register_nonhuman, register_signer
from portal.demo.instance import Instance, Workload
from proofs.digest import sha256_hex
from proofs.dsse import IN_TOTO_PAYLOAD_TYPE, build_envelope, pae
from proofs.keys import key_id_of
from tests import cast
from tests.retell import retold

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
PROVENANCE = "https://slsa.dev/provenance/v1"
PRODUCTION_ROOT = "trust/sigstore-production.json"
GENUINE = "slsa/bcr_MODULE.bazel.intoto.jsonl"
WRONG_SIGNER = "slsa/bcr_MODULE-wrong-signer.bazel.intoto.jsonl"


@dataclass(frozen=True)
class Signer:
    """A P-256 key that signs DSSE envelopes."""

    private: ec.EllipticCurvePrivateKey

    @property
    def spki(self) -> bytes:
        return self.private.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)

    @property
    def pem(self) -> bytes:
        return self.private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def sign(self, payload: bytes, *, payload_type: str = IN_TOTO_PAYLOAD_TYPE) -> bytes:
        signature = self.private.sign(pae(payload_type, payload), ec.ECDSA(hashes.SHA256()))
        return json.dumps(build_envelope(payload, signature, key_hint=key_id_of(self.spki), payload_type=payload_type)).encode()


def make_signer() -> Signer:
    return Signer(ec.generate_private_key(ec.SECP256R1()))


def artifact_digest(name: str) -> str:
    """The digest of an artifact that has this name and nothing else."""
    return sha256_hex(name.encode())


def make_statement(*names: str, predicate_type: str = "https://example.test/check/v1", predicate: dict[str, Any] | None = None) -> bytes:
    """An in-toto statement about artifacts of these names."""
    subjects = [{"name": name, "digest": {"sha256": artifact_digest(name)}} for name in names or ("payments-api.tar",)]
    value = {"_type": "https://in-toto.io/Statement/v1", "subject": subjects, "predicateType": predicate_type, "predicate": predicate or {}}
    return json.dumps(value).encode()


@retold
def register_key(signer: Signer, *, name: str = "scan service", now: datetime = cast.NOW) -> Identity:
    """A service of bob's that signs evidence with this key."""
    identity = register_nonhuman(
        kind="service",
        name=name,
        issuer="https://ci.example",
        subject=name,
        owner=cast.bob(),
        team=cast.payments(),
        purpose="Signs what it checked",
        by=None,
        now=now,
    )
    register_signer(identity=identity, public_key_pem=signer.pem, by=None, now=now)
    cast.let_attest(identity, now=now)
    return identity


@retold
def make_attestation(content: bytes, *, by: Identity | None = None, now: datetime = NOW) -> Attestation:
    """Receive evidence, sent by the runner unless told."""
    return receive_attestation(content=content, by=by or cast.runner(), now=now)[0]


def verify_now(attestation: Attestation) -> Verdict:
    """Let the worker's own function verify everything that waits, and return this attestation's verdict."""
    drain(clock=timezone.now, limit=100)
    verdict = latest_verdict(attestation)
    assert verdict is not None
    return verdict


@retold
def trust_instance(*, now: datetime = NOW) -> Instance:
    """Trust a synthetic Sigstore-like instance, and return it to sign with."""
    instance = Instance(now)
    add_trust_root(name="Factory", document=instance.trusted_root(), profile=None, by=None, now=cast.NOW)
    return instance


def runner_workload(*, ref: str = "refs/heads/main", commit: str = "c0ffee" + "0" * 34) -> Workload:
    """A run of the cast's release workflow."""
    return Workload(f"{cast.WORKFLOW}@{ref}", "https://github.com/payments/api", commit, ref, issuer=cast.GITHUB_ISSUER)


@retold
def trust_production(vectors: Path) -> TrustRoot:
    """Trust the public Sigstore instance."""
    document = (vectors / PRODUCTION_ROOT).read_bytes()
    return add_trust_root(name="Sigstore public good", document=document, profile=None, by=None, now=cast.NOW)
