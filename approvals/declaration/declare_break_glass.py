"""Break the glass: offer the statement, and let gates open for it when it is signed, within the bounds of the policy.

It takes one person and no met policy, and the artifact's digest has to be known. In the transaction of the signature stand the ledger's
entry, what the portal tells other tools, and the request that others review it by. It never counts as an approval.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.urls import reverse

from approvals.emergency.live import bounds_of, list_live
from approvals.models import BreakGlass, PolicyVersion, Request, SignedStatement, StatementCeremony
from approvals.outcome.sign_outcome import sign_break_glass_outcome
from approvals.policies.versions import active_policy
from approvals.requests.open_about_document import open_about_document
from approvals.requests.plain_text import clean_text
from approvals.signing.approval_statement import SigningSession
from approvals.statements.begin_statement import begin_statement
from approvals.statements.kinds import StatementKind
from attestations.blobs import store_blob
from attestations.models import Artifact
from attestations.names import proven_name
from identities.actors import actor_of
from identities.models import Environment, Identity, Project, SigningKey
from identities.permissions import demand, roles_of
from ledger.append import append_event
from proofs.approval.approval_parts import ApprovedArtifact, EnvironmentReference
from proofs.approval.break_glass_review import build_review
from proofs.approval.person_statement import BreakGlass as BreakGlassBody
from proofs.approval.person_statement import PersonStatement
from proofs.canonical import parse_canonical
from proofs.digest import parse_digest
from proofs.errors import Conflict, Malformed, NotAllowed, NotFound, Unproven
from proofs.moment import rfc3339
from proofs.policy.bounds import BreakGlass as Bounds

MAX_INCIDENT = 200


@transaction.atomic
def begin_break_glass(
    *,
    project: Project,
    environment: Environment,
    digest: str,
    incident: str,
    justification: str,
    hours: int,
    max_uses: int,
    key: SigningKey,
    session: SigningSession,
    by: Identity,
    now: datetime,
) -> StatementCeremony:
    """Return the ceremony that offers `by` the break-glass to sign: for exactly `digest` in `environment`, for `hours`, `max_uses` times.

    Refuses with `break_glass.hours`, `break_glass.uses`, `request.text`, as `refuse_if_not_breakable` does, and as `begin_statement` does.
    """
    digest = str(parse_digest(digest))
    bounds = refuse_if_not_breakable(project=project, environment=environment, digest=digest, by=by, now=now)
    if not 1 <= hours <= bounds.validity_hours:
        raise Malformed("break_glass.hours", f"got {hours} hours, expected 1 to {bounds.validity_hours}, as the policy allows")
    if not 1 <= max_uses <= bounds.max_uses:
        raise Malformed("break_glass.uses", f"got {max_uses} uses, expected 1 to {bounds.max_uses}, as the policy allows")
    named = clean_text(incident, "the incident", MAX_INCIDENT, required=True)
    where = EnvironmentReference(environment.pk, environment.slug, environment.tier)
    return begin_statement(
        body=BreakGlassBody(project.slug, where, named, max_uses),
        about=digest,
        justification=justification,
        summary=f"Break the glass: {_name(digest)} to {environment.name}, past the policy, for {hours} h and {max_uses} uses"[:400],
        key=key,
        session=session,
        by=by,
        now=now,
        project=project,
        artifacts=(ApprovedArtifact(_name(digest), (parse_digest(digest),)),),
        valid_for=timedelta(hours=hours),
    )


def refuse_if_not_breakable(*, project: Project, environment: Environment, digest: str, by: Identity, now: datetime) -> Bounds:
    """Return the bounds within which `by` may break the glass for `digest` there now.

    Refuses with `permission.missing`, `request.other_team`, `break_glass.not_possible` where the policy in force allows none or there is none,
    `break_glass.role`, `break_glass.unknown_artifact`, and `break_glass.live` where one is open already.
    """
    demand(by, "break_glass.declare", project=project)
    if environment.team_id != project.team_id:
        raise Malformed("request.other_team", f"{environment.name} does not belong to the team of {project}")
    bounds = bounds_of(project=project, environment=environment)
    if bounds is None:
        raise Conflict("break_glass.not_possible", "the policy says nothing of breaking the glass, so nobody can go past it")
    if not set(bounds.roles) & {str(role.role) for role in roles_of(by, project=project)}:
        raise NotAllowed(
            "break_glass.role", f"the policy lets {' or '.join(sorted(bounds.roles))} break the glass; you hold no such role here"
        )
    if not Artifact.objects.filter(pk=digest).exists():
        raise NotFound("break_glass.unknown_artifact", f"{digest} has never been seen: no evidence and no request names it")
    if list_live(digest=digest, project=project, environment=environment, now=now).exists():
        raise Conflict("break_glass.live", "the glass is broken for this artifact there already, and uses are left")
    return bounds


def _body(statement: PersonStatement) -> BreakGlassBody:
    if not isinstance(statement.body, BreakGlassBody) or len(statement.subjects) != 1:
        raise Unproven("statement.altered", "the stored statement breaks another glass than its ceremony is about")
    return statement.body


def _lock(ceremony: StatementCeremony, now: datetime) -> None:
    # Two people who break the same glass at once do it one after the other.
    Project.objects.select_for_update(no_key=True).get(pk=ceremony.project_id)


def _refuse(ceremony: StatementCeremony, statement: PersonStatement, now: datetime) -> None:
    body, project = _body(statement), ceremony.project
    digest = str(statement.subjects[0].digests[0])
    if project is None or body.project != project.slug or digest != ceremony.about:
        raise Unproven("statement.altered", "the stored statement breaks another glass than its ceremony is about")
    environment = Environment.objects.get(pk=body.environment.id)
    bounds = refuse_if_not_breakable(project=project, environment=environment, digest=digest, by=ceremony.identity, now=now)
    until = statement.validity.not_after
    if body.max_uses > bounds.max_uses or until > ceremony.begun_at + timedelta(hours=bounds.validity_hours):
        raise Conflict("break_glass.bounds_changed", "the policy allows less than you were offered to sign; start again")


def _keep(signed: SignedStatement, statement: PersonStatement, now: datetime) -> None:
    body, digest, project = _body(statement), signed.ceremony.about, signed.project
    assert project is not None
    environment = Environment.objects.get(pk=body.environment.id)
    policy = active_policy(project=project, environment=environment)
    bounds = bounds_of(project=project, environment=environment)
    assert policy is not None
    assert bounds is not None
    due = now + timedelta(hours=bounds.review_hours)
    asked = Request.objects.filter(artifacts__artifact_id=digest, project=project, environment=environment)
    about = asked.order_by("-opened_at", "-pk").first()
    entry = append_event(
        event="break_glass.declared", ref_digest=store_blob(bytes(signed.payload), now).digest, actor=actor_of(signed.identity), now=now
    )
    BreakGlass.objects.create(
        signed=signed,
        project=project,
        environment=environment,
        artifact_id=digest,
        policy=policy,
        about=about,
        review=_open_review(signed, statement, environment=environment, policy=policy, about=about, due=due, now=now),
        incident=body.incident,
        max_uses=body.max_uses,
        until=statement.validity.not_after,
        review_due_at=due,
        entry=entry,
        declared_at=now,
    )
    sign_break_glass_outcome(
        statement_digest=signed.payload_digest,
        subject=parse_canonical(bytes(signed.payload))["subject"],
        environment_slug=environment.slug,
        policy_digest=policy.pk,
        now=now,
    )


def _open_review(
    signed: SignedStatement,
    statement: PersonStatement,
    *,
    environment: Environment,
    policy: PolicyVersion,
    about: Request | None,
    due: datetime,
    now: datetime,
) -> Request:
    body, person, project = _body(statement), signed.identity, signed.project
    assert project is not None
    subject = build_review(
        statement_digest=signed.payload_digest,
        policy_digest=policy.pk,
        project=project.slug,
        environment=environment.slug,
        artifacts=[signed.ceremony.about],
        declarer={"issuer": person.issuer, "subject": person.subject},
        incident=body.incident,
        reason=statement.justification,
        max_uses=body.max_uses,
        until=rfc3339(statement.validity.not_after),
        review_by=rfc3339(due),
    )
    return open_about_document(
        kind=Request.Kind.BREAK_GLASS_REVIEW,
        project=project,
        environment=environment,
        title=f"Review of a break-glass: {body.incident}"[:200],
        subject=subject,
        name="break-glass",
        by=person,
        now=now,
        about=about,
    )


def _name(digest: str) -> str:
    return (proven_name(digest) or "artifact")[:200]


def _page(ceremony: StatementCeremony) -> str:
    return reverse("approvals:break_glasses")


BREAK_GLASSES = StatementKind(lock=_lock, refuse=_refuse, keep=_keep, page=_page, minimum_level="H3")
