"""Plain makers for requests and approvals: a policy in force, real signed evidence, enrolled passkeys, signed answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from approvals.models import Approval, Ceremony, Delegation, ExpectationsActivation, PolicyVersion, Request, Revision
from approvals.policies.expectations import activate_expectations
from approvals.policies.versions import activate_policy, store_policy
from approvals.requests.open_request import AskedArtifact, open_request
from approvals.requests.refresh import refresh_requests
from approvals.requests.snapshot import read_snapshot
from approvals.signing.approval_statement import SigningSession
from approvals.signing.begin_signing import begin_signing
from approvals.signing.complete_signing import complete_signing
from approvals.signing.digest_tail import list_asked
from approvals.signing.verify_signature import parse_assertion
from attestations.blobs import bytes_of
from attestations.drain import drain
from attestations.models import Attestation, Blob, Finding, Submission, Verdict, VerdictSigner, VerdictSubject
from attestations.receive import receive_attestation
from attestations.trust.roots import add_trust_root
from identities.keys.enrol import begin_enrolment, enrol_new_key, take_new_key
from identities.keys.introduce import Introduced, begin_introduction, list_introducers, read_introduction
from identities.keys.new_key import NewKey
from identities.models import Environment, Identity, Project, SigningKey, Team
from identities.register import register_nonhuman, register_signer
from ledger.publish import publish_checkpoint
from portal.demo.instance import Instance, Workload, build_provenance, claim_builder
from proofs.approval.human_approval import approval_challenge
from proofs.canonical import canonical_bytes
from proofs.comparison.compare import asked_signals
from proofs.digest import sha256_hex
from proofs.dsse import IN_TOTO_PAYLOAD_TYPE, build_envelope
from proofs.encoding import b64url_decode, b64url_encode
from proofs.statement import STATEMENT_V1
from tests import cast
from tests.passkey import TRUTH, Lie, SoftPasskey
from tests.retell import remembers, retold

NOW = cast.NOW
REPOSITORY = "https://github.com/payments/api"
SLSA = "https://slsa.dev/provenance/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
SESSION = "the session's own key"
# The passkeys made here, by the key they became, so that one can introduce the next.
_PASSKEYS: dict[str, SoftPasskey] = {}
remembers(_PASSKEYS)

POLICY = """\
schema: countersign-policy/v1
id: release-production
version: "{version}"
title: Releases to production
minimumAssurance: H2
validityHours: 72
rules:
  - id: provenance
    kind: evidence
    title: Built by the release workflow
    predicateTypes: ["https://slsa.dev/provenance/v1"]
    registeredSigner: true
    builders:
      - issuer: https://token.actions.githubusercontent.com
        workflow: https://github.com/payments/api/.github/workflows/release.yml
    sources:
      - repository: https://github.com/payments/api
  - id: approval
    kind: approvals
    title: Release approvers
    role: approver:release
    count: {count}
  - id: four-eyes
    kind: separation-of-duties
    title: Whoever asks does not approve
    requesterMayApprove: false
"""


ANYTHING_GOES = """\
schema: countersign-policy/v1
id: toy
version: "1"
title: Anything goes
minimumAssurance: H2
validityHours: 72
rules:
  - {id: approval, kind: approvals, title: One approver, role: "approver:release", count: 1}
"""
TO_STAGING = """\
schema: countersign-policy/v1
id: releases-to-staging
version: "{version}"
title: Releases to staging
minimumAssurance: H2
validityHours: 72
rules:
  - {{id: approval, kind: approvals, title: Approvers, role: "approver:release", count: {count}}}
"""
EXPECTATIONS = """\
schema: countersign-expectations/v1
project: payments-api
version: "{version}"
title: What counts as evidence of payments-api
accept:
  - predicateTypes: ["https://slsa.dev/provenance/v1"]
    builders:
      - issuer: https://token.actions.githubusercontent.com
        workflow: https://github.com/payments/api/.github/workflows/{workflow}.yml
    sources:
      - repository: https://github.com/payments/api
        refs: ["^refs/tags/v[0-9]+[.][0-9]+[.][0-9]+$"]
