"""May somebody answer in another's stead, and with which of their roles? Two signed statements and a policy in, roles out.

The portal asks this before it offers the statement, when it counts, and an auditor offline with the same code. Nobody passes on what was
delegated to them: the roles that count are those the delegator held as their own when they signed. Not checked here: the signatures
(`proofs.pack.verify_person_statement`), who is excluded (`proofs.policy.count`), and whether the delegation was taken back.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from proofs.approval.approval_parts import HumanApproval
from proofs.approval.person_statement import Delegation, PersonStatement
from proofs.errors import NotAllowed, Unproven
from proofs.moment import rfc3339
from proofs.policy.document import Policy
from proofs.policy.policy_input import is_within

MAX_DELEGATION = timedelta(days=30)
# Those answered by approvers alone. Requests about the portal's own rules are answered by whom those are for.
KINDS = ("release", "promotion", "agent-action", "rotation")


def lent_roles(
    delegation: PersonStatement, *, digest: str, approval: HumanApproval, policy: Policy, policy_input: dict[str, Any]
) -> tuple[str, ...]:
    """Return the roles with which `approval` counts for whoever signed `delegation`, whose payload has the SHA-256 `digest`.

    Refuses with `delegation.mismatch` for another delegation than the approval names, or other people, and as `refuse_if_not_lent` does.
    """
    named, approver = approval.standing_in_for, approval.approver
    body = delegation.body
    if named is None or not isinstance(body, Delegation) or named.delegation != digest:
        raise Unproven("delegation.mismatch", "the approval names another delegation than the one given with it")
    given = delegation.person
    if (*named.person, named.username) != (given.issuer, given.subject, given.username) or body.delegate != (
        approver.issuer,
        approver.subject,
    ):
        raise Unproven("delegation.mismatch", f"{approver.subject} answers for {named.subject}; the delegation is between other people")
    return refuse_if_not_lent(
        delegation,
        environment=approval.environment.id,
        tier=approval.environment.tier,
        at=approval.validity.issued_at,
        policy=policy,
        policy_input=policy_input,
    )


def refuse_if_not_lent(
    delegation: PersonStatement, *, environment: str, tier: int, at: datetime, policy: Policy, policy_input: dict[str, Any]
) -> tuple[str, ...]:
    """Return the roles that a delegation lends at `at` for what `policy_input` describes, in the order it names them.

    Refuses with `delegation.mismatch`, `delegation.self`, `delegation.too_long`, `delegation.over` outside its time, `delegation.scope` for
    another project, team or environment, `delegation.forbidden` by policy or kind of request, and `delegation.role` where it lends none.
    """
    body, person = delegation.body, delegation.person
    if not isinstance(body, Delegation):
        raise Unproven("delegation.mismatch", "got a statement of another type, expected a delegation")
    if body.delegate == (person.issuer, person.subject):
        raise NotAllowed("delegation.self", f"{person.subject} delegated to themselves, expected somebody else")
    if body.ends_at - body.starts_at > MAX_DELEGATION:
        raise NotAllowed(
            "delegation.too_long", f"got a delegation of {body.ends_at - body.starts_at}, expected {MAX_DELEGATION.days} days at most"
        )
    if not max(body.starts_at, delegation.validity.issued_at) <= at < body.ends_at:
        window = f"from {rfc3339(body.starts_at)} until {rfc3339(body.ends_at)}"
        raise NotAllowed("delegation.over", f"the delegation of {person.subject} counts {window}, asked was {rfc3339(at)}")
    if not is_within(body.scope, policy_input) or (body.environments and environment not in body.environments):
        raise NotAllowed(
            "delegation.scope", f"the delegation of {person.subject} is for {body.scope}, and not for this project and environment"
        )
    if policy_input.get("kind", KINDS[0]) not in KINDS or not policy.lets_stand_in(tier):
        raise NotAllowed("delegation.forbidden", "the policy, or the kind of the request, lets nobody answer here in another's stead")
    held = {role.name for role in person.roles if is_within(role.scope, policy_input)}
    lent = tuple(role for role in body.roles if role in held)
    if not lent:
        raise NotAllowed("delegation.role", f"{person.subject} held none of {', '.join(body.roles)} here when they delegated them")
    return lent
