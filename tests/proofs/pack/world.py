"""A small honest world: a portal with its keys and ledger, one release with real evidence, alice who approves, bob who asked.

Everything in it is made by the code that the portal uses; only the database and the browser are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from proofs.approval.approval_parts import (
    ApprovedArtifact,
    Approver,
    EnvironmentReference,
    EvidenceReference,
    ExcludedParty,
    HeldRole,
    HumanApproval,
    LogHead,
    Party,
    PolicyReference,
    RequestReference,
    ReviewReference,
    SeparationOfDuties,
    SignerReference,
    SigningCeremony,
    Validity,
)
from proofs.approval.enrollment import build_enrollment
from proofs.approval.human_approval import approval_challenge, build_human_approval
from proofs.approval.record import CHECKS, build_record
from proofs.approval.request_document import build_request_document, facts_of
from proofs.approval.review_snapshot import ShownEvidence, build_review_snapshot
from proofs.approval.review_words import evidence_label, media_type_of, missing_evidence, signer_label, summarise
from proofs.assess import assess_evidence, build_verdict
from proofs.canonical import canonical_bytes, parse_json
from proofs.digest import parse_digest, sha256_hex
from proofs.evidence import detect_format
from proofs.keys import RegisteredKey
from proofs.leaf import build_dsse_leaf, build_event_leaf
from proofs.moment import rfc3339
from proofs.pack.build import PackedApproval, assemble_pack
from proofs.pack.trust import EvidenceRoot, RecorderKey, Trust
from proofs.policy.evaluate import build_policy_input, evaluate_policy, exclusions, parse_policy
from tests.forge import PortalKeys
from tests.passkey import TRUTH, Lie, SoftPasskey
from tests.proofs.factory import DIGEST, INSTANCE, NOON, STATEMENT, WORKFLOW, WORKLOAD, bundle

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ORIGIN, RP_ID, LOG_ORIGIN = "http://localhost:8000", "localhost", "localhost:8000/log"
PRODUCTION = EnvironmentReference(id="env_production", name="production", tier=3)
ARTIFACT = f"sha256:{DIGEST}"
BOB = {"kind": "person", "issuer": ORIGIN, "subject": "01BOB"}

POLICY: dict[str, Any] = {
    "schema": "countersign-policy/v1",
    "id": "release-production",
    "version": "1",
    "title": "Releases to production",
    "rules": [
        {
            "id": "provenance",
            "kind": "evidence",
            "title": "Build provenance",
            "predicateTypes": ["https://slsa.dev/provenance/v1"],
            "builders": [{"issuer": WORKLOAD.issuer, "workflow": WORKFLOW}],
            "sources": [{"repository": WORKLOAD.repository, "repositoryId": "1001", "refs": ["refs/tags/v*"]}],
            "registeredSigner": True,
        },
        {"id": "approval", "kind": "approvals", "title": "Release approval", "role": "approver:release", "count": 1},
        {"id": "four-eyes", "kind": "separation-of-duties", "title": "Four eyes", "requesterMayApprove": False},
    ],
    "minimumAssurance": "H2",
    "validityHours": 72,
}


def make_verdict(raw: bytes, *, identity: bool = True, trust: Trust, at: datetime = NOON) -> dict[str, Any]:
    """Return the verdict document the portal reaches for `raw`."""
    material = trust.material()
    named = {"id": "idn_runner", "kind": "workflow", "name": "release workflow", "issuer": WORKLOAD.issuer, "subject": WORKFLOW}
    who = {**named, "team": "payments", "grants": [{"project": None, "environment": None}]}
    return build_verdict(
        assess_evidence(raw, trust=material, received_at=at),
        evidence_digest=sha256_hex(raw),
        identity=who if identity else None,
        trust_digests=material.digests,
        verified_at=rfc3339(at),
        as_of=rfc3339(at),
    )


@dataclass
class Signing:
    """How one person signs: which key, in which role, and what is changed about statement, assertion or record on the way."""

    passkey: SoftPasskey
    subject: str = "01ALICE"
    issuer: str = ORIGIN
    username: str = "alice"
    role: str = "approver:release"
    scope: str = "team:payments"
    kind: str = "person"
    purposes: tuple[str, ...] = ("human-approval",)
    lie: Lie = TRUTH
    changes: dict[str, Any] = field(default_factory=dict)
    checked_at: datetime = NOON + MINUTE
    assurance: str = "H2"
    enrolled_at: datetime = NOON - DAY
    revoked_at: datetime | None = None
    # What else the enrolment says, and the revocation.
    proof: dict[str, Any] = field(default_factory=dict)
    end: dict[str, Any] = field(default_factory=dict)


class World:
    """The portal's keys, ledger, policy and evidence; `pack` makes what it would export."""

    def __init__(
        self,
        *,
        policy: dict[str, Any] = POLICY,
        evidence: tuple[bytes, ...] | None = None,
        requester: dict[str, str] = BOB,
        owner: dict[str, str] | None = None,
        expectations: dict[str, Any] | None = None,
        verdict_lie: Callable[[dict[str, Any]], None] = lambda verdict: None,
        evidence_keys: tuple[RegisteredKey, ...] = (),
        facts: dict[str, Any] | None = None,
        told: dict[str, Any] | None = None,
        result_lie: Callable[[dict[str, Any]], None] = lambda result: None,
    ) -> None:
        """`facts` are what the policy is weighed on besides; `told` is what the request says of them, where that is a lie."""
        self.keys = PortalKeys(ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate(), LOG_ORIGIN)
        for number in range(7):
            self.keys.append(build_event_leaf(event="test.event", at=rfc3339(NOON - DAY), ref_digest=f"{number:064x}", actor="h:00"))
        self.head = LogHead(LOG_ORIGIN, 7, self.keys.root(7))
        self.trust = Trust(
            origin=ORIGIN,
            rp_id=RP_ID,
            origins=(ORIGIN,),
            recorder_keys=(RecorderKey(self.keys.recorder_public, NOON - 30 * DAY, None),),
            log=self.keys.log_public,
            evidence_roots=(EvidenceRoot("factory", INSTANCE.trusted_root(), {"tlog": 1, "tsa": 0, "sct": 1}),),
            evidence_keys=evidence_keys,
        )
        self.policy_document = canonical_bytes(policy)
        self.policy = parse_policy(self.policy_document)
        self.evidence = (bundle(),) if evidence is None else evidence
        self.verdicts = [make_verdict(raw, trust=self.trust) for raw in self.evidence]
        for verdict in self.verdicts:
            verdict_lie(verdict)
        self.requester, self.owner = requester, owner
        self.policy_input = build_policy_input(
            project="payments-api",
            team="payments",
            environment=PRODUCTION.name,
            artifacts=[{"digest": ARTIFACT, "name": "payments.tar.gz"}],
            requester=requester,
            on_behalf_of=None,
            owner={"issuer": owner["issuer"], "subject": owner["subject"]} if owner else None,
            evidence=[
                {"digest": sha256_hex(raw), "verdictDigest": sha256_hex(canonical_bytes(verdict)), "verdict": verdict}
                for raw, verdict in zip(self.evidence, self.verdicts, strict=True)
            ],
            expectations=expectations,
            **(facts or {}),
        )
        self.told = facts_of(self.policy_input) if told is None else told
        self.result = evaluate_policy(self.policy, self.policy_input)
        result_lie(self.result)
        self.request = self._request()
        self.snapshot = self._snapshot()
        self.summary = summarise(parse_json(self.snapshot), "approve")

    def enroll(self, signing: Signing, *, event: str = "enrolled") -> tuple[bytes, str]:
        """Return the enrolment's envelope (or the revocation's) and the digest of its payload."""
        payload = build_enrollment(
            event=event,
            at=signing.enrolled_at if event == "enrolled" else signing.revoked_at or NOON,
            kind=signing.kind,
            issuer=signing.issuer,
            subject=signing.subject,
            spki=signing.passkey.spki,
            credential_id=signing.passkey.credential_id,
            rp_id=RP_ID,
            backup_eligible=signing.passkey.synced,
            purposes=signing.purposes,
            reason="lost" if event == "revoked" else "",
            **(signing.proof if event == "enrolled" else signing.end),
        )
        return canonical_bytes(self.keys.sign(payload)), sha256_hex(payload)

    def approval(self, signing: Signing) -> HumanApproval:
        """Return the statement offered to the person, with `signing.changes` made."""
        policy = PolicyReference(
            id=self.policy.id,
            version=self.policy.version,
            digest=self.policy.digest,
            input_digest=sha256_hex(canonical_bytes(self.policy_input)),
            result_digest=sha256_hex(canonical_bytes(self.result)),
            result=self.result["result"],
            engine_version="0.1.0",
        )
        duties = SeparationOfDuties(
            rule_id="four-eyes",
            requester=Party(
                self.requester["kind"],
                self.requester["issuer"],
                self.requester["subject"],
                owner=(self.owner["issuer"], self.owner["subject"]) if self.owner else None,
            ),
            excluded=tuple(
                ExcludedParty(item["issuer"], item["subject"], tuple(item["because"]))
                for item in exclusions(self.policy, self.policy_input)
            ),
            result="pass",
            required=self.policy.required_approvals,
        )
        statement = HumanApproval(
            artifacts=(ApprovedArtifact("payments.tar.gz", (parse_digest(ARTIFACT),)),),
            decision="approve",
            request=RequestReference("req_1", 1, "release", sha256_hex(self.request)),
            environment=PRODUCTION,
            approver=Approver(
                issuer=signing.issuer,
                subject=signing.subject,
                username=signing.username,
                roles=(HeldRole(signing.role, signing.scope, "portal", NOON - MINUTE),),
                authenticated_by="password",
                authenticated_at=NOON - HOUR,
            ),
            signer=SignerReference(signing.passkey.public_key.key_id, signing.passkey.algorithm, self.enroll(signing)[1]),
            policy=policy,
            evidence=tuple(self._reference(raw, verdict) for raw, verdict in zip(self.evidence, self.verdicts, strict=True)),
            missing_evidence=missing_evidence(self.result["rules"]),
            review=ReviewReference(sha256_hex(self.snapshot), self.summary, "0.1.0"),
            justification="",
            separation_of_duties=duties,
            validity=Validity(NOON, NOON, NOON + 72 * HOUR),
            ceremony=SigningCeremony("cer_1", "A" * 43, RP_ID, ORIGIN, NOON + 5 * MINUTE, self.head),
        )
        return replace(statement, **signing.changes)

    def record(self, signing: Signing) -> dict[str, Any]:
        """Return the signed record of one approval."""
        payload = build_human_approval(self.approval(signing))
        record = build_record(
            payload=payload,
            assertion=signing.passkey.sign(approval_challenge(payload), signing.lie),
            assurance=signing.assurance,
            checked_at=signing.checked_at,
            checks=CHECKS,
            verifier_version="0.1.0",
            portal=ORIGIN,
        )
        return self.keys.sign(record)

    def pack(self, *signings: Signing, **private: Any) -> dict[str, bytes]:
        """Return the pack of these approvals (alice's, when none is given), with the private files that are given."""
        chosen = signings or (alice(),)
        envelopes = [self.record(signing) for signing in chosen]
        places = [self.keys.append(build_dsse_leaf(envelope, self.keys.recorder_public.pem)) for envelope in envelopes]
        self.keys.append(build_event_leaf(event="test.later", at=rfc3339(NOON + HOUR), ref_digest="ab" * 32, actor="h:00"))
        note = self.keys.checkpoint()
        head_path = self.keys.consistency(self.head.size)
        return assemble_pack(
            approvals=[
                PackedApproval(envelope, place, self.keys.inclusion(place), head_path, note)
                for envelope, place in zip(envelopes, places, strict=True)
            ],
            enrollments=[self.enroll(signing)[0] for signing in chosen],
            revocations=[self.enroll(signing, event="revoked")[0] for signing in chosen if signing.revoked_at],
            evidence=self.evidence,
            verdicts=[canonical_bytes(verdict) for verdict in self.verdicts],
            snapshot=self.snapshot,
            request=self.request,
            policy_document=self.policy_document,
            policy_input=canonical_bytes(self.policy_input),
            policy_result=canonical_bytes(self.result),
            trust=self.trust,
            **private,
        )

    def _request(self) -> bytes:
        labels = {"name": "somebody", "id": "idn_1"}
        return build_request_document(
            request_id="req_1",
            revision=1,
            kind="release",
            title="payments.tar.gz to production",
            note="",
            project="payments-api",
            team="payments",
            environment=PRODUCTION,
            artifacts=[{"digest": ARTIFACT, "name": "payments.tar.gz"}],
            requester={**self.requester, **labels},
            on_behalf_of=None,
            owner={**self.owner, **labels} if self.owner else None,
            policy_digest=self.policy.digest,
            evidence=[
                (sha256_hex(raw), sha256_hex(canonical_bytes(verdict))) for raw, verdict in zip(self.evidence, self.verdicts, strict=True)
            ],
            opened_at=NOON - MINUTE,
            frozen_at=NOON,
            more=self.told,
        )

    def _snapshot(self) -> bytes:
        return build_review_snapshot(
            request=parse_json(self.request),
            request_digest=sha256_hex(self.request),
            project_name="Payments API",
            environment_name="Production",
            policy=parse_json(self.policy_document),
            policy_digest=self.policy.digest,
            result=self.result,
            result_digest=sha256_hex(canonical_bytes(self.result)),
            excluded=exclusions(self.policy, self.policy_input),
            evidence=[
                ShownEvidence("att_1", detect_format(raw), rfc3339(NOON), sha256_hex(raw), sha256_hex(canonical_bytes(verdict)), verdict)
                for raw, verdict in zip(self.evidence, self.verdicts, strict=True)
            ],
            trails=[{"artifact": ARTIFACT, "chain": [], "questions": []}],
        )

    @staticmethod
    def _reference(raw: bytes, verdict: dict[str, Any]) -> EvidenceReference:
        facts = verdict["facts"] or {}
        return EvidenceReference(
            name=evidence_label(facts.get("predicateType") or ""),
            digest=sha256_hex(raw),
            media_type=media_type_of(detect_format(raw)),
            verdict=verdict["result"],
            verdict_digest=sha256_hex(canonical_bytes(verdict)),
            signer=signer_label(facts.get("signer")),
            verified_at=NOON,
        )


def alice(**changes: Any) -> Signing:
    """Return alice signing with a passkey of her own."""
    return Signing(**{"passkey": SoftPasskey(), **changes})


__all__ = ["ARTIFACT", "BOB", "NOON", "ORIGIN", "POLICY", "PRODUCTION", "STATEMENT", "Signing", "World", "alice", "make_verdict"]