"""
BY_PROJECT = POLICY[: POLICY.index("    registeredSigner")] + "    expectations: project\n" + POLICY[POLICY.index("  - id: approval") :]

# One approver and nothing else, for what there is no evidence about.
NO_EVIDENCE = POLICY[: POLICY.index("  - id: provenance")] + POLICY[POLICY.index("  - id: approval") :]


@dataclass
class Stage:
    """What every story stands on: the signing instance, the policy in force, and an image's digest."""

    instance: Instance
    policy: PolicyVersion

    @property
    def workload(self) -> Workload:
        return Workload(
            identity=f"{cast.WORKFLOW}@refs/tags/v1.4.2",
            repository=REPOSITORY,
            commit="b7e2f4a9c05d8e1f3a6b7c8d9e0f1a2b3c4d5e6f",
            ref="refs/tags/v1.4.2",
        )


@retold
def erin(*, now: datetime = NOW) -> Identity:
    """Owns the policies."""
    return cast.person("erin", "Erin Okafor", "policy-owner", now=now)


@retold
def set_stage(*, count: int = 1, source: str = POLICY, publish: bool = True, now: datetime = NOW) -> Stage:
    """Put a policy into force for payments-api in production, trust an instance, and publish the ledger's head."""
    instance = Instance(now - timedelta(days=1))
    add_trust_root(name="Test instance", document=instance.trusted_root(), profile=None, by=None, now=now)
    owner = erin(now=now)
    policy = store_policy(source=source.format(version=1, count=count), by=owner, now=now)
    activate_policy(policy=policy, project=cast.payments_api(), environment=cast.production(), by=owner, now=now)
    cast.runner(now=now)
    if publish:
        publish_checkpoint(now=now)
    return Stage(instance, policy)


@retold
def expect(*, version: int = 1, workflow: str = "release", now: datetime = NOW) -> ExpectationsActivation:
    """Put expectations of payments-api into force, which this workflow meets."""
    source = EXPECTATIONS.format(version=version, workflow=workflow)
    return activate_expectations(source=source, project=cast.payments_api(), by=erin(now=now), now=now)


@retold
def staging(*, count: int = 1, now: datetime = NOW) -> Environment:
    """Where releases may have to go first, under a policy that asks for approvers alone."""
    found = Environment.objects.filter(slug="staging").first()
    if found is not None:
        return found
    place = Environment.objects.create(slug="staging", name="Staging", tier=1, team=cast.payments())
    policy = store_policy(source=TO_STAGING.format(version=1, count=count), by=erin(now=now), now=now)
    activate_policy(policy=policy, project=cast.payments_api(), environment=place, by=erin(now=now), now=now)
    return place


@retold
def toy(*, now: datetime = NOW) -> Project:
    """A second project of payments that may go to production, under a policy that asks for no evidence."""
    project = Project.objects.create(slug="toy", name="Toy", team=cast.payments())
    policy = store_policy(source=ANYTHING_GOES, by=erin(now=now), now=now)
    activate_policy(policy=policy, project=project, environment=cast.production(), by=erin(now=now), now=now)
    return project


def image(tag: str = "1.4.2") -> str:
    """The digest of the image with this tag."""
    return "sha256:" + hashlib.sha256(f"payments/api:{tag}".encode()).hexdigest()


def send(content: bytes, *, by: Identity | None = None, now: datetime = NOW) -> Attestation:
    """Receive evidence, from the runner unless told, and verify everything that waits."""
    attestation, _ = receive_attestation(content=content, by=by or cast.runner(now=now), now=now)
    while drain(clock=lambda: now, limit=20):
        pass
    return attestation


@retold
def send_provenance(stage: Stage, *, tag: str = "1.4.2", by: Identity | None = None, now: datetime = NOW, **claims: Any) -> Attestation:
    """Send the release workflow's true provenance of an image; `claims` change the workload."""
    workload = stage.workload if not claims else Workload(**{**_fields(stage.workload), **claims})
    statement = build_provenance(workload, ((f"payments/api:{tag}", image(tag).partition(":")[2]),))
    return send(stage.instance.sign_as(workload, statement, at=now), by=by, now=now)


