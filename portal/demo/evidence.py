"""What is said about a release, statement by statement: SLSA provenance, tests, bills of materials, scans, VEX, and what a rollout brings along."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from portal.demo.instance import Workload, build_provenance
from portal.demo.people import CYCLONEDX, GIT, SCAN, SPDX, VEX, repository_id_of
from portal.demo.policies import TEST_RESULT
from portal.demo.small_sample import CI_ISSUER
from proofs.comparison.deployment import DEPLOYMENT_TYPE
from proofs.moment import rfc3339
from proofs.statement import STATEMENT_V1


def hex_of(*parts: object, length: int = 64) -> str:
    """Return made-up but steady hex digits for something with a name."""
    return hashlib.sha256(" ".join(map(str, parts)).encode()).hexdigest()[:length]


def spki_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the public key of a key."""
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


@dataclass(frozen=True)
class Runner:
    """A program that acts for a rollout, as a deployment statement names it."""

    issuer: str
    subject: str
    name: str
    scopes: tuple[str, ...]
    step: str = "deploy"


@dataclass(frozen=True)
class Release:
    """One version of an image, and everything that evidence tells of it."""

    project: str
    image: str
    version: str
    commit: str
    since: str
    packages: tuple[str, ...]
    direct: tuple[str, ...] = ()
    base: str = "debian:12"
    authors: tuple[tuple[str, tuple[str, ...]], ...] = (("bob", ("noor",)),)
    paths: tuple[str, ...] = ("src/app.py",)
    runners: tuple[Runner, ...] = ()
    secrets: tuple[tuple[str, str, int | None], ...] = ()
    changes: tuple[int, int, int, tuple[str, ...]] = (0, 2, 0, ())
    suites: int = 3
    findings: dict[str, str] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    is_cyclonedx: bool = False
    workflow: str = "release"
    digest: str = ""

    @property
    def hex(self) -> str:
        """The SHA-256 of the image."""
        return self.digest or hex_of("image", self.image, self.version)

    @property
    def name(self) -> str:
        """What the image is called."""
        return f"{self.image}:{self.version}"

    @property
    def subjects(self) -> tuple[tuple[str, str], ...]:
        return ((self.name, self.hex),)

    def with_(self, **changes: Any) -> Release:
        """Return the same release with something else in it."""
        return replace(self, **changes)


def workload_of(release: Release, workflow: str) -> Workload:
    """Return the run of a workflow that made, or tested, a release."""
    repository, ref = f"{GIT}/{release.project}", f"refs/tags/v{release.version}"
    return Workload(
        identity=f"{repository}/.github/workflows/{workflow}.yml@{ref}",
        repository=repository,
        commit=release.commit,
        ref=ref,
        issuer=CI_ISSUER,
        repository_id=repository_id_of(release.project),
        run_id=str(int(hex_of(release.name, workflow, length=6), 16)),
    )


def provenance(release: Release, workload: Workload) -> dict[str, Any]:
    """SLSA provenance with the source, the base image and the tools it was made from."""
    statement = build_provenance(workload, release.subjects)
    inputs = statement["predicate"]["buildDefinition"]["resolvedDependencies"]
    inputs.append({"uri": f"pkg:docker/library/{release.base}", "digest": {"sha256": hex_of("base", release.base)}})
    inputs.append({"uri": "pkg:generic/python@3.12.8", "digest": {"sha256": hex_of("python 3.12.8")}})
    return statement


def tests(release: Release) -> dict[str, Any]:
    """What the test workflow found."""
    names = ("unit", "integration", "contract", "load")[: release.suites]
    predicate = {
        "result": "PASSED",
        "configuration": [{"name": "test.yml", "digest": {"gitCommit": release.commit}}],
        "passedTests": list(names),
    }
    return _about(release, TEST_RESULT, predicate)


def bill(release: Release) -> dict[str, Any]:
    """The bill of materials, as SPDX 2.3 or CycloneDX 1.6."""
    if release.is_cyclonedx:
        listed = [{"type": "library", "bom-ref": url, "name": _name_of(url), "purl": url} for url in release.packages]
        graph = [{"ref": "app", "dependsOn": list(release.direct)}]
        component = {"component": {"bom-ref": "app", "type": "application", "name": release.image}}
        bom = {"bomFormat": "CycloneDX", "specVersion": "1.6", "metadata": component, "components": listed, "dependencies": graph}
        return _about(release, CYCLONEDX, bom)
    ids = {url: f"SPDXRef-{number}" for number, url in enumerate(release.packages)}
    packages = [
        {"SPDXID": ids[url], "name": _name_of(url), "externalRefs": [{"referenceType": "purl", "referenceLocator": url}]}
        for url in release.packages
    ]
    relations = [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-app"}]
    relations += [
        {"spdxElementId": "SPDXRef-app", "relationshipType": "DEPENDS_ON", "relatedSpdxElement": ids[url]} for url in release.direct
    ]
    document = {
        "spdxVersion": "SPDX-2.3",
        "name": release.name,
        "packages": [{"SPDXID": "SPDXRef-app", "name": release.image}, *packages],
        "relationships": relations,
    }
    return _about(release, SPDX, document)


def scan(release: Release, at: datetime) -> dict[str, Any]:
    """What a scanner found."""
    found = [{"id": number, "severity": [{"method": "nvd", "score": word}]} for number, word in release.findings.items()]
    scanner = {"uri": "pkg:generic/acme-scan@4.1", "version": "4.1", "db": {"lastUpdate": rfc3339(at)}, "result": found}
    return _about(release, SCAN, {"scanner": scanner, "metadata": {"scanStartedOn": rfc3339(at), "scanFinishedOn": rfc3339(at)}})


def vex(release: Release, at: datetime) -> dict[str, Any]:
    """What security answers to the findings."""
    said = [{"vulnerability": {"name": number}, "status": word} for number, word in release.answers.items()]
    document = {"@context": "https://openvex.dev/ns/v0.2.0", "@id": f"urn:acme:vex:{release.name}", "author": "Acme security"}
    return _about(release, VEX, {**document, "timestamp": rfc3339(at), "version": 1, "statements": said})


def deployment(release: Release, environment: str) -> dict[str, Any]:
    """What a rollout to an environment brings along: commits, identities, secrets, and what its plan changes."""
    create, update, destroy, destroyed = release.changes
    commits = [
        {
            "id": release.commit if number == 0 else hex_of(release.commit, number, length=40),
            "author": author,
            "reviewedBy": list(reviewers),
            "signed": True,
            "paths": list(release.paths),
        }
        for number, (author, reviewers) in enumerate(release.authors)
    ]
    predicate = {
        "environment": environment,
        **({"since": release.since} if release.since else {}),
        "commits": commits,
        "identities": [
            {"issuer": each.issuer, "subject": each.subject, "name": each.name, "step": each.step, "scopes": list(each.scopes)}
            for each in release.runners
        ],
        "secrets": [{"path": path, "access": access, "rotationDays": days} for path, access, days in release.secrets],
        "changes": {"create": create, "update": update, "destroy": destroy, "destroyed": list(destroyed)},
    }
    return _about(release, DEPLOYMENT_TYPE, predicate)


def _about(release: Release, predicate_type: str, predicate: dict[str, Any]) -> dict[str, Any]:
    subject = [{"name": name, "digest": {"sha256": digest}} for name, digest in release.subjects]
    return {"_type": STATEMENT_V1, "subject": subject, "predicateType": predicate_type, "predicate": predicate}


def _name_of(url: str) -> str:
    return url.partition("@")[0].rpartition("/")[2]
