"""Build the statement one person is asked to sign, from a frozen revision and nothing newer.

What is shown is what is hashed is what is signed: the bytes made here give the challenge, the confirmation page and the record.
Whether the person may sign at all is checked in `approvals.signing.begin_signing`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from approvals.models import Delegation, Request, Revision
from approvals.requests.snapshot import read_snapshot
from attestations.blobs import bytes_of
from identities.models import Identity, RoleAssignment
from identities.permissions import roles_of
from ledger.models import Checkpoint
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
    SignInReference,
    StandingIn,
    Validity,
)
from proofs.approval.human_approval import build_human_approval
from proofs.approval.person_statement import parse_person_statement
from proofs.approval.reason_codes import REASON_CODES
from proofs.approval.review_words import add_stead, evidence_label, media_type_of, missing_evidence, signer_label, summarise
from proofs.approval.subjects import ACTION_MINUTES
from proofs.canonical import parse_canonical
from proofs.digest import parse_digest
from proofs.encoding import b64url_encode
from proofs.moment import parse_moment
from proofs.pack.check_comparison import baseline_record
from proofs.policy.evaluate import Policy, project_scope, team_scope


@dataclass(frozen=True)
class SigningSession:
    """The sign-in session a ceremony belongs to, and how and when the person signed in."""

    session_hash: str
    authenticated_by: str
    authenticated_at: datetime


def build_statement(
    *,
    revision: Revision,
    policy: Policy,
    decision: str,
    justification: str,
    reason_codes: Sequence[str],
    acknowledged: Sequence[tuple[str, str]],
    by: Identity,
    signer: SignerReference | SignInReference,
    session: SigningSession,
    ceremony_id: str,
    log_head: Checkpoint,
    expires_at: datetime,
    now: datetime,
    in_stead: Delegation | None = None,
) -> bytes:
    """Return the canonical payload for one person's decision about one revision. `now` has whole seconds.

    Refuses with `approval.malformed` when the values do not make a statement.
    """
    snapshot = read_snapshot(bytes_of(revision.snapshot))
    facts, request, standing, environment = snapshot["policy"], revision.request, _standing_in(in_stead), snapshot["environment"]
    return build_human_approval(
        HumanApproval(
            artifacts=tuple(ApprovedArtifact(item["name"], (parse_digest(item["digest"]),)) for item in snapshot["artifacts"]),
            decision=decision,
            request=RequestReference(request.pk, revision.number, str(request.kind), revision.digest),
            environment=EnvironmentReference(environment["id"], environment["slug"], environment["tier"]),
            approver=approver_of(by, roles_of(by, project=request.project), session, now),
            signer=signer,
            policy=PolicyReference(
                id=facts["id"],
                version=facts["version"],
                digest=facts["digest"]["sha256"],
                input_digest=facts["inputDigest"]["sha256"],
                result_digest=facts["resultDigest"]["sha256"],
                result=facts["result"],
                engine_version=settings.VERSION,
                exceptions=tuple(item["digest"] for item in parse_canonical(bytes_of(revision.policy_input)).get("waivers", ())),
            ),
            evidence=tuple(_evidence(item) for item in snapshot["evidence"]),
            missing_evidence=missing_evidence(facts["rules"]),
            review=_review(revision, snapshot, decision, standing, acknowledged),
            justification=justification,
            separation_of_duties=_duties(snapshot, policy),
            validity=Validity(now, now, now + _how_long(request, policy)),
            ceremony=SigningCeremony(
                id=ceremony_id,
                nonce=b64url_encode(secrets.token_bytes(32)),
                rp_id=settings.RP_ID,
                origin=settings.ORIGIN,
                expires_at=expires_at,
                log_head=LogHead(settings.LOG_ORIGIN, log_head.size, bytes(log_head.root)),
            ),
            reason_codes=tuple(code for code in REASON_CODES if code in reason_codes),
            standing_in_for=standing,
        )
    )


def _review(
    revision: Revision, snapshot: Mapping[str, Any], decision: str, standing: StandingIn | None, acknowledged: Sequence[tuple[str, str]]
) -> ReviewReference:
    return ReviewReference(
        revision.snapshot_id,
        add_stead(summarise(snapshot, decision), standing),
        settings.VERSION,
        acknowledged=tuple(acknowledged),
        baseline=baseline_record(snapshot.get("comparison")),
    )


def _standing_in(in_stead: Delegation | None) -> StandingIn | None:
    if in_stead is None:
        return None
    # Named as they signed it, so that whoever holds both statements finds the same.
    person = parse_person_statement(bytes(in_stead.signed.payload)).person
    return StandingIn(person.issuer, person.subject, person.username, in_stead.signed.payload_digest)


def _how_long(request: Request, policy: Policy) -> timedelta:
    hours = timedelta(hours=policy.validity_hours)
    return min(hours, timedelta(minutes=ACTION_MINUTES)) if request.kind == Request.Kind.AGENT_ACTION else hours


def approver_of(by: Identity, roles: Sequence[RoleAssignment], session: SigningSession, now: datetime) -> Approver:
    """Return who signs, with the roles given, as a statement names them."""
    user = getattr(by, "user", None)
    return Approver(
        issuer=by.issuer,
        subject=by.subject,
        username=user.username if user else by.name,
        roles=tuple(
            HeldRole(str(role.role), project_scope(role.project.slug) if role.project else team_scope(role.team.slug), "portal", now)
            for role in roles
        ),
        authenticated_by=session.authenticated_by,
        authenticated_at=session.authenticated_at.replace(microsecond=0),
    )


def _evidence(item: Mapping[str, Any]) -> EvidenceReference:
    return EvidenceReference(
        name=evidence_label(item["predicateType"]),
        digest=item["digest"]["sha256"],
        media_type=media_type_of(item["format"]),
        verdict=item["result"],
        verdict_digest=item["verdictDigest"]["sha256"],
        signer=signer_label(item["signer"]),
        verified_at=parse_moment(item["verifiedAt"], code="approval.malformed", what="verifiedAt"),
    )


def _duties(snapshot: Mapping[str, Any], policy: Policy) -> SeparationOfDuties:
    requester, behalf, owner = snapshot["requester"], snapshot["onBehalfOf"], snapshot["owner"]
    rule = policy.separation_rule
    return SeparationOfDuties(
        rule_id=rule.id if rule else "none",
        requester=Party(
            kind=requester["kind"],
            issuer=requester["issuer"],
            subject=requester["subject"],
            on_behalf_of=(behalf["issuer"], behalf["subject"]) if behalf else None,
            owner=(owner["issuer"], owner["subject"]) if owner else None,
        ),
        excluded=tuple(ExcludedParty(item["issuer"], item["subject"], tuple(item["because"])) for item in snapshot["policy"]["excluded"]),
        result="pass",
        required=policy.required_approvals,
    )
