"""Is somebody kept from a request by who they are to it: who asks, for whom, or who answers for the program that asks?"""

from __future__ import annotations

from typing import Any

from approvals.models import Request
from identities.models import Identity
from proofs.policy.evaluate import Policy, exclusions


def is_excluded(request: Request, policy: Policy, person: Identity) -> bool:
    """Say whether the policy bars `person` because of that alone. Who made it is looked at elsewhere."""
    people = {"requester": request.requester, "onBehalfOf": request.on_behalf_of, "owner": request.requester.owner}
    asked: dict[str, Any] = {name: {"issuer": who.issuer, "subject": who.subject} if who else None for name, who in people.items()}
    asked["kind"] = str(request.kind)
    barred = {(item["issuer"], item["subject"]) for item in exclusions(policy, asked)}
    return (person.issuer, person.subject) in barred
