"""The beginning: first administrator, policy owners, team, project, environments, policy and trust root, in one act that happens once.

One genesis entry names all of them and the portal's own keys, so that whoever pins the log knows what everything else rests on.
Not checked here: that the operator at the console is entitled; whoever runs the command holds the machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from approvals.models import PolicyVersion
from approvals.policies.expectations import record_expectations
from approvals.policies.versions import record_activation, store_policy
from attestations.blobs import store_blob
from attestations.models import TrustRoot
from attestations.trust.roots import add_trust_root
from identities.actors import actor_of
from identities.models import Environment, Identity, Project, RoleAssignment, Team
from identities.people.roles import grant_role
from identities.register import register_person
from ledger.append import append_event
from ledger.keys import log_verifier_key
from ledger.models import Entry
from ledger.recorder import recorder_key
from proofs.approval.signed_parts import ENVIRONMENT_ID
from proofs.canonical import canonical_bytes
from proofs.errors import Conflict, Malformed
from proofs.moment import rfc3339

GENESIS = "portal.genesis"


@dataclass(frozen=True)
class FirstPerson:
    """A person of the beginning. Without a password they cannot sign in until they are given one."""

    username: str
    name: str
    password: str | None = field(default=None, repr=False)
    email: str = ""


@dataclass(frozen=True)
class FirstEnvironment:
    """An environment of the beginning."""

    slug: str
    name: str
    tier: int = 3


@dataclass(frozen=True)
class Setup:
    """What the operator decided. A policy owner may be the administrator: then both names are the same username."""

    team: tuple[str, str]
    project: tuple[str, str]
    environments: tuple[FirstEnvironment, ...]
    administrator: FirstPerson
    policy_owners: tuple[FirstPerson, ...]
    policy_source: str
    trust_root_name: str
    trust_root: bytes
    trust_root_profile: dict[str, Any] | None = None
    expectations_source: str | None = None


@dataclass(frozen=True)
class Beginning:
    """What the bootstrap made."""

    administrator: Identity
    policy_owners: tuple[Identity, ...]
    team: Team
    project: Project
    environments: tuple[Environment, ...]
    policy: PolicyVersion
    trust_root: TrustRoot
    genesis: Entry


@transaction.atomic
def bootstrap(*, setup: Setup, now: datetime) -> Beginning:
    """Make the beginning and write its genesis entry.

    Refuses with `bootstrap.closed` once anybody or anything was registered, `bootstrap.incomplete`, `bootstrap.environment`,
    `ledger.key_missing`, or as the acts it calls do. While there is one policy owner, the first activation is marked "one person" in the ledger.
    """
    if Identity.objects.exists() or Entry.objects.filter(event=GENESIS).exists():
        raise Conflict(
            "bootstrap.closed", "this portal has had its beginning; from now on people with roles register people and activate policies"
        )
    if not setup.environments or not setup.policy_owners:
        raise Malformed("bootstrap.incomplete", "expected at least one environment and one policy owner")
    for item in setup.environments:
        if item.slug.startswith(ENVIRONMENT_ID):
            raise Malformed("bootstrap.environment", f"got the environment {item.slug!r}, expected a name that does not look like an id")
    team = Team.objects.create(slug=setup.team[0], name=setup.team[1])
    project = Project.objects.create(slug=setup.project[0], name=setup.project[1], team=team)
    environments = tuple(
        Environment.objects.create(slug=item.slug, name=item.name, tier=item.tier, team=team) for item in setup.environments
    )
    administrator = _register(setup.administrator, team, now)
    grant_role(identity=administrator, role=RoleAssignment.Role.ADMINISTRATOR, team=team, by=None, now=now)
    owners = _register_owners(setup, administrator, team, now)
    policy = store_policy(source=setup.policy_source, by=owners[0], now=now)
    root = add_trust_root(name=setup.trust_root_name, document=setup.trust_root, profile=setup.trust_root_profile, by=None, now=now)
    genesis = _append_genesis(setup, administrator, owners, policy, root, now)
    for environment in environments:
        record_activation(policy=policy, project=project, environment=environment, by=owners[0], one_person=len(owners) == 1, now=now)
    if setup.expectations_source is not None:
        record_expectations(source=setup.expectations_source, project=project, by=owners[0], one_person=len(owners) == 1, now=now)
    return Beginning(administrator, owners, team, project, environments, policy, root, genesis)


def _register(person: FirstPerson, team: Team, now: datetime) -> Identity:
    return register_person(
        name=person.name, username=person.username, email=person.email, password=person.password, team=team, by=None, now=now
    )


def _register_owners(setup: Setup, administrator: Identity, team: Team, now: datetime) -> tuple[Identity, ...]:
    owners = []
    for person in setup.policy_owners:
        is_administrator = person.username == setup.administrator.username
        owner = administrator if is_administrator else _register(person, team, now)
        grant_role(identity=owner, role=RoleAssignment.Role.POLICY_OWNER, team=team, by=None, now=now)
        owners.append(owner)
    return tuple(owners)


def _append_genesis(
    setup: Setup, administrator: Identity, owners: Sequence[Identity], policy: PolicyVersion, root: TrustRoot, now: datetime
) -> Entry:
    document = canonical_bytes(
        {
            "schema": "countersign-genesis/v1",
            "at": rfc3339(now),
            "portal": {
                "origin": settings.ORIGIN,
                "rpId": settings.RP_ID,
                "recorderKey": recorder_key().key_id,
                "log": log_verifier_key(),
            },
            "administrator": {"issuer": administrator.issuer, "subject": administrator.subject},
            "policyOwners": [{"issuer": owner.issuer, "subject": owner.subject} for owner in owners],
            "onePerson": len(owners) == 1,
            "team": setup.team[0],
            "project": setup.project[0],
            "environments": [{"slug": item.slug, "tier": item.tier} for item in setup.environments],
            "policy": {"id": policy.policy_id, "version": policy.version, "digest": {"sha256": policy.digest}},
            "trustRoot": {"digest": {"sha256": root.digest}},
        }
    )
    blob = store_blob(document, now)
    entry = append_event(event=GENESIS, ref_digest=blob.digest, actor=actor_of(None), now=now)
    # Two bootstraps at once queue for the ledger's lock; the second one sees the first's entry here and undoes itself.
    if Entry.objects.filter(event=GENESIS).count() != 1:
        raise Conflict("bootstrap.closed", "another bootstrap finished first")
    return entry
