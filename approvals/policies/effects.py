"""Whether what people approved about the portal's own rules has taken effect: then it is decided for good."""

from __future__ import annotations

from approvals.models import PolicyActivation, Request, Waiver


def has_taken_effect(request: Request) -> bool:
    """Say whether a policy came into force, or a rule was waived, because of this request. Reads only."""
    if request.kind == Request.Kind.POLICY_CHANGE:
        return PolicyActivation.objects.filter(request=request).exists()
    return request.kind == Request.Kind.EXCEPTION and Waiver.objects.filter(request=request).exists()
