"""Under which policy a change of a project's rules is decided: two policy owners, or the only one there is.

Asked anew each time, so a second owner who comes while a change is open is asked as well. Reads only.
"""

from __future__ import annotations

from approvals.changes.replaced import change_of, level_of_change, refuse_if_overtaken
from approvals.models import Request
from approvals.policies.effects import has_taken_effect
from approvals.policies.versions import policy_owners
from proofs.policy.derived import policy_for_change


def derive_policy_for_change(request: Request) -> bytes:
    """Return the policy that a request of kind policy-change is decided under.

    Refuses with `policy_change.overtaken` when what it would replace is not in force any more: what people would sign is not what would change.
    """
    change = change_of(request)
    if not has_taken_effect(request):
        refuse_if_overtaken(request, change)
    return policy_for_change(minimum_assurance=level_of_change(request, change), owners=len(policy_owners(request.project)))
