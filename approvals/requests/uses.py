"""Whether an approved action or rotation, which a gate lets through once, was let through. Reads only."""

from __future__ import annotations

from approvals.models import ApprovalUse, Request

USED = "approval.used"
HAVE_USES = (Request.Kind.AGENT_ACTION, Request.Kind.ROTATION)


def has_uses(request: Request) -> bool:
    """Say whether a gate lets `request` through once: an action of an agent, a rotation of keys."""
    return request.kind in HAVE_USES


def is_used(request: Request) -> bool:
    """Say whether an action or a rotation was let through. What goes on running has no uses to count."""
    return has_uses(request) and ApprovalUse.objects.filter(request=request.pk).exists()
