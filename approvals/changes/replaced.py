"""What a change of a project's rules would replace: a policy at one place, or the project's expectations. Reads only."""

from __future__ import annotations

from approvals.models import PolicyActivation, PolicyVersion, Request
from approvals.policies.expectations import active_expectations
from approvals.policies.versions import activation_in_force, mode_of
from attestations.blobs import bytes_of
from identities.models import Project
from proofs.approval.assurance import reaches_level
from proofs.approval.expectations_change import EXPECTATIONS_CHANGE_SCHEMA, ExpectationsChange, parse_expectations_change
from proofs.approval.policy_change import InForce, PolicyChange, parse_policy_change
from proofs.canonical import parse_canonical
from proofs.errors import Conflict
from proofs.policy.evaluate import parse_policy

# What a change would replace is not in force any more.
OVERTAKEN = "policy_change.overtaken"


def change_of(request: Request) -> PolicyChange | ExpectationsChange:
    """Return the change that a request of kind policy-change is about. Refuses as `parse_policy_change` and `parse_expectations_change` do."""
    assert request.subject is not None
    content = bytes_of(request.subject)
    is_expectations = parse_canonical(content).get("schema") == EXPECTATIONS_CHANGE_SCHEMA
    return parse_expectations_change(content) if is_expectations else parse_policy_change(content)


def refuse_if_overtaken(request: Request, change: PolicyChange | ExpectationsChange) -> None:
    """Refuse with `policy_change.overtaken` unless exactly that is in force which the change says it replaces."""
    if isinstance(change, ExpectationsChange):
        expected = active_expectations(request.project)
        if (expected.digest if expected else "") != change.previous:
            words = f"version {expected.version} of the expectations" if expected else "no version of the expectations"
            raise Conflict(OVERTAKEN, f"{words} is in force now, and the change was proposed in place of another; propose it anew")
        return
    activation = activation_in_force(project=request.project, environment=request.environment)
    current = InForce(activation.policy_id, str(mode_of(activation))) if activation else None
    if current != change.previous:
        words = f"{activation.policy} in mode {mode_of(activation)}" if activation else "no policy"
        raise Conflict(OVERTAKEN, f"{words} is in force now, and the change was proposed in place of another; propose it anew")


def level_of_change(request: Request, change: PolicyChange | ExpectationsChange) -> str:
    """Return the level at which policy owners answer: that of the policy that is replaced, or the highest that any policy of the project asks."""
    if isinstance(change, PolicyChange):
        measure = change.previous.digest if change.previous else change.digest
        return _level(PolicyVersion.objects.select_related("document").get(pk=measure))
    levels = [_level(activation.policy) for activation in policies_in_force(request.project)]
    return max(levels, key=lambda level: sum(reaches_level(level, other) for other in levels))


def policies_in_force(project: Project) -> list[PolicyActivation]:
    """Return the activation that counts at each place of a project, the place of the highest tier first.

    Refuses with `policy.missing` where there is none at all."""
    rows = PolicyActivation.objects.filter(project=project).select_related("policy__document", "environment").order_by("entry_id")
    newest = {row.environment_id: row for row in rows}
    if not newest:
        raise Conflict(
            "policy.missing", f"no policy is in force for {project} anywhere, so nothing reads its expectations; begin with a policy"
        )
    return sorted(newest.values(), key=lambda row: (-row.environment.tier, row.environment.slug))


def _level(policy: PolicyVersion) -> str:
    return parse_policy(bytes_of(policy.document)).minimum_assurance