@retold
def send_tests(stage: Stage, *, tag: str = "1.4.2", result: str = "PASSED", now: datetime = NOW) -> Attestation:
    """Send test results of an image, which no rule of the policy asks for."""
    statement = {
        "_type": STATEMENT_V1,
        "subject": [{"name": f"payments/api:{tag}", "digest": {"sha256": image(tag).partition(":")[2]}}],
        "predicateType": TEST_RESULT,
        "predicate": {"result": result, "at": now.isoformat()},
    }
    return send(stage.instance.sign_as(stage.workload, statement, at=now), now=now)


@retold
def send_lie(stage: Stage, *, tag: str = "1.4.2", digest: str = "", now: datetime = NOW) -> Attestation:
    """Send provenance that names our workflow as its builder, signed by a stranger's; about an image, or `digest`."""
    fork = "https://github.com/intern/fork"
    stranger = Workload(
        identity=f"{fork}/.github/workflows/build.yml@refs/heads/main", repository=fork, commit="9" * 40, ref="refs/heads/main"
    )
    statement = build_provenance(stranger, ((f"payments/api:{tag}", (digest or image(tag)).partition(":")[2]),))
    return send(stage.instance.sign_as(stranger, claim_builder(statement, stage.workload.identity), at=now), now=now)


@retold
def other_teams_bot(*, now: datetime = NOW) -> Identity:
    """A program of another team, with nothing to do with payments."""
    found = Identity.objects.filter(issuer="https://ci.other.example", subject="bot").first()
    if found is not None:
        return found
    team = Team.objects.create(slug="other", name="Other")
    owner = cast.person("zoe", "Zoe Park", "requester", team=team, now=now)
    return register_nonhuman(
        kind="bot", name="their bot", issuer="https://ci.other.example", subject="bot", owner=owner, team=team, by=None, now=now
    )


@retold
def send_junk(*, by: Identity, count: int = 1, tag: str = "1.4.2", now: datetime = NOW) -> Attestation:
    """Send an envelope that names an image and is signed with nothing, and verify it; return it. More of them are copies of its rows."""
    statement = {
        "_type": STATEMENT_V1,
        "subject": [{"name": "junk", "digest": {"sha256": image(tag).partition(":")[2]}}],
        "predicateType": "https://example.test/junk/v1",
        "predicate": {"at": now.isoformat()},
    }
    envelope = build_envelope(canonical_bytes(statement), b"x" * 64, key_hint="", payload_type=IN_TOTO_PAYLOAD_TYPE)
    junk = send(canonical_bytes(envelope), by=by, now=now)
    _copy(junk, count - 1, by)
    return junk


def _copy(sent: Attestation, count: int, by: Identity, *, respelled: bool = False, name: str = "") -> None:
    """Make `count` more attestations that differ from `sent` in their bytes alone. The portal's own way takes seconds for a thousand."""
    verdict, at = sent.verdicts.get(), sent.received_at
    contents = [f"{number} like {sent.pk}{name}".encode() for number in range(count)]
    blobs = Blob.objects.bulk_create(Blob(digest=sha256_hex(each), size=len(each), content=each, stored_at=at) for each in contents)
    copies = Attestation.objects.bulk_create(Attestation(blob=blob, format=sent.format, received_at=at) for blob in blobs)
    Submission.objects.bulk_create(Submission(attestation=copy, identity=by, submitted_at=at) for copy in copies)
    names: tuple[str, ...] = (
        "number",
        "result",
        "code",
        "reason",
        "document",
        "verified_at",
        "predicate_type",
        "signer",
        "signer_issuer",
        "signer_name",
    )
    names += ("trust_mark", "verifier")
    fields = {name: getattr(verdict, name) for name in names}
    verdicts = Verdict.objects.bulk_create(Verdict(attestation=copy, **fields) for copy in copies)
    artifact = verdict.subjects.get().artifact
    claimed = verdict.subjects.get().claimed
    VerdictSubject.objects.bulk_create(VerdictSubject(verdict=copy, artifact=artifact, claimed=claimed) for copy in verdicts)
    Finding.objects.bulk_create(
        Finding(verdict=copy, check_name=found.check_name, outcome=found.outcome, code=found.code, sentence=found.sentence)
        for copy in verdicts
        for found in verdict.findings.all()
    )
    VerdictSigner.objects.bulk_create(
        VerdictSigner(
            verdict=copy,
            copy_key=_copy_key(each, copy, respelled),
            issuer=each.issuer,
            name=each.name,
            source=each.source,
            identity=each.identity,
        )
        for copy in verdicts
        for each in verdict.signers.all()
    )


