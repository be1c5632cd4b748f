"""The people and programs of every story: plain functions, each makes one of the cast and everything they stand on.

alice approves releases, bob requests, carol audits, dave administers, olga and omar are officers, mallory has no role; runner is bob's CI workflow.
All live in team "payments" with the project "payments-api" and the environment "production".
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from allauth.account.internal.flows.login import _AUTHENTICATION_METHODS_USER_SESSION_KEY, AUTHENTICATION_METHODS_SESSION_KEY
from django.test import Client

from identities.grants.grant_right import grant_right
from identities.issue import issue_credential
from identities.models import Environment, Grant, Identity, Project, Team, User
from identities.people.roles import grant_role
from identities.register import register_nonhuman, register_person, register_signer
from tests.retell import retold

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PASSWORD = "the quick brown passphrase 42"
GITHUB_ISSUER = "https://token.actions.githubusercontent.com"
WORKFLOW = "https://github.com/payments/api/.github/workflows/release.yml"
RUNNER_SCOPES = ("attestations:write", "requests:write", "gates:decide", "read")


@retold
def payments() -> Team:
    """The team everybody works in."""
    return Team.objects.get_or_create(slug="payments", defaults={"name": "Payments"})[0]


@retold
def payments_api() -> Project:
    """What they release."""
    return Project.objects.get_or_create(slug="payments-api", defaults={"name": "Payments API", "team": payments()})[0]


@retold
def production() -> Environment:
    """Where it goes."""
    return Environment.objects.get_or_create(slug="production", defaults={"name": "Production", "tier": 3, "team": payments()})[0]


@retold
def person(
    username: str, name: str, *roles: str, team: Team | None = None, project: Project | None = None, now: datetime = NOW
) -> Identity:
    """A person with these roles in `team` (payments unless told), able to sign in with `PASSWORD`."""
    found = User.objects.filter(username=username).select_related("identity").first()
    if found is not None and found.identity is not None:
        return found.identity
    team = team or payments()
    email = f"{username}@payments.example"
    identity = register_person(name=name, username=username, email=email, password=PASSWORD, team=team, by=None, now=now)
    for role in roles:
        grant_role(identity=identity, role=role, team=team, project=project, by=None, now=now)
    return identity


def alice(*, now: datetime = NOW) -> Identity:
    """Approves releases."""
    return person("alice", "Alice Chen", "approver:release", now=now)


def bob(*, now: datetime = NOW) -> Identity:
    """Requests them."""
    return person("bob", "Bob Ruiz", "requester", now=now)


def carol(*, now: datetime = NOW) -> Identity:
    """Audits."""
    return person("carol", "Carol Idris", "auditor", now=now)


def dave(*, now: datetime = NOW) -> Identity:
    """Administers, and cannot approve."""
    return person("dave", "Dave Novak", "administrator", now=now)


def olga(*, now: datetime = NOW) -> Identity:
    """An officer: with another one she changes what is trusted."""
    return person("olga", "Olga Petrova", "officer", now=now)


def omar(*, now: datetime = NOW) -> Identity:
    """The other officer."""
    return person("omar", "Omar Haddad", "officer", now=now)


def mallory(*, now: datetime = NOW) -> Identity:
    """Can sign in, holds no role."""
    return person("mallory", "Mallory Voss", now=now)


@retold
def runner(*, now: datetime = NOW) -> Identity:
    """Bob's release workflow, which signs with certificates of its issuer on any ref."""
    found = Identity.objects.filter(issuer=GITHUB_ISSUER, subject=WORKFLOW).first()
    if found is not None:
        return found
    identity = register_nonhuman(
        kind="workflow",
        name="payments-api release workflow",
        issuer=GITHUB_ISSUER,
        subject=WORKFLOW,
        owner=bob(now=now),
        team=payments(),
        purpose="Builds and attests the images of payments-api",
        by=None,
        now=now,
    )
    register_signer(identity=identity, certificate_issuer=GITHUB_ISSUER, certificate_identity=WORKFLOW, any_ref=True, by=None, now=now)
    let_attest(identity, now=now)
    return identity


@retold
def let_attest(identity: Identity, what: str = "*", *, now: datetime = NOW) -> Grant:
    """Grant a program the right to attest, everything unless told."""
    return grant_right(identity=identity, right="attest", object=what, reason="It is what it is for", by=None, now=now)


def token_of(identity: Identity, *scopes: str, now: datetime | None = None, days: int = 30) -> str:
    """A fresh bearer token of a program, with every scope unless told."""
    issued = now or datetime.now(UTC)
    return issue_credential(
        identity=identity, scopes=scopes or RUNNER_SCOPES, expires_at=issued + timedelta(days=days), by=None, now=issued
    )[1]


def account_of(identity: Identity) -> User:
    """The sign-in account of a person, for `client.force_login`."""
    return User.objects.get(identity=identity)


def let_in(client: Client, identity: Identity) -> Client:
    """Sign a person in who gave their password a moment ago; `client.force_login` makes a sign-in that proved nothing lately."""
    account = account_of(identity)
    client.force_login(account)
    session = client.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "password", "at": time.time()}]
    session[_AUTHENTICATION_METHODS_USER_SESSION_KEY] = str(account.pk)
    session.save()
    return client
