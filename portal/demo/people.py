"""The forty identities of the demo: eighteen people, and twenty-two programs with the person who answers for each.

alice, bob, carol and dave can sign in and have no passkey: whoever visits enrols one. The others have one each, and signed the past.
Olga, who owns the product, comes in through the company (`portal.demo.emergencies`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from approvals.bootstrap import Beginning
from identities.grants.grant_right import grant_right
from identities.issue import issue_credential
from identities.models import Identity, Project, Team
from identities.people.roles import grant_role
from identities.register import register_nonhuman, register_person, register_signer
from portal.demo.answers import Signers
from portal.demo.policies import PROVENANCE_V1, TEST_RESULT
from portal.demo.small_sample import CI_ISSUER
from proofs.comparison.deployment import DEPLOYMENT_TYPE

SPDX = "https://spdx.dev/Document/v2.3"
CYCLONEDX = "https://cyclonedx.org/bom/v1.6"
SCAN = "https://in-toto.io/attestation/vulns/v0.2"
VEX = "https://openvex.dev/ns/v0.2.0"
GIT = "https://git.acme.example/acme"
BY_RELEASE = (PROVENANCE_V1, SPDX, CYCLONEDX, DEPLOYMENT_TYPE)
BY_SCANNER = (SCAN, VEX)

# Username: name, team, roles. An approver of releases may be one of some projects only, as PROJECT_ROLES says.
PEOPLE = {
    "erin": ("Erin Okafor", "payments", ("policy-owner",)),
    "frank": ("Frank Weber", "payments", ("policy-owner",)),
    "grace": ("Grace Mwangi", "payments", ()),
    "ivan": ("Ivan Petrov", "payments", ()),
    "mina": ("Mina Sato", "payments", ("approver:security",)),
    "sam": ("Sam Lindqvist", "payments", ("approver:security",)),
    "noor": ("Noor Haddad", "payments", ("requester",)),
    "kira": ("Kira Jensen", "platform", ("approver:release", "policy-owner")),
    "leo": ("Leo Martins", "platform", ("requester", "administrator")),
    "petra": ("Petra Vogel", "platform", ("approver:release", "policy-owner", "approver:security")),
    "theo": ("Theo Laurent", "data", ("approver:release", "policy-owner")),
    "uma": ("Uma Rao", "data", ("requester", "administrator")),
    "yan": ("Yan Li", "data", ("approver:security",)),
}
# Alice alone releases refunds since Grace has gone to other things.
PROJECT_ROLES = {
    "grace": ("payments-api", "payments-web", "payments-ledger", "payments-refunds"),
    "ivan": ("payments-api", "payments-web", "payments-ledger"),
}
# Key: kind, name, issuer, subject, owner, team, purpose.
PROGRAMS = {
    "fixer": ("agent", "on-call fixer", "https://agents.acme.example", "oncall-fixer", "noor", "payments", "Mends what pages people"),
    "helper": ("agent", "release helper", "https://agents.acme.example", "release-helper", "bob", "payments", "Prepares releases"),
    "planner": ("agent", "infra planner", "https://agents.acme.example", "infra-planner", "leo", "platform", "Plans changes of clusters"),
    "tuner": ("agent", "pipeline tuner", "https://agents.acme.example", "pipeline-tuner", "uma", "data", "Tunes pipelines"),
    "registry-watcher": ("service", "registry watcher", "https://watch.acme.example", "registry", "bob", "payments", "Tells what the registry has"),
    "cluster-watcher": ("service", "cluster watcher", "https://watch.acme.example", "cluster", "noor", "payments", "Tells what runs"),
    "rotator": ("service", "secret rotator", "https://vault.acme.example", "rotator", "noor", "payments", "Rotates keys that people ask it to"),
    "deployer": ("service", "payments deployer", "https://deploy.acme.example", "payments", "noor", "payments", "Asks the gate, then rolls out"),
    "platform-deployer": ("service", "platform deployer", "https://deploy.acme.example", "platform", "leo", "platform", "Asks the gate"),
    "data-deployer": ("service", "data deployer", "https://deploy.acme.example", "data", "uma", "data", "Asks the gate, then rolls out"),
    "updater": ("bot", "dependency updater", "https://git.acme.example", "dependency-updater", "bob", "payments", "Opens updates"),
    "scanner": ("key", "scanner key", "https://scan.acme.example", "scanner-2026", "mina", "payments", "Signs scans and answers to them"),
}  # fmt: skip
# Projects with two workflows, for which these people answer.
WORKFLOWS = {
    "payments-api": ("bob", ("release", "test")),
    "payments-web": ("noor", ("release", "test")),
    "payments-ledger": ("noor", ("release", "test")),
    "payments-refunds": ("bob", ("release",)),
    "platform-gateway": ("leo", ("release", "test")),
    "data-pipelines": ("uma", ("release",)),
}


@dataclass
class Cast:
    """Everybody by a short name; a workflow by its project and purpose, as in `payments-api release`."""

    people: dict[str, Identity]
    programs: dict[str, Identity]
    signers: Signers
    scanner_key: ec.EllipticCurvePrivateKey


def repository_id_of(project: str) -> str:
    """Return the number a repository keeps."""
    return str(710001 + list(WORKFLOWS).index(project))


def register_people(beginning: Beginning, known: dict[str, Identity], teams: dict[str, Team], *, now: datetime) -> dict[str, Identity]:
    """Register everybody who cannot sign in, with their roles; return all people by username."""
    people = {**known, "dave": beginning.administrator}
    for username, (name, team, roles) in PEOPLE.items():
        people[username] = register_person(
            name=name, username=username, email=f"{username}@acme.example", team=teams[team], by=None, now=now
        )
        for role in roles:
            # While a team has one owner of policies, that one puts the first ones into force alone; the others come after.
            if role != "policy-owner" or username in ("kira", "theo"):
                grant_role(identity=people[username], role=role, team=teams[team], by=None, now=now)
    return people


def grant_project_roles(people: dict[str, Identity], projects: dict[str, Project], *, now: datetime) -> None:
    """Let Grace and Ivan release some projects, and Alice ask for what she works on."""
    for username, slugs in PROJECT_ROLES.items():
        for slug in slugs:
            grant_role(
                identity=people[username], role="approver:release", team=projects[slug].team, project=projects[slug], by=None, now=now
            )
    refunds = projects["payments-refunds"]
    grant_role(identity=people["alice"], role="requester", team=refunds.team, project=refunds, by=None, now=now)


def register_programs(
    people: dict[str, Identity], teams: dict[str, Team], *, now: datetime
) -> tuple[dict[str, Identity], ec.EllipticCurvePrivateKey]:
    """Register the programs, how they sign and what they may attest; return them, and the scanner's key."""
    programs = {}
    for key, (kind, name, issuer, subject, owner, team, purpose) in PROGRAMS.items():
        programs[key] = register_nonhuman(
            kind=kind, name=name, issuer=issuer, subject=subject, purpose=purpose, owner=people[owner], team=teams[team], by=None, now=now
        )
    scanner_key = ec.generate_private_key(ec.SECP256R1())
    pem = scanner_key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    register_signer(identity=programs["scanner"], public_key_pem=pem, by=None, now=now)
    _let_attest(programs["scanner"], BY_SCANNER, now)
    for project, (owner, workflows) in WORKFLOWS.items():
        for workflow in workflows:
            identity = _register_workflow(project, workflow, people[owner], teams[project.partition("-")[0]], now)
            _let_attest(identity, BY_RELEASE if workflow == "release" else (TEST_RESULT,), now)
            programs[f"{project} {workflow}"] = identity
    return programs, scanner_key


