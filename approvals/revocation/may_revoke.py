"""May this person revoke this approval? Refuses with its reason, for acts and pages alike. Reads only."""

from __future__ import annotations

from approvals.models import Approval, ApprovalRevocation
from identities.models import Identity, RoleAssignment
from identities.permissions import demand, roles_of
from proofs.errors import Conflict, NotAllowed

# How many who answer for security it takes to revoke what somebody else gave.
OFFICERS_NEEDED = 2


def refuse_if_not_revocable(*, approval: Approval, by: Identity) -> None:
    """Return when `by` may sign that `approval` counts no more: who gave it, or a holder of approver:security there.

    Refuses with `permission.missing`, with `revocation.not_yours`, with `revocation.not_an_approval` for a no, with `revocation.ended` for
    one that ended, and with `revocation.already_signed` for the second time.
    """
    project = approval.revision.request.project
    demand(by, "approvals.revoke", project=project)
    if approval.decision != Approval.Decision.APPROVE:
        raise Conflict("revocation.not_an_approval", "only an approval can be revoked; a no is taken back by a new revision of the request")
    if hasattr(approval, "end"):
        raise Conflict("revocation.ended", "this approval counts no more already")
    if approval.identity_id != by.pk and not _answers_for_security(by, approval):
        raise NotAllowed(
            "revocation.not_yours", "somebody else gave this approval; it is revoked by them or by two who hold approver:security here"
        )
    if ApprovalRevocation.objects.filter(approval=approval, signed__identity=by).exists():
        raise Conflict(
            "revocation.already_signed", "you have signed that this approval is revoked; another security approver has to as well"
        )


def is_enough(approval: Approval) -> bool:
    """Return whether those who signed suffice: its own approver, or two different people who answer for security there today."""
    rows = ApprovalRevocation.objects.filter(approval=approval).select_related("signed__identity")
    people = {row.signed.identity_id: row.signed.identity for row in rows}
    if approval.identity_id in people:
        return True
    return sum(_answers_for_security(person, approval) for person in people.values()) >= OFFICERS_NEEDED


def _answers_for_security(person: Identity, approval: Approval) -> bool:
    held = {str(role.role) for role in roles_of(person, project=approval.revision.request.project)}
    return person.status == Identity.Status.ACTIVE and RoleAssignment.Role.APPROVER_SECURITY in held
