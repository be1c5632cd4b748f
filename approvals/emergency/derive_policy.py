"""Under which policy a break-glass is reviewed: the reviewers named by the policy that it went past. Reads only."""

from __future__ import annotations

from approvals.models import PolicyVersion, Request
from attestations.blobs import bytes_of
from proofs.approval.subjects import parse_subject
from proofs.canonical import parse_canonical
from proofs.errors import Conflict
from proofs.policy.derived import policy_for_review


def derive_policy_for_review(request: Request) -> bytes:
    """Return the policy that a request of kind break-glass-review is decided under. It follows no later policy: nobody changes the reviewers
    after the glass is broken.

    Refuses with `policy.missing` where the policy it went past is not stored, and with `break_glass.not_possible`.
    """
    assert request.subject is not None
    subject = parse_subject(bytes_of(request.subject), kind=Request.Kind.BREAK_GLASS_REVIEW)
    policy = PolicyVersion.objects.select_related("document").filter(pk=subject.sha256("policy")).first()
    if policy is None:
        raise Conflict("policy.missing", "the policy that the break-glass went past is not known here")
    return policy_for_review(parse_canonical(bytes_of(policy.document)))
