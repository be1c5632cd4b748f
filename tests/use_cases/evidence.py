"""The evidence of the stories: real bundles that other projects published, or our own instance's where those are absent."""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from portal.demo.instance import GITHUB_ISSUER, Instance, Workload, build_provenance, claim_builder

VECTORS = Path(os.environ.get("COUNTERSIGN_VECTORS") or Path(__file__).resolve().parents[3] / "shared" / "vectors")


@dataclass(frozen=True)
class ReleaseEvidence:
    """A genuine bundle about one artifact, a liar's bundle about the same one, and what a policy expects of them."""

    trust_root: bytes
    genuine: bytes
    liar: bytes
    artifact_digest: str
    artifact_name: str
    workflow: str
    repository: str
    liar_workflow: str

    @property
    def tampered(self) -> bytes:
        """The genuine bundle with one byte of its payload changed."""
        bundle = json.loads(self.genuine)
        payload = bytearray(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
        place = payload.index(b"sha256") + len(b'sha256":"')
        payload[place] = ord("1") if payload[place] == ord("0") else ord("0")
        bundle["dsseEnvelope"]["payload"] = base64.b64encode(bytes(payload)).decode()
        return json.dumps(bundle).encode()


def release_evidence() -> ReleaseEvidence:
    """Return real GitHub Actions bundles where the vectors are there, and synthetic ones of the same shape otherwise."""
    return _published() if VECTORS.is_dir() else _synthetic()


def _published() -> ReleaseEvidence:
    rows = {row["id"]: row for row in json.loads((VECTORS / "manifest.json").read_text())["rows"]}
    row, lying = rows["slsa/bcr-module-bazel"], rows["slsa/bcr-module-bazel-wrong-signer"]
    return ReleaseEvidence(
        trust_root=(VECTORS / row["files"]["trusted_root"]).read_bytes(),
        genuine=(VECTORS / row["files"]["evidence"]).read_bytes(),
        liar=(VECTORS / lying["files"]["evidence"]).read_bytes(),
        artifact_digest=row["inputs"]["artifact_digest"]["sha256"],
        artifact_name=row["inputs"]["artifact_name"],
        workflow=row["inputs"]["signer_workflow"],
        repository=row["inputs"]["source_repository"],
        liar_workflow=lying["expected"]["facts"]["signer_identity"],
    )


def _synthetic() -> ReleaseEvidence:
    at = datetime.now(UTC) - timedelta(minutes=30)
    instance = Instance(at)
    digest, name = "06" * 32, "MODULE.bazel"
    repository = "https://github.com/payments/api"
    workflow = f"{repository}/.github/workflows/release.yml"
    builder = Workload(f"{workflow}@refs/tags/v1.4.2", repository, "b" * 40, "refs/tags/v1.4.2")
    fork = "https://github.com/intern/fork"
    stranger = Workload(f"{fork}/.github/workflows/build.yml@refs/heads/main", fork, "9" * 40, "refs/heads/main")
    lie = claim_builder(build_provenance(stranger, [(name, digest)]), builder.identity)
    return ReleaseEvidence(
        trust_root=instance.trusted_root(),
        genuine=instance.sign_as(builder, build_provenance(builder, [(name, digest)]), at=at),
        liar=instance.sign_as(stranger, lie, at=at),
        artifact_digest=digest,
        artifact_name=name,
        workflow=workflow,
        repository=repository,
        liar_workflow=stranger.identity,
    )


def setup_files(folder: Path, evidence: ReleaseEvidence) -> Path:
    """Write what `manage.py bootstrap` reads into `folder`, and return the setup file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "trusted_root.json").write_bytes(evidence.trust_root)
    (folder / "policy.yaml").write_text(f"""\
schema: countersign-policy/v1
id: release-production
version: "1"
title: Releases to production
minimumAssurance: H2
validityHours: 72
rules:
  - id: provenance
    kind: evidence
    title: Built by the release workflow from the reviewed repository
    predicateTypes: ["https://slsa.dev/provenance/v1"]
    registeredSigner: true
    builders:
      - {{issuer: "{GITHUB_ISSUER}", workflow: "{evidence.workflow}"}}
    sources:
      - {{repository: "{evidence.repository}"}}
  - {{id: release-approval, kind: approvals, title: One release approver, role: "approver:release", count: 1}}
  - {{id: four-eyes, kind: separation-of-duties, title: Whoever asks does not approve, requesterMayApprove: false}}
""")
    setup = folder / "setup.yaml"
    setup.write_text("""\
team: {slug: payments, name: Payments}
project: {slug: payments-api, name: Payments API}
environments:
  - {slug: production, name: Production, tier: 3}
  - {slug: staging, name: Staging, tier: 1}
administrator: {username: dave, name: Dave Lind, passwordFile: password}
policyOwners:
  - {username: dave, name: Dave Lind, passwordFile: password}
policy: policy.yaml
trustRoot: {name: Sigstore, file: trusted_root.json}
""")
    return setup
