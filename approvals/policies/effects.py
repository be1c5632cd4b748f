"""Whether what people approved about the portal's own rules has taken effect: then it is decided for good."""

from __future__ import annotations

from approvals.models import BreakGlassReview, ExpectationsActivation, PolicyActivation, Request, Waiver


def has_taken_effect(request: Request) -> bool:
    """Say whether a policy or expectations came into force, a rule was waived, or the review of a break-glass concluded, because of this request. Reads only."""
    if request.kind == Request.Kind.POLICY_CHANGE:
        activations = (PolicyActivation, ExpectationsActivation)
        return any(model._default_manager.filter(request=request).exists() for model in activations)
    if request.kind == Request.Kind.BREAK_GLASS_REVIEW:
        return BreakGlassReview.objects.filter(break_glass__review=request).exists()
    return request.kind == Request.Kind.EXCEPTION and Waiver.objects.filter(request=request).exists()
