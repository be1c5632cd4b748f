"""The small sample: a team, its CI, real signed evidence, one release that waits for approval and one lie. `manage.py demo --small` makes it."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from approvals.bootstrap import Beginning, FirstEnvironment, FirstPerson, Setup, bootstrap
from approvals.path.receive_observations import receive_observations
from approvals.requests.open_request import AskedArtifact, open_request
from attestations.drain import drain
from attestations.receive import receive_attestation
from identities.grants.grant_right import grant_right
from identities.issue import issue_credential
from identities.models import Environment, Grant, Identity, Project, RoleAssignment
from identities.people.roles import grant_role
from identities.register import register_nonhuman, register_person, register_signer
from ledger.publish import publish_checkpoint
from portal.demo.accounts import ACCOUNTS, demo_password
from portal.demo.instance import Instance, Workload, build_provenance, claim_builder
from proofs.moment import rfc3339
from proofs.statement import STATEMENT_V1

CI_ISSUER = "https://ci.acme.example"
REPOSITORY = "https://git.acme.example/acme/payments-api"
REPOSITORY_ID = "710001"
COMMIT = "b7e2f4a9c05d8e1f3a6b7c8d9e0f1a2b3c4d5e6f"
TAG = "refs/tags/v1.4.2"
PROVENANCE_V1 = "https://slsa.dev/provenance/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
SET_UP_BEFORE = timedelta(days=14)
CREDENTIAL_LIFE = timedelta(days=60)
POLICY_FILE = Path(__file__).with_name("policy.yaml")


def make_small_sample(*, now: datetime) -> None:
    """Make four people, two workflows and the two releases that wait. The caller has made the portal's keys."""
    instance = Instance(now)
    # Set up before anything was built, as in life.
    since = now - SET_UP_BEFORE
    beginning = begin(instance, since)
    people = register_accounts(beginning, since)
    release, test = _register_workflows(beginning, people["bob"], since)
    _send_clean_evidence(instance, release, test, now)
    send_lie(instance, release, now)
    while drain(clock=lambda: now, limit=20):
        pass
    ask_for_waiting(beginning.project, beginning.environments[0], release, people["bob"], now)
    _watch_registry(beginning, people["bob"], now)
    publish_checkpoint(now=now)


def image_digest(tag: str) -> str:
    """Return the SHA-256 hex of the sample image called `tag`."""
    return hashlib.sha256(f"sample image payments-api {tag}".encode()).hexdigest()


def begin(instance: Instance, now: datetime) -> Beginning:
    """Bootstrap the portal of the Payments team."""
    dave = FirstPerson("dave", ACCOUNTS["dave"][0], demo_password("dave"))
    setup = Setup(
        team=("payments", "Payments"),
        project=("payments-api", "Payments API"),
        environments=(FirstEnvironment("production", "Production", 3), FirstEnvironment("staging", "Staging", 1)),
        administrator=dave,
        policy_owners=(dave,),
        policy_source=POLICY_FILE.read_text(),
        trust_root_name="Demo instance (not public Sigstore)",
        trust_root=instance.trusted_root(),
    )
    return bootstrap(setup=setup, now=now)


def register_accounts(beginning: Beginning, now: datetime) -> dict[str, Identity]:
    """Register the people beside dave who can sign in, by username."""
    roles = {"alice": RoleAssignment.Role.APPROVER_RELEASE, "bob": RoleAssignment.Role.REQUESTER, "carol": RoleAssignment.Role.AUDITOR}
    people = {}
    for username, role in roles.items():
        person = register_person(
            name=ACCOUNTS[username][0],
            username=username,
            password=demo_password(username),
            team=beginning.team,
            by=None,
            now=now,
        )
        grant_role(identity=person, role=role, team=beginning.team, by=None, now=now)
        people[username] = person
    return people


def _register_workflows(beginning: Beginning, owner: Identity, now: datetime) -> tuple[Identity, Identity]:
    """Register the release and the test workflow, each known by the certificate identity its runs get, and what it may attest."""
    registered = []
    for workflow, purpose, predicate_type in (
        ("release.yml", "Builds and releases payments-api", PROVENANCE_V1),
        ("test.yml", "Tests payments-api", TEST_RESULT),
    ):
        address = f"{REPOSITORY}/.github/workflows/{workflow}"
        identity = register_nonhuman(
            kind=Identity.Kind.WORKFLOW,
            name=f"payments-api {workflow}",
            issuer=CI_ISSUER,
            subject=address,
            purpose=purpose,
            owner=owner,
            team=beginning.team,
            by=None,
            now=now,
        )
        register_signer(
            identity=identity,
            certificate_issuer=CI_ISSUER,
            certificate_identity=address,
            any_ref=True,
            by=None,
            now=now,
        )
        grant_right(
            identity=identity,
            right=Grant.Right.ATTEST,
            object=predicate_type,
            project=beginning.project,
            reason=purpose,
            by=None,
            now=now,
        )
        issue_credential(
            identity=identity, scopes=["attestations:write", "requests:write"], expires_at=now + CREDENTIAL_LIFE, by=None, now=now
        )
        registered.append(identity)
    return registered[0], registered[1]


