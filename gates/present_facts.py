"""What must still be true when a gate is asked, beyond what was true when people signed.

Reads only. Each check answers with a reason or with nothing. Not checked: anything the signed material already shows.
"""

from __future__ import annotations

from approvals.models import Approval, Request, Revision
from approvals.policies import active_policy
from approvals.refresh import is_outdated
from attestations.models import Verdict
from attestations.queries import latest_verdict
from gates.reasons import Reason
from identities.models import Identity
from identities.permissions import may
from proofs.errors import Refusal


def check_present_facts(request: Request) -> list[Reason]:
    """Return the reasons why a request that verifies on paper must not open the gate today."""
    revision = request.revisions.select_related("policy").order_by("-number").first()
    if revision is None:
        return [Reason("approval.missing", "This request was never frozen for review.", request_id=request.pk)]
    reasons = [*_check_policy(request, revision), *_check_signers(request, revision), *_check_verdicts(revision)]
    if not reasons:
        reasons = _check_later_evidence(revision)
    return [Reason(reason.code, reason.sentence, request_id=request.pk) for reason in reasons]


def _check_policy(request: Request, revision: Revision) -> list[Reason]:
    policy = active_policy(project=request.project, environment=request.environment)
    if policy is None:
        return [Reason("policy.missing", f"No policy is active for {request.project} in {request.environment.name}.")]
    if policy.digest != revision.policy_id:
        return [Reason("policy.mismatch", f"The request was approved under {revision.policy}; {policy} is in force now.")]
    return []


def _check_signers(request: Request, revision: Revision) -> list[Reason]:
    reasons = []
    approvals = revision.approvals.select_related("identity", "signing_key").filter(decision=Approval.Decision.APPROVE)
    for approval in approvals:
        if approval.signing_key.revoked_at is not None:
            reasons.append(
                Reason(
                    "signer.revoked",
                    f"{approval.identity} signed with a key that was revoked at {approval.signing_key.revoked_at:%Y-%m-%d %H:%M} UTC.",
                )
            )
        if approval.identity.status != Identity.Status.ACTIVE:
            reasons.append(
                Reason("signer.inactive", f"{approval.identity} signed, and is {approval.identity.get_status_display().lower()} now.")
            )
        elif not may(approval.identity, "requests.decide", project=request.project).allowed:
            reasons.append(
                Reason("signer.role_lost", f"{approval.identity} signed as an approver, and is none in {request.project} any more.")
            )
    return reasons


def _check_verdicts(revision: Revision) -> list[Reason]:
    reasons = []
    for item in revision.evidence.select_related("attestation", "verdict", "verdict__signer"):
        latest = latest_verdict(item.attestation)
        if latest is None or latest.result != item.verdict.result:
            now = Verdict.Result(latest.result).label.lower() if latest else "gone"
            reasons.append(
                Reason(
                    "evidence.verdict_changed",
                    f"Evidence {item.attestation_id} was {item.verdict.result} when people signed; it is {now} now.",
                )
            )
        signer = item.verdict.signer
        if signer is not None and signer.status == Identity.Status.SUSPENDED:
            reasons.append(
                Reason("evidence.signer_suspended", f"Evidence {item.attestation_id} was signed by {signer}, which is suspended.")
            )
    return reasons


def _check_later_evidence(revision: Revision) -> list[Reason]:
    """Weigh evidence that came in after people signed: it shuts the gate when a rule or a finding would come out differently."""
    try:
        outdated = is_outdated(revision)
    except Refusal as refusal:
        return [Reason(refusal.code, refusal.reason)]
    if outdated:
        return [Reason("evidence.changed", "Evidence that came in after the approval changes a rule or a finding; it needs a new look.")]
    return []
