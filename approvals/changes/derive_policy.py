"""Under which policy a change of policy is decided: two policy owners, or the only one there is.

Asked anew each time, so a second owner who comes while a change is open is asked as well. Reads only.
"""

from __future__ import annotations

from approvals.models import PolicyVersion, Request
from approvals.policies.effects import has_taken_effect
from approvals.policies.versions import activation_in_force, mode_of, policy_owners
from attestations.blobs import bytes_of
from proofs.approval.policy_change import InForce, PolicyChange, parse_policy_change
from proofs.errors import Conflict
from proofs.policy.derived import policy_for_change
from proofs.policy.evaluate import parse_policy

# What a change would replace is not in force any more.
OVERTAKEN = "policy_change.overtaken"


def derive_policy_for_change(request: Request) -> bytes:
    """Return the policy that a request of kind policy-change is decided under.

    Refuses with `policy_change.overtaken` when what it would replace is not in force any more: what people would sign is not what would change.
    """
    change = change_of(request)
    if not has_taken_effect(request):
        refuse_if_overtaken(request, change)
    measure = change.previous.digest if change.previous else change.digest
    level = parse_policy(bytes_of(PolicyVersion.objects.select_related("document").get(pk=measure).document)).minimum_assurance
    return policy_for_change(minimum_assurance=level, owners=len(policy_owners(request.project)))


def change_of(request: Request) -> PolicyChange:
    """Return the change that a request of kind policy-change is about. Refuses as `parse_policy_change` does."""
    assert request.subject is not None
    return parse_policy_change(bytes_of(request.subject))


def refuse_if_overtaken(request: Request, change: PolicyChange) -> None:
    """Refuse with `policy_change.overtaken` unless exactly that is in force which the change says it replaces."""
    activation = activation_in_force(project=request.project, environment=request.environment)
    current = InForce(activation.policy_id, str(mode_of(activation))) if activation else None
    if current != change.previous:
        words = f"{activation.policy} in mode {mode_of(activation)}" if activation else "no policy"
        raise Conflict(OVERTAKEN, f"{words} is in force now, and the change was proposed in place of another; propose it anew")
