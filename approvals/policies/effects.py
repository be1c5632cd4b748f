"""Whether what people approved about the portal's own rules has taken effect: then it is decided for good."""

from __future__ import annotations

from approvals.models import BreakGlassReview, PolicyActivation, Request, Waiver


def has_taken_effect(request: Request) -> bool:
    """Say whether a policy came into force, a rule was waived, or the review of a break-glass concluded, because of this request. Reads only."""
    if request.kind == Request.Kind.POLICY_CHANGE:
        return PolicyActivation.objects.filter(request=request).exists()
    if request.kind == Request.Kind.BREAK_GLASS_REVIEW:
        return BreakGlassReview.objects.filter(break_glass__review=request).exists()
    return request.kind == Request.Kind.EXCEPTION and Waiver.objects.filter(request=request).exists()
