"""Propose that a policy version comes into force: a request of kind policy-change, on which policy owners sign what changes, in words.

An older version may be proposed again: that is how a change is taken back. Not checked here: whether the policy is a good one.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from approvals.models import PolicyActivation, PolicyVersion, Request
from approvals.policies.versions import activation_in_force, mode_of
from approvals.requests.open_about_document import open_about_document
from attestations.blobs import bytes_of
from identities.models import Environment, Identity, Project
from identities.permissions import demand
from proofs.approval.policy_change import MAX_DIFFERENCES, InForce, PolicyChange, ToldDifference, build_policy_change
from proofs.canonical import parse_canonical
from proofs.errors import Conflict, Malformed
from proofs.policy.compare import Difference, compare_policies


@transaction.atomic
def propose_policy(
    *, policy: PolicyVersion, project: Project, environment: Environment, mode: str, by: Identity, now: datetime, note: str = ""
) -> Request:
    """Open the request to put `policy` into force for a project and environment, in `mode` (observe, warn or enforce).

    Refuses with `permission.missing` unless `by` is a policy owner of the project, with `policy.mode`, with `policy_change.nothing` when
    exactly that is in force, and as `open_about_document` does.
    """
    demand(by, "policies.decide", project=project)
    if mode not in PolicyActivation.Mode.values:
        raise Malformed("policy.mode", f"got the mode {mode[:40]!r}, expected one of {', '.join(PolicyActivation.Mode.values)}")
    before = activation_in_force(project=project, environment=environment)
    if before is not None and (before.policy_id, mode_of(before)) == (policy.digest, mode):
        raise Conflict("policy_change.nothing", f"{policy} is in force for {project} in {environment.name} already, in mode {mode}")
    document = build_policy_change(
        PolicyChange(
            policy_id=policy.policy_id,
            version=policy.version,
            digest=policy.digest,
            project=project.slug,
            environment=environment.slug,
            mode=mode,
            previous=InForce(before.policy_id, str(mode_of(before))) if before else None,
            differences=tell(compare_with_force(policy=policy, mode=mode, before=before)),
        )
    )
    return open_about_document(
        kind=Request.Kind.POLICY_CHANGE,
        project=project,
        environment=environment,
        title=f"Policy {policy.policy_id} {policy.version}, {mode}"[:200],
        subject=document,
        name=f"policy-change {policy.policy_id} {policy.version}",
        by=by,
        now=now,
        note=note,
    )


def compare_with_force(*, policy: PolicyVersion, mode: str, before: PolicyActivation | None) -> list[Difference]:
    """Return how `policy` in `mode` differs from what is in force, what is loosened first. Reads only."""
    return compare_policies(
        parse_canonical(bytes_of(before.policy.document)) if before else None,
        parse_canonical(bytes_of(policy.document)),
        mode_before=str(mode_of(before)) if before else None,
        mode=mode,
    )


def tell(found: list[Difference]) -> tuple[ToldDifference, ...]:
    """Return the differences as a document names them, at most `MAX_DIFFERENCES`; where there are more, the last says so."""
    told = tuple(ToldDifference(item.rule, item.change, item.is_loosening, item.words) for item in found)
    if len(told) <= MAX_DIFFERENCES:
        return told
    # What is loosened comes first, so what is cut off loosens only where everything shown does.
    rest = told[MAX_DIFFERENCES - 1 :]
    more = ToldDifference("", "changed", True, f"and {len(rest)} more differences; read both documents whole")
    return (*told[: MAX_DIFFERENCES - 1], more)
