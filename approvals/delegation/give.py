"""Let somebody answer for you: offer the statement, and keep the delegation when it is signed.

It lends roles that the person holds as their own, in one project, for at most 30 days. The delegate must be able to answer there by
themselves: an active approver of the project with an approval key. Whether they may answer a given request, and in whose stead, is asked
again when they sign (`approvals.requests.standing_in`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.urls import reverse

from approvals.models import Delegation, SignedStatement, StatementCeremony
from approvals.signing.approval_statement import SigningSession
from approvals.statements.begin_statement import begin_statement
from approvals.statements.kinds import StatementKind
from attestations.blobs import store_blob
from identities.actors import actor_of
from identities.models import Environment, Identity, Project, SigningKey
from identities.permissions import APPROVERS, demand, may, roles_of
from ledger.append import append_event
from proofs.approval.person_statement import Delegation as DelegationBody
from proofs.approval.person_statement import PersonStatement
from proofs.errors import Conflict, Malformed, NotAllowed, Unproven
from proofs.policy.evaluate import project_scope
from proofs.policy.standing_in import MAX_DELEGATION

MAX_LIVE = 20


@transaction.atomic
def begin_delegation(
    *,
    project: Project,
    delegate: Identity,
    roles: Sequence[str],
    environments: Sequence[Environment],
    starts_at: datetime,
    until: datetime,
    justification: str,
    key: SigningKey,
    session: SigningSession,
    by: Identity,
    now: datetime,
) -> StatementCeremony:
    """Return the ceremony that offers `by` the delegation to sign. No environment stands for every one of the project's team.

    Refuses with `delegation.window`, `request.other_team`, as `refuse_if_not_delegable` does, and as `begin_statement` does.
    """
    starts_at, until = starts_at.replace(microsecond=0), until.replace(microsecond=0)
    _refuse_window(starts_at, until, now)
    if any(environment.team_id != project.team_id for environment in environments):
        raise Malformed("request.other_team", f"got an environment of another team, expected some of the team of {project}")
    refuse_if_not_delegable(project=project, delegate=delegate, roles=roles, by=by, now=now)
    names = ", ".join(sorted(environment.slug for environment in environments)) or "every environment"
    body = DelegationBody(
        delegate=(delegate.issuer, delegate.subject),
        roles=tuple(sorted(set(roles))),
        scope=project_scope(project.slug),
        starts_at=starts_at,
        ends_at=until,
        environments=tuple(sorted(environment.pk for environment in environments)),
    )
    lent = ", ".join(body.roles)
    return begin_statement(
        body=body,
        about=delegate.pk,
        justification=justification,
        summary=f"{delegate.name[:100]} answers for you as {lent} in {project.slug} ({names}) until {until:%Y-%m-%d %H:%M} UTC"[:400],
        key=key,
        session=session,
        by=by,
        now=now,
        project=project,
    )


def refuse_if_not_delegable(*, project: Project, delegate: Identity, roles: Sequence[str], by: Identity, now: datetime) -> None:
    """Return when `by` may let `delegate` answer with these roles in `project`.

    Refuses with `permission.missing`, `delegation.self`, `delegation.roles` for none or one they do not hold, `delegation.delegate` for
    somebody who could not answer there, and `delegation.too_many`.
    """
    demand(by, "delegations.give", project=project)
    if delegate.pk == by.pk:
        raise Malformed("delegation.self", "got yourself, expected somebody else who answers for you")
    held = {str(role.role) for role in roles_of(by, project=project)} & {str(role) for role in APPROVERS}
    if not roles or set(roles) - held:
        raise NotAllowed(
            "delegation.roles", f"got {', '.join(sorted(roles)) or 'no role'}, expected some of yours here: {', '.join(sorted(held))}"
        )
    answer = may(delegate, "requests.decide", project=project, they_are=f"{delegate.name} is")
    if not answer.allowed:
        raise NotAllowed("delegation.delegate", f"{answer.reason.rstrip('.')}: whoever answers for you must be an approver themselves")
    if not SigningKey.objects.filter(identity=delegate, revoked_at=None).exists():
        raise NotAllowed("delegation.delegate", f"{delegate.name} has no approval key; whoever answers for you signs with their own")
    live = Delegation.objects.filter(delegator=by, until__gt=now, end__isnull=True)
    if live.count() >= MAX_LIVE:
        raise Conflict("delegation.too_many", f"got one more delegation, expected at most {MAX_LIVE} at once; take one back")


def _refuse_window(starts_at: datetime, until: datetime, now: datetime) -> None:
    if not starts_at < until or until <= now:
        raise Malformed("delegation.window", "got an end that is over or before the beginning, expected one that is to come")
    if until - starts_at > MAX_DELEGATION:
        raise Malformed("delegation.window", f"got {(until - starts_at).days} days, expected {MAX_DELEGATION.days} at most")


def _body(statement: PersonStatement) -> DelegationBody:
    if not isinstance(statement.body, DelegationBody):
        raise Unproven("statement.altered", "the stored statement is another one than its ceremony is about")
    return statement.body


def _lock(ceremony: StatementCeremony, now: datetime) -> None:
    # One person's delegations are counted one after the other.
    Identity.objects.select_for_update(no_key=True, of=("self",)).get(pk=ceremony.identity_id)


def _refuse(ceremony: StatementCeremony, statement: PersonStatement, now: datetime) -> None:
    body, project = _body(statement), ceremony.project
    delegate = Identity.objects.filter(pk=ceremony.about).first()
    if (
        project is None
        or delegate is None
        or body.delegate != (delegate.issuer, delegate.subject)
        or body.scope != project_scope(project.slug)
    ):
        raise Unproven("statement.altered", "the stored statement is about another person or project than its ceremony")
    _refuse_window(body.starts_at, body.ends_at, now)
    refuse_if_not_delegable(project=project, delegate=delegate, roles=body.roles, by=ceremony.identity, now=now)


def _keep(signed: SignedStatement, statement: PersonStatement, now: datetime) -> None:
    body = _body(statement)
    assert signed.project is not None
    ref = store_blob(bytes(signed.payload), now).digest
    entry = append_event(event="delegation.given", ref_digest=ref, actor=actor_of(signed.identity), now=now)
    Delegation.objects.create(
        signed=signed,
        project=signed.project,
        delegator=signed.identity,
        delegate_id=signed.ceremony.about,
        roles=list(body.roles),
        environments=list(body.environments),
        starts_at=body.starts_at,
        until=body.ends_at,
        entry=entry,
        given_at=now,
    )


def _page(ceremony: StatementCeremony) -> str:
    return reverse("approvals:delegations")


DELEGATIONS = StatementKind(lock=_lock, refuse=_refuse, keep=_keep, page=_page)
