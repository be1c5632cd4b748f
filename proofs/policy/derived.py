"""Policies that nobody wrote: under which people decide about a change of policy, an exception from one, and a break-glass afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proofs.approval.assurance import reaches_level
from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.errors import Conflict
from proofs.policy.document import POLICY_SCHEMA

POLICY_OWNER = "policy-owner"
# Nobody's rules change by less than a passkey of their own, or a sign-in with two factors.
LOWEST_LEVEL = "H2"
CHANGE_HOURS = 24
EXCEPTION_HOURS = 72
REVIEW_HOURS = 168


def policy_for_exception(document: Mapping[str, Any]) -> bytes:
    """Return the canonical policy that an exception from the policy `document` (as parsed) is decided by: the people its `waivers` name.

    Refuses with `waiver.not_possible` where it names none.
    """
    waivers = document.get("waivers")
    if not waivers:
        raise Conflict("waiver.not_possible", "the policy says nothing of waivers, so none of its rules can be waived")
    return derived_policy(
        policy_id=f"exception-{sha256_hex(str(document['id']).encode())[:12]}",
        title=f"Exceptions from {document['id']}",
        minimum_assurance=document["minimumAssurance"],
        validity_hours=EXCEPTION_HOURS,
        rules=[
            {
                "id": f"agrees-{number}",
                "kind": "approvals",
                "title": f"Agrees to the exception: {wanted['role']}",
                "role": wanted["role"],
                "count": wanted["count"],
            }
            for number, wanted in enumerate(waivers["approvals"], start=1)
        ],
    )


def policy_for_review(document: Mapping[str, Any]) -> bytes:
    """Return the canonical policy that a break-glass past the policy `document` (as parsed) is reviewed under: the reviewers it names.

    Whoever broke the glass asks for the review, and whoever asks never decides. Refuses with `break_glass.not_possible`.
    """
    bounds = document.get("breakGlass")
    if not bounds:
        raise Conflict("break_glass.not_possible", "the policy says nothing of breaking the glass, so nobody can go past it")
    wanted = bounds["reviewers"]
    return derived_policy(
        policy_id=f"break-glass-review-{sha256_hex(str(document['id']).encode())[:12]}",
        title=f"Review of a break-glass past {document['id']}",
        minimum_assurance=document["minimumAssurance"],
        validity_hours=REVIEW_HOURS,
        rules=[
            {
                "id": "reviewers",
                "kind": "approvals",
                "title": f"Looked at it: {wanted['role']}",
                "role": wanted["role"],
                "count": wanted["count"],
            }
        ],
    )


def policy_for_change(*, minimum_assurance: str, owners: int = 2) -> bytes:
    """Return the canonical policy that a change of policy is decided by: two different policy owners, of whom one may have proposed it.

    `minimum_assurance` is the level of the policy that is replaced: whoever loosens a rule is no less sure than whoever keeps it. It is
    never below `LOWEST_LEVEL`. Where `owners` is 1, there is only one policy owner, and their single answer suffices.
    """
    only = owners == 1
    level = minimum_assurance if reaches_level(minimum_assurance, LOWEST_LEVEL) else LOWEST_LEVEL
    return derived_policy(
        policy_id="policy-change",
        title="A change of policy",
        minimum_assurance=level,
        validity_hours=CHANGE_HOURS,
        rules=[
            {
                "id": "policy-owners",
                "kind": "approvals",
                "title": "The only policy owner" if only else "Two policy owners",
                "role": POLICY_OWNER,
                "count": 1 if only else 2,
            },
            {
                "id": "two-people",
                "kind": "separation-of-duties",
                "title": "Whoever proposes may answer" if only else "Whoever proposes may be one of the two",
                "requesterMayApprove": True,
            },
        ],
    )


def derived_policy(*, policy_id: str, title: str, minimum_assurance: str, validity_hours: int, rules: list[dict[str, Any]]) -> bytes:
    """Return the canonical bytes of a policy nobody wrote. Its version is the beginning of a digest of the rest, so that equal ones are one."""
    document = {
        "schema": POLICY_SCHEMA,
        "id": policy_id,
        "title": title,
        "minimumAssurance": minimum_assurance,
        "validityHours": validity_hours,
        "rules": rules,
    }
    return canonical_bytes({**document, "version": sha256_hex(canonical_bytes(document))[:16]})
