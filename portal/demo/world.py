"""The software factory of the demo at work: what its programs send and its people do, each by the act that pages and programs call too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from approvals.models import Approval, Request
from approvals.requests.open_request import AskedArtifact, open_request
from attestations.drain import drain
from attestations.receive import receive_attestation
from gates.decide import decide
from gates.models import Decision
from identities.models import Environment, Identity, Project
from ledger.publish import publish_checkpoint
from portal.demo import evidence
from portal.demo.clock import Clock
from portal.demo.evidence import Release
from portal.demo.instance import Instance, Workload
from portal.demo.people import Cast
from portal.demo.places import Places
from proofs.canonical import canonical_bytes
from proofs.dsse import IN_TOTO_PAYLOAD_TYPE, build_envelope, pae
from proofs.keys import load_spki

REQUESTERS = {
    "payments-api": "bob",
    "payments-web": "noor",
    "payments-ledger": "noor",
    "payments-refunds": "bob",
    "platform-gateway": "leo",
    "data-pipelines": "uma",
}
APPROVERS = {
    "payments-api": ("grace", "ivan"),
    "payments-web": ("ivan", "grace"),
    "payments-ledger": ("grace", "ivan"),
    "payments-refunds": ("grace",),
    "platform-gateway": ("kira", "petra"),
    "data-pipelines": ("theo",),
}
SECURITY = {"payments": ("mina", "sam"), "platform": ("petra",), "data": ("yan",)}
DEPLOYERS = {"payments": "deployer", "platform": "platform-deployer", "data": "data-deployer"}
# Where two people have to approve.
TWO = {("payments-ledger", "production"), ("payments-ledger", "production-eu"), ("platform-gateway", "platform-production")}


@dataclass
class World:
    """Everything the history needs at hand. `two` is where two people approve now."""

    clock: Clock
    instance: Instance
    places: Places
    cast: Cast
    random: Random = field(default_factory=lambda: Random(7))  # noqa: S311 - made-up choices, the same each time
    two: set[tuple[str, str]] = field(default_factory=lambda: set(TWO))

    @property
    def now(self) -> datetime:
        return self.clock.now

    def project(self, slug: str) -> Project:
        return self.places.projects[slug]

    def environment(self, slug: str) -> Environment:
        return self.places.environments[slug]

    def person(self, username: str) -> Identity:
        return self.cast.people[username]

    def program(self, key: str) -> Identity:
        return self.cast.programs[key]

    def approvers_of(self, request: Request) -> tuple[str, ...]:
        """Return who has to approve a release now, by username."""
        project, environment = request.project.slug, request.environment.slug
        names = APPROVERS[project]
        if (project, environment) in self.two:
            return names[:2]
        return (self.random.choice(names),)

    def send(self, release: Release, environment: str, *, without: Sequence[str] = ()) -> None:
        """Let the workflows sign and send what there is to say of a release, but for the parts in `without`, and verify it."""
        maker = self.program(f"{release.project} release")
        workload = evidence.workload_of(release, release.workflow)
        self.sign_and_send(workload, evidence.provenance(release, workload), by=maker)
        tester = self.cast.programs.get(f"{release.project} test")
        if tester is not None and "tests" not in without:
            self.sign_and_send(evidence.workload_of(release, "test"), evidence.tests(release), by=tester)
        if "bill" not in without:
            self.sign_and_send(evidence.workload_of(release, "release"), evidence.bill(release), by=maker)
        if "deployment" not in without:
            self.sign_and_send(evidence.workload_of(release, "release"), evidence.deployment(release, environment), by=maker)
        if not release.project.startswith("payments"):
            # The scanner belongs to Payments.
            return
        if release.findings:
            self.sign_with_key(evidence.scan(release, self.now))
        if release.answers:
            self.sign_with_key(evidence.vex(release, self.now))

    def sign_and_send(self, workload: Workload, statement: dict[str, Any], *, by: Identity) -> None:
        """Sign a statement as a run of a workflow, and send it."""
        receive_attestation(content=self.instance.sign_as(workload, statement, at=self.now), by=by, now=self.now)

    def sign_with_key(self, statement: dict[str, Any]) -> None:
        """Sign a statement with the scanner's key, and send it as a plain DSSE envelope."""
        payload, key = canonical_bytes(statement), self.cast.scanner_key
        signature = key.sign(pae(IN_TOTO_PAYLOAD_TYPE, payload), ec.ECDSA(hashes.SHA256()))
        hint = load_spki(evidence.spki_of(key)).key_id
        envelope = build_envelope(payload, signature, key_hint=hint, payload_type=IN_TOTO_PAYLOAD_TYPE)
        receive_attestation(content=canonical_bytes(envelope), by=self.program("scanner"), now=self.now)

    def verify(self) -> None:
        """Verify everything that waits."""
        while drain(clock=lambda: self.clock.now, limit=50):
            pass

    def ask(
        self,
        releases: Sequence[Release],
        environment: str,
        *,
        by: Identity | None = None,
        note: str = "",
        title: str = "",
        kind: str = Request.Kind.RELEASE,
        origin: str = "",
        is_draft: bool = False,
    ) -> Request:
        """Ask for releases of one project to go to an environment, by the person who usually does unless told."""
        project = self.project(releases[0].project)
        return open_request(
            project=project,
            environment=self.environment(environment),
            title=title or ", ".join(each.name.replace(":", " ") for each in releases),
            note=note,
            artifacts=[AskedArtifact(f"sha256:{each.hex}", each.name) for each in releases],
            by=by or self.person(REQUESTERS[project.slug]),
            kind=kind,
            from_environment=self.environment(origin) if origin else None,
            is_draft=is_draft,
            now=self.now,
        )

    def answer(self, request: Request, username: str, decision: str, *, reason: str = "", codes: Sequence[str] = ()) -> Approval:
        """Let a person answer a request with their passkey."""
        return self.cast.signers.answer(request, self.person(username), decision, reason=reason, codes=codes, now=self.now)

    def approve(self, request: Request, usernames: Sequence[str] = ()) -> Approval:
        """Let as many people approve as it takes, and publish the ledger's head; return the last approval."""
        for username in usernames or self.approvers_of(request):
            self.clock.go_on(minutes=4)
            approval = self.answer(request, username, Approval.Decision.APPROVE)
        self.publish()
        return approval

    def ask_gate(self, request: Request, *, by: Identity | None = None, expected: str = Decision.Outcome.ALLOW) -> None:
        """Ask the gate for the artifacts of a request, as the program that rolls out does. Raises RuntimeError for another answer than expected."""
        self.clock.go_on(minutes=2)
        asks = by or self.program(DEPLOYERS[request.project.team.slug])
        place = {"environment_slug": request.environment.slug, "project_slug": request.project.slug}
        for digest in request.artifacts.order_by("artifact_id").values_list("artifact_id", flat=True):
            decision = decide(digest=digest, by=asks, now=self.now, **place)
            if decision.outcome != expected:
                raise RuntimeError(f"the gate says {decision.outcome} to {request.title}, expected {expected}: {decision.reasons}")

    def publish(self) -> None:
        """Publish the ledger's head."""
        publish_checkpoint(now=self.now)
