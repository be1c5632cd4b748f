"""Under which policy an exception is decided: the people that the policy in force names for its waivers. Reads only."""

from __future__ import annotations

from approvals.models import Request
from approvals.policies.effects import has_taken_effect
from approvals.policies.versions import active_policy
from attestations.blobs import bytes_of
from proofs.approval.waiver_terms import WaiverTerms, parse_waiver
from proofs.canonical import parse_canonical
from proofs.errors import Conflict
from proofs.policy.derived import policy_for_exception
from proofs.policy.waiving import is_same_rule


def derive_policy_for_exception(request: Request) -> bytes:
    """Return the policy that a request of kind exception is decided under.

    Refuses with `policy.missing`, with `waiver.rule_changed` when the policy in force has another rule of that name or none, and with
    `waiver.not_possible` when it allows no waivers any more.
    """
    if has_taken_effect(request):
        newest = request.revisions.select_related("policy__document").order_by("-number").first()
        assert newest is not None
        return bytes_of(newest.policy.document)
    policy = active_policy(project=request.project, environment=request.environment)
    if policy is None:
        raise Conflict("policy.missing", f"no policy is in force for {request.project} in {request.environment.name}")
    document, terms = parse_canonical(bytes_of(policy.document)), terms_asked(request)
    if not is_same_rule(terms, document):
        raise Conflict(
            "waiver.rule_changed", f"the rule {terms.rule_id} is not what it was when the exception was asked for; ask for it anew"
        )
    return policy_for_exception(document)


def terms_asked(request: Request) -> WaiverTerms:
    """Return the terms that a request of kind exception asks for. Refuses as `parse_waiver` does."""
    assert request.subject is not None
    return parse_waiver(bytes_of(request.subject))