def _copy_key(signer: VerdictSigner, copy: Verdict, respelled: bool) -> str:
    return signer.copy_key if respelled else sha256_hex(f"{copy.attestation_id} {signer.name}".encode())


@retold
def copy_evidence(sent: Attestation, *, count: int, respelled: bool = False, name: str = "") -> None:
    """Make `count` more pieces of evidence like one that was sent, by its sender; `respelled` are of the same content in other bytes.

    `name` tells a second such call from the first.
    """
    _copy(sent, count, sent.submissions.get().identity, respelled=respelled, name=name)


@retold
def register_stranger(*, now: datetime = NOW) -> None:
    """Register the workflow of `send_of_a_stranger` for another team's program."""
    fork = "https://github.com/intern/fork/.github/workflows/build.yml"
    issuer = "https://token.actions.githubusercontent.com"
    bot = other_teams_bot(now=now)
    register_signer(identity=bot, certificate_issuer=issuer, certificate_identity=fork, any_ref=True, by=None, now=now)
    cast.let_attest(bot, now=now)


@retold
def send_of_a_stranger(stage: Stage, *, by: Identity, tag: str = "1.4.2", now: datetime = NOW) -> Attestation:
    """`by` sends provenance of an image that is true in itself, made and signed by a workflow nobody registered."""
    fork = "https://github.com/intern/fork"
    stranger = Workload(
        identity=f"{fork}/.github/workflows/build.yml@refs/heads/main", repository=fork, commit="9" * 40, ref="refs/heads/main"
    )
    statement = build_provenance(stranger, ((f"payments/api:{tag}", image(tag).partition(":")[2]),))
    content = stage.instance.sign_as(stranger, statement, at=now)
    attestation, _ = receive_attestation(content=content, by=by, now=now)
    while drain(clock=lambda: now, limit=20):
        pass
    return attestation


@retold
def ask(
    *,
    tag: str = "1.4.2",
    by: Identity | None = None,
    note: str = "Adds the CSV export job.",
    name: str = "payments/api",
    environment: Environment | None = None,
    now: datetime = NOW,
) -> Request:
    """Bob asks for an image to go to production, unless told."""
    return open_request(
        project=cast.payments_api(),
        environment=environment or cast.production(),
        title=f"payments/api {tag}",
        note=note,
        artifacts=[AskedArtifact(image(tag), f"{name}:{tag}")],
        by=by or cast.bob(now=now),
        now=now,
    )


@retold
def refresh(*, now: datetime = NOW) -> None:
    """Let the worker bring requests up to date."""
    refresh_requests(now=now)


@retold
def enrol(person: Identity, *, passkey: SoftPasskey | None = None, now: datetime = NOW) -> tuple[SoftPasskey, SigningKey]:
    """Enrol a software passkey for a person; where they hold a live one already, that introduces it."""
    passkey = passkey or SoftPasskey(rp_id=settings.RP_ID, origin=settings.ORIGIN)
    offer = begin_enrolment(identity=person, now=now)
    response = passkey.create(b64url_decode(offer.state["challenge"], code="test", what="the challenge"))
    new = take_new_key(identity=person, state=offer.state, response=response, label="Security key", by=person, now=now)
    older = next((key for key in list_introducers(person) if key.pk in _PASSKEYS), None)
    introduced = introduce(new, older, _PASSKEYS[older.pk], now=now) if older else None
    key = enrol_new_key(identity=person, new=new, by=person, now=now, introduced=introduced)
    _PASSKEYS[key.pk] = passkey
    return passkey, key


