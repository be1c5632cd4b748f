"""What must still be true when a gate is asked, beyond what was true when people signed.

Reads only. Each check answers with a reason or with nothing. Not checked: anything the signed material already shows.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from approvals.expectations import active_expectations
from approvals.models import Approval, Request, Revision
from approvals.path import standing_contradictions
from approvals.policies import active_policy
from approvals.refresh import is_outdated
from attestations.blobs import bytes_of
from attestations.models import Verdict
from attestations.queries import latest_verdict, pending_about, verdict_document
from attestations.signer import CHECK as SIGNER_CHECK
from attestations.signer import check_signer_trusted_today
from gates.reasons import Reason
from identities.models import Identity
from identities.permissions import roles_of
from identities.standing import in_words, why_not_answering
from proofs.approval.human_approval import parse_human_approval
from proofs.canonical import parse_canonical
from proofs.moment import parse_moment
from proofs.policy.evaluate import CountedApproval, count_approvals, exclusions, parse_policy


def check_present_facts(request: Request, *, digest: str, now: datetime) -> list[Reason]:
    """Return the reasons why a request that verifies on paper must not open the gate for `digest` today.

    A retired signer's earlier evidence stays valid; a suspended or revoked one's does not. Refuses as evaluating the policy does.
    """
    revision = request.revisions.select_related("policy__document", "policy_input").order_by("-number").first()
    if revision is None:
        return [Reason("approval.missing", "This request was never frozen for review.", request_id=request.pk)]
    reasons = [
        *_check_policy(request, revision),
        *_check_requester(request),
        *_check_approvers(request, revision),
        *_check_evidence(revision, now),
        *_check_pending(request, digest),
    ]
    if not reasons and is_outdated(revision):
        reasons = [Reason("evidence.changed", "Evidence that came in after the approval changes a rule or a finding; it needs a new look.")]
    return [Reason(reason.code, reason.sentence, request_id=request.pk) for reason in reasons]


def check_path_stands(request: Request, *, digest: str) -> list[Reason]:
    """Return the reasons that observers gave against promoting `digest`: another digest under its name, or it under another's."""
    standing = standing_contradictions(digest, environment=request.environment)
    return [Reason(now.check.code, f"{now.check.sentence} Seen by {now.observation.identity}.", request_id=request.pk) for now in standing]


def _check_policy(request: Request, revision: Revision) -> list[Reason]:
    policy = active_policy(project=request.project, environment=request.environment)
    if policy is None:
        return [Reason("policy.missing", f"No policy is active for {request.project} in {request.environment.name}.")]
    if policy.digest != revision.policy_id:
        return [Reason("policy.mismatch", f"The request was approved under {revision.policy}; {policy} is in force now.")]
    if revision.expectations_digest is not None:
        expected = active_expectations(request.project)
        if (expected.digest if expected else "") != revision.expectations_digest:
            words = f"The request was approved under other expectations of {request.project} than are in force now."
            return [Reason("expectations.mismatch", words)]
    return []


def _check_requester(request: Request) -> list[Reason]:
    """Who asked must still answer for it: what a stolen agent asked for was not asked for by whom people thought."""
    why = why_not_answering(request.requester, signed_at=request.opened_at)
    if not why:
        return []
    return [Reason(f"requester.{why}", f"The request was opened by {request.requester}, and {in_words(request.requester, why)}.")]


def _check_approvers(request: Request, revision: Revision) -> list[Reason]:
    approvals = list(revision.approvals.select_related("identity", "signing_key").filter(decision=Approval.Decision.APPROVE))
    reasons = []
    for approval in approvals:
        person, key = approval.identity, approval.signing_key
        if key.revoked_at is not None:
            reasons.append(Reason("signer.revoked", f"{person} signed with a key that was revoked at {key.revoked_at:%Y-%m-%d %H:%M} UTC."))
        if person.status != Identity.Status.ACTIVE:
            reasons.append(Reason("signer.inactive", f"{person} signed, and is {person.get_status_display().lower()} now."))
    return reasons or _check_roles(request, revision, approvals)


def _check_roles(request: Request, revision: Revision, approvals: list[Approval]) -> list[Reason]:
    """Count the approvals again with the roles that were signed for and are still held: a role counts only while it lasts."""
    policy = parse_policy(bytes_of(revision.policy.document))
    counted, lost = [], []
    for approval in approvals:
        signed = {role.name for role in parse_human_approval(bytes(approval.payload)).approver.roles}
        held = signed & {str(assignment.role) for assignment in roles_of(approval.identity, project=request.project)}
        if held != signed:
            lost.append(f"{approval.identity} no longer holds {', '.join(sorted(signed - held))}")
        counted.append(CountedApproval(approval.identity.issuer, approval.identity.subject, tuple(sorted(held)), approval.level))
    rules = count_approvals(policy, counted, excluded=exclusions(policy, parse_canonical(bytes_of(revision.policy_input))))
    if all(rule["outcome"] == "pass" for rule in rules):
        return []
    return [Reason("signer.role_lost", "; ".join(lost) + "." if lost else "The approvals no longer fill every role the policy asks for.")]


def _check_evidence(revision: Revision, now: datetime) -> list[Reason]:
    reasons = []
    for item in revision.evidence.select_related("attestation", "verdict__document", "verdict__signer"):
        latest = latest_verdict(item.attestation)
        if latest is None or latest.result != item.verdict.result:
            result = Verdict.Result(latest.result).label.lower() if latest else "gone"
            words = f"Evidence {item.attestation_id} was {item.verdict.result} when people signed; it is {result} now."
            reasons.append(Reason("evidence.verdict_changed", words))
        document = verdict_document(item.verdict)
        for signer in _counted_signers(item.verdict, document):
            shutting = check_signer_trusted_today(signer, document["facts"], as_of=_as_of(document), at=now)
            if shutting is not None:
                code, sentence = shutting
                reasons.append(Reason(f"evidence.{code.replace('.', '_')}", f"Evidence {item.attestation_id}: {sentence}"))
    return reasons


def _counted_signers(verdict: Verdict, document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the verdict proved about each signer that could count then: the first one, also where nobody had registered it and nothing
    stood against it, and those who were registered and signed with it."""
    facts, known = document["facts"] or {}, {each["keyId"] for each in document.get("coIdentities", ()) if each["identity"]}
    refused = any(found["check"] == SIGNER_CHECK and found["outcome"] == "fail" for found in document.get("findings", ()))
    could_count = verdict.signer is not None or (verdict.result == Verdict.Result.VERIFIED and not refused)
    first = [facts["signer"]] if could_count else []
    return first + [signer for signer in facts.get("coSigners", ()) if signer["keyId"] in known]


def _as_of(document: dict[str, Any]) -> datetime:
    return parse_moment(document.get("asOf", document["verifiedAt"]), code="evidence.verdict_mismatch", what="the time of a verdict")


def _check_pending(request: Request, digest: str) -> list[Reason]:
    """Evidence the team has sent about this artifact and nobody has verified yet may be what contradicts the rest: wait for it."""
    pending = pending_about(digest, team=request.project.team)
    if not pending:
        return []
    return [Reason("evidence.pending", f"Evidence {pending[0].pk} about this artifact has come in and is not verified yet; ask again.")]
