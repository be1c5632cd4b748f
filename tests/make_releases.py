"""Releases with everything a review compares: provenance, tests, bills of materials, scans, and what a rollout brings along, really signed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from approvals.models import Request
from approvals.requests.snapshot import read_snapshot
from attestations.blobs import bytes_of
from identities.models import Grant
from proofs.comparison.deployment import DEPLOYMENT_TYPE
from proofs.statement import STATEMENT_V1
from tests import cast
from tests import make_approvals as make
from tests.retell import retold

SPDX = "https://spdx.dev/Document/v2.3"
CYCLONEDX = "https://cyclonedx.org/bom/v1.6"
SCAN = "https://in-toto.io/attestation/vulns/v0.2"
VEX = "https://openvex.dev/ns/v0.2.0"
FIRST, SECOND = "1.4.1", "1.4.2"
COMMIT = {FIRST: "a1" * 20, SECOND: "b2" * 20}
RUNNER = {
    "issuer": "https://token.actions.githubusercontent.com",
    "subject": cast.WORKFLOW,
    "name": "release workflow",
    "step": "deploy",
    "scopes": ["deploy"],
}


def spdx(*packages: str, direct: tuple[str, ...] = ()) -> dict[str, Any]:
    """An SPDX 2.3 document of these package URLs; the artifact itself depends on those in `direct`."""
    listed = [
        {"SPDXID": f"SPDXRef-{number}", "name": url, "externalRefs": [{"referenceType": "purl", "referenceLocator": url}]}
        for number, url in enumerate(packages)
    ]
    ids = {url: f"SPDXRef-{number}" for number, url in enumerate(packages)}
    relations = [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-root"}]
    relations += [{"spdxElementId": "SPDXRef-root", "relationshipType": "DEPENDS_ON", "relatedSpdxElement": ids[url]} for url in direct]
    return {"spdxVersion": "SPDX-2.3", "packages": [{"SPDXID": "SPDXRef-root", "name": "app"}, *listed], "relationships": relations}


def cyclonedx(*packages: str) -> dict[str, Any]:
    """A CycloneDX 1.6 document of these package URLs."""
    return {"specVersion": "1.6", "components": [{"bom-ref": url, "name": url, "purl": url} for url in packages]}


def scan(**severities: str) -> dict[str, Any]:
    """An in-toto scan with these findings: CVE number to severity."""
    found = [
        {"id": f"CVE-{name.removeprefix('CVE_').replace('_', '-')}", "severity": [{"method": "nvd", "score": word}]}
        for name, word in severities.items()
    ]
    return {"scanner": {"uri": "pkg:github/scanner", "result": found}}


def vex(**statuses: str) -> dict[str, Any]:
    """An OpenVEX document with these answers: CVE number to status."""
    said = [
        {"vulnerability": {"name": f"CVE-{name.removeprefix('CVE_').replace('_', '-')}"}, "status": word} for name, word in statuses.items()
    ]
    return {"author": "security", "timestamp": "2026-03-01T10:00:00Z", "version": 1, "statements": said}


def rollout(**fields: Any) -> dict[str, Any]:
    """A deployment predicate."""
    return fields


@retold
def send_about(stage: make.Stage, predicate_type: str, predicate: dict[str, Any], *, tag: str, now: datetime = make.NOW) -> None:
    """Send what the release workflow says about an image, as a type it may attest."""
    runner = cast.runner(now=now)
    if not Grant.objects.filter(identity=runner, object=predicate_type).exists():
        cast.let_attest(runner, predicate_type, now=now)
    statement = {
        "_type": STATEMENT_V1,
        "subject": [{"name": f"payments/api:{tag}", "digest": {"sha256": make.image(tag).partition(":")[2]}}],
        "predicateType": predicate_type,
        "predicate": predicate,
    }
    make.send(stage.instance.sign_as(stage.workload, statement, at=now), now=now)


@retold
def release(
    stage: make.Stage, tag: str, *, now: datetime = make.NOW, workload: dict[str, Any] | None = None, **said: dict[str, Any]
) -> Request:
    """Send provenance of an image and what else is said of it (`spdx`, `cyclonedx`, `scan`, `vex`, `rollout`), and ask for its release."""
    make.send_provenance(stage, tag=tag, now=now, **{"commit": COMMIT.get(tag, "c3" * 20), **(workload or {})})
    types = {"spdx": SPDX, "cyclonedx": CYCLONEDX, "scan": SCAN, "vex": VEX, "rollout": DEPLOYMENT_TYPE}
    for name, predicate in said.items():
        send_about(stage, types[name], predicate, tag=tag, now=now)
    return make.ask(tag=tag, now=now)


@retold
def approved(stage: make.Stage, **said: dict[str, Any]) -> Request:
    """The release before, approved by Alice."""
    request = release(stage, FIRST, **said)
    make.approve(request, cast.alice())
    return request


def later(minutes: int = 30) -> datetime:
    """A while after the release before."""
    return make.NOW + timedelta(minutes=minutes)


def comparison_of(request: Request) -> dict[str, Any]:
    """What the newest page of a request says changed."""
    revision = request.revisions.order_by("-number").first()
    assert revision is not None
    compared: dict[str, Any] = read_snapshot(bytes_of(revision.snapshot))["comparison"]
    return compared


def area_of(request: Request, area: str) -> dict[str, Any]:
    """One row of it."""
    found: dict[str, Any] = next(row for row in comparison_of(request)["areas"] if row["area"] == area)
    return found


def signals_of(request: Request) -> list[str]:
    """The ids of its signals, in their order."""
    return [signal["id"] for signal in comparison_of(request)["signals"]]