def _send_clean_evidence(instance: Instance, release: Identity, test: Identity, now: datetime) -> None:
    built_at = now - timedelta(minutes=42)
    build, tests = _workload("release.yml"), _workload("test.yml", run_id="9913")
    genuine = (("payments-api:1.4.2", image_digest("1.4.2")),)
    receive_attestation(content=instance.sign_as(build, build_provenance(build, genuine), at=built_at), by=release, now=now)
    receive_attestation(content=instance.sign_as(tests, _test_result(genuine), at=built_at), by=test, now=now)


def send_lie(instance: Instance, release: Identity, now: datetime) -> None:
    """Send for the worker's 1.4.3 a statement that names our workflow as its builder and was signed by another."""
    stranger = Workload(
        identity="https://git.acme.example/intern/fork/.github/workflows/build.yml@refs/heads/main",
        repository="https://git.acme.example/intern/fork",
        commit="9b0800a2e136cb7c321bfdf49f73d0425e501cc3",
        ref="refs/heads/main",
        issuer=CI_ISSUER,
        repository_id="990042",
        run_id="14",
    )
    lie = claim_builder(build_provenance(stranger, (("payments-worker:1.4.3", image_digest("1.4.3")),)), _workload("release.yml").identity)
    receive_attestation(content=instance.sign_as(stranger, lie, at=now - timedelta(minutes=42)), by=release, now=now)


def _workload(workflow: str, run_id: str = "9912") -> Workload:
    return Workload(
        identity=f"{REPOSITORY}/.github/workflows/{workflow}@{TAG}",
        repository=REPOSITORY,
        commit=COMMIT,
        ref=TAG,
        issuer=CI_ISSUER,
        repository_id=REPOSITORY_ID,
        run_id=run_id,
    )


def _test_result(subjects: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    return {
        "_type": STATEMENT_V1,
        "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in subjects],
        "predicateType": TEST_RESULT,
        "predicate": {
            "result": "PASSED",
            "configuration": [{"name": "test.yml", "digest": {"gitCommit": COMMIT}}],
            "passedTests": ["412 tests"],
        },
    }


def ask_for_waiting(project: Project, environment: Environment, release: Identity, bob: Identity, now: datetime) -> None:
    """Ask for the release of 1.4.2, and of the worker's 1.4.3."""
    # Two images, so that the later question does not take the place of the earlier one.
    for image, tag, note in (
        ("payments-api", "1.4.2", "Adds the CSV export job for finance. Rollback: previous digest, tested in staging."),
        ("payments-worker", "1.4.3", "Urgent fix, please approve quickly."),
    ):
        open_request(
            project=project,
            environment=environment,
            title=f"{image} {tag}",
            note=note,
            artifacts=[AskedArtifact(f"sha256:{image_digest(tag)}", f"{image}:{tag}")],
            by=release,
            on_behalf_of=bob.user.username,
            now=now,
        )


def _watch_registry(beginning: Beginning, owner: Identity, now: datetime) -> None:
    """Tell that the registry has 1.4.2; the artifact's page says whether that is what was approved, once it is."""
    since = now - SET_UP_BEFORE
    watcher = register_nonhuman(
        kind=Identity.Kind.SERVICE,
        name="registry watcher",
        issuer="https://watch.acme.example",
        subject="registry",
        purpose="Tells what the registry has",
        owner=owner,
        team=beginning.team,
        by=None,
        now=since,
    )
    issue_credential(identity=watcher, scopes=["observations:write"], expires_at=since + CREDENTIAL_LIFE, by=None, now=since)
    seen = {
        "kind": "registry",
        "location": "registry.acme.example/payments-api",
        "reference": "1.4.2",
        "digest": f"sha256:{image_digest('1.4.2')}",
        "observedAt": rfc3339(now - timedelta(minutes=12)),
    }
    receive_observations(unverified=seen, by=watcher, now=now)