def give_credentials(programs: dict[str, Identity], *, now: datetime) -> None:
    """Give some programs the credential they call the portal with today."""
    for key, scopes in (
        ("registry-watcher", ["observations:write"]),
        ("cluster-watcher", ["observations:write"]),
        ("deployer", ["gates:decide", "read"]),
        ("payments-api release", ["attestations:write", "requests:write"]),
        ("payments-api test", ["attestations:write"]),
    ):
        issue_credential(identity=programs[key], scopes=scopes, expires_at=now + timedelta(days=60), by=None, now=now)


def _register_workflow(project: str, workflow: str, owner: Identity, team: Team, now: datetime) -> Identity:
    address = f"{GIT}/{project}/.github/workflows/{workflow}.yml"
    purpose = f"Builds and releases {project}" if workflow == "release" else f"Tests {project}"
    identity = register_nonhuman(
        kind="workflow",
        name=f"{project} {workflow}.yml",
        issuer=CI_ISSUER,
        subject=address,
        purpose=purpose,
        owner=owner,
        team=team,
        by=None,
        now=now,
    )
    register_signer(identity=identity, certificate_issuer=CI_ISSUER, certificate_identity=address, any_ref=True, by=None, now=now)
    return identity


def _let_attest(identity: Identity, types: tuple[str, ...], now: datetime) -> None:
    for predicate_type in types:
        grant_right(identity=identity, right="attest", object=predicate_type, reason=identity.purpose, by=None, now=now)
