"""What must still be true when a gate is asked, beyond what was true when people signed.

Reads only. Each check answers with a reason or with nothing. Not checked: anything the signed material already shows.
"""

from __future__ import annotations

from datetime import datetime

from approvals.expectations import active_expectations
from approvals.models import Approval, Request, Revision
from approvals.named_signers import named_in
from approvals.path import standing_contradictions
from approvals.policies import active_policy
from approvals.refresh import is_outdated
from attestations.blobs import bytes_of
from attestations.queries import pending_about
from attestations.reverify import unsettled_about
from gates.evidence_today import check_evidence_today
from gates.reasons import Reason
from identities.models import Identity
from identities.permissions import roles_of
from identities.standing import in_words, why_not_answering
from proofs.approval.human_approval import parse_human_approval
from proofs.canonical import parse_canonical
from proofs.policy.evaluate import CountedApproval, count_approvals, exclusions, parse_policy


def check_present_facts(request: Request, *, digest: str, now: datetime) -> list[Reason]:
    """Return the reasons why a request that verifies on paper must not open the gate for `digest` today.

    Refuses as evaluating the policy does.
    """
    revision = request.revisions.select_related("policy__document", "policy_input").order_by("-number").first()
    if revision is None:
        return [Reason("approval.missing", "This request was never frozen for review.", request_id=request.pk)]
    reasons = [
        *_check_policy(request, revision),
        *_check_requester(request),
        *_check_approvers(request, revision),
        *check_evidence_today(revision, now=now),
        *_check_pending(request, revision, digest),
    ]
    if not reasons and is_outdated(revision):
        reasons = [Reason("evidence.changed", "Evidence that came in after the approval changes a rule or a finding; it needs a new look.")]
    return [Reason(reason.code, reason.sentence, request_id=request.pk) for reason in reasons]


def check_path_stands(request: Request, *, digest: str) -> list[Reason]:
    """Return the reasons that observers gave against promoting `digest`: another digest under its name, or it under another's."""
    standing = standing_contradictions(digest, environment=request.environment, project=request.project)
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
        if key is not None and key.revoked_at is not None:
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


def _check_pending(request: Request, revision: Revision, digest: str) -> list[Reason]:
    """Evidence about this artifact that the team has sent and nobody has verified yet, or that is to be verified again because something
    changed, may be what contradicts the rest: wait for it."""
    team = request.project.team
    pending = pending_about(digest, team=team)
    if pending:
        return [Reason("evidence.pending", f"Evidence {pending[0].pk} about this artifact has come in and is not verified yet; ask again.")]
    unsettled = unsettled_about(digest, team=team, named=named_in(revision)).first()
    if unsettled:
        words = f"Evidence {unsettled.attestation_id} about this artifact is to be verified again, because something it rests on changed; ask again."
        return [Reason("evidence.pending", words)]
    return []
