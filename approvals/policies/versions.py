"""Policies: store each version by the digest of its canonical bytes, say which is in force.

Only the canonical document counts; the YAML is kept beside it to be read. Not checked here: whether a policy is a good one.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from approvals.models import PolicyActivation, PolicyVersion
from approvals.policies.source import policy_document
from attestations.blobs import store_blob
from identities.actors import actor_of
from identities.models import Environment, Identity, Project, RoleAssignment
from identities.read_once import once
from ledger.append import append_event
from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.errors import Conflict, Malformed, NotAllowed
from proofs.moment import rfc3339
from proofs.policy.document import parse_policy, refuse_widening


@transaction.atomic
def store_policy(*, source: str, by: Identity, now: datetime) -> PolicyVersion:
    """Store a policy version and write it into the ledger; the same document again gives the same row.

    Refuses as `policy_document` does, with `policy.widening` when a rule would let through more than none, and with
    `policy.version_exists` when this id and version already name another document.
    """
    document = policy_document(source)
    digest = sha256_hex(document)
    known = PolicyVersion.objects.filter(pk=digest).first()
    if known is not None:
        return known
    policy = parse_policy(document)
    refuse_widening(policy)
    if PolicyVersion.objects.filter(policy_id=policy.id, version=policy.version).exists():
        raise Conflict(
            "policy.version_exists", f"{policy.id} {policy.version} already names another document; give the changed one a new version"
        )
    blob = store_blob(document, now)
    row = PolicyVersion.objects.create(
        digest=digest, policy_id=policy.id, version=policy.version, document=blob, source=source, created_at=now
    )
    append_event(event="policy.published", ref_digest=digest, actor=actor_of(by), now=now)
    return row


@transaction.atomic
def activate_policy(
    *, policy: PolicyVersion, project: Project, environment: Environment, by: Identity, now: datetime, mode: str = "enforce"
) -> PolicyActivation:
    """Put a policy version into force for a project and environment, in `mode` (observe, warn or enforce).

    Refuses with `policy.owner_required` when `by` is no policy owner there, with `policy.two_owners_required` when there is
    more than one owner (then one person alone must not change the rules), and with `policy.mode`. An activation by the only owner is
    marked "one person".
    """
    demand_only_owner(project, by)
    if mode not in PolicyActivation.Mode.values:
        raise Malformed("policy.mode", f"got the mode {mode[:40]!r}, expected one of {', '.join(PolicyActivation.Mode.values)}")
    return record_activation(policy=policy, project=project, environment=environment, by=by, one_person=True, now=now, mode=mode)


def demand_only_owner(project: Project, by: Identity) -> None:
    """Return when `by` is the only policy owner of a project; refuses with `policy.owner_required` or `policy.two_owners_required`."""
    owners = policy_owners(project)
    if by.pk not in owners:
        raise NotAllowed("policy.owner_required", f"{by} is not a policy owner of {project}; only a policy owner changes its rules")
    if len(owners) > 1:
        raise NotAllowed(
            "policy.two_owners_required",
            f"{project} has {len(owners)} policy owners, so a change of its rules takes the signed approvals of two of them",
        )


def record_activation(
    *,
    policy: PolicyVersion,
    project: Project,
    environment: Environment,
    by: Identity,
    one_person: bool,
    now: datetime,
    mode: str = "enforce",
) -> PolicyActivation:
    """Write an activation and its ledger entry. Does not check who may: `activate_policy` and the bootstrap do."""
    document = canonical_bytes(
        {
            "schema": "countersign-policy-activation/v1",
            "policy": {"id": policy.policy_id, "version": policy.version, "digest": {"sha256": policy.digest}},
            "project": project.slug,
            "environment": environment.slug,
            "by": [{"issuer": by.issuer, "subject": by.subject}],
            "onePerson": one_person,
            # A document of before there were modes says nothing of one, which is enforced.
            **({} if mode == PolicyActivation.Mode.ENFORCE else {"mode": mode}),
            "at": rfc3339(now),
        }
    )
    blob = store_blob(document, now)
    event = "policy.activated_by_one_person" if one_person else "policy.activated"
    entry = append_event(event=event, ref_digest=blob.digest, actor=actor_of(by), now=now)
    return PolicyActivation.objects.create(
        policy=policy, project=project, environment=environment, entry=entry, activated_at=now, mode=mode
    )


def active_policy(*, project: Project, environment: Environment) -> PolicyVersion | None:
    """Return the policy version in force for a project and environment, or None: then nothing can be approved there."""
    newest = activation_in_force(project=project, environment=environment)
    return newest.policy if newest else None


def activation_in_force(*, project: Project, environment: Environment) -> PolicyActivation | None:
    """Return the activation that counts for a project and environment: the newest one."""
    rows = PolicyActivation.objects.filter(project=project, environment=environment).select_related("policy__document")
    return once(("in force", project.pk, environment.pk), lambda: rows.order_by("-entry_id").first())


def mode_of(activation: PolicyActivation) -> PolicyActivation.Mode:
    """Return what gates do with a no under an activation; what says nothing of it is enforced."""
    return PolicyActivation.Mode(activation.mode or PolicyActivation.Mode.ENFORCE)


def policy_owners(project: Project) -> set[str]:
    """Return the ids of the active people who are policy owners of a project now."""
    held = RoleAssignment.objects.held().filter(role=RoleAssignment.Role.POLICY_OWNER, team=project.team_id)
    active = held.filter(identity__status=Identity.Status.ACTIVE)
    return set(active.filter(Q(project=None) | Q(project=project)).values_list("identity_id", flat=True))


def was_one_person(activation: PolicyActivation) -> bool:
    """Say whether one person alone put the policy into force."""
    return activation.entry.event == "policy.activated_by_one_person"