def introduce(new: NewKey, older: SigningKey, passkey: SoftPasskey, *, now: datetime = NOW, lie: Lie = TRUTH) -> Introduced:
    """Let an older key of the person sign for a new one."""
    question = begin_introduction(identity=older.identity, introducer_id=older.pk, new=new, now=now)
    challenge = b64url_decode(question.options["publicKey"]["challenge"], code="test", what="the challenge")
    return read_introduction(identity=older.identity, state=question.state, response=passkey.get(challenge, lie), now=now)


def session(*, key: str = SESSION, now: datetime = NOW) -> SigningSession:
    """A sign-in session."""
    return SigningSession(sha256_hex(key.encode()), "password", now)


@retold
def begin(
    request: Request,
    person: Identity,
    key: SigningKey,
    *,
    decision: str = "approve",
    reason: str = "",
    shown: str | None = None,
    in_stead: Delegation | None = None,
    acknowledged: Sequence[str] | None = None,
    digest_tail: str | Sequence[str] | None = None,
    now: datetime = NOW,
) -> Ceremony:
    """Begin to answer the newest revision, with a tick at all that its page asks about and what it wants typed, unless told otherwise."""
    newest = request.revisions.order_by("-number").first()
    assert newest is not None
    return begin_signing(
        request=request,
        shown_snapshot=shown or newest.snapshot_id,
        decision=decision,
        reason=reason,
        key=key,
        session=session(),
        by=person,
        now=now,
        in_stead=in_stead,
        acknowledged=asked_of(newest) if acknowledged is None else acknowledged,
        digest_tails=tails_of(newest) if digest_tail is None else [digest_tail] if isinstance(digest_tail, str) else digest_tail,
    )


def tails_of(revision: Revision) -> list[str]:
    """The ends of the digests that whoever approves has to type."""
    return [asked.digest[-4:] for asked in list_asked(read_snapshot(bytes_of(revision.snapshot))["artifacts"])]


def tail_of(revision: Revision) -> str:
    """The first of them, where there is an artifact."""
    return next(iter(tails_of(revision)), "")


def asked_of(revision: Revision) -> list[str]:
    """The digests of the signals that the page of a revision asks about."""
    return [digest for _, digest in asked_signals(read_snapshot(bytes_of(revision.snapshot)).get("comparison"))]


@retold
def complete(
    ceremony: Ceremony,
    passkey: SoftPasskey,
    *,
    lie: Lie = TRUTH,
    payload: bytes | None = None,
    by: Identity | None = None,
    session_key: str = SESSION,
    now: datetime = NOW,
) -> Approval:
    """Answer a ceremony with a passkey, truthfully unless told otherwise."""
    return complete_signing(
        ceremony_id=ceremony.pk,
        session_hash=sha256_hex(session_key.encode()),
        assertion=parse_assertion(posted(passkey, payload or bytes(ceremony.payload), lie)),
        by=by or ceremony.identity,
        now=now,
    )


def posted(passkey: SoftPasskey, payload: bytes, lie: Lie = TRUTH) -> str:
    """What the signing page posts."""
    given = passkey.sign(approval_challenge(payload), lie)
    return json.dumps(
        {
            "credentialId": b64url_encode(given.credential_id),
            "authenticatorData": b64url_encode(given.authenticator_data),
            "clientDataJSON": b64url_encode(given.client_data_json),
            "signature": b64url_encode(given.signature),
        }
    )


@retold
def approve(request: Request, person: Identity, *, now: datetime = NOW) -> Approval:
    """Enrol a passkey for a person and approve with it, then publish the ledger's head."""
    passkey, key = enrol(person, now=now)
    approval = complete(begin(request, person, key, now=now), passkey, now=now)
    publish_checkpoint(now=now)
    return approval


def _fields(workload: Workload) -> dict[str, Any]:
    return {name: getattr(workload, name) for name in workload.__dataclass_fields__}
