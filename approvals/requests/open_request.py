"""Open a request: may these artifacts go to this environment, may this agent do this, may these keys be rotated?

An artifact nobody has seen yet may be asked about; it is noted as seen, and the request waits for evidence. What the requester
writes is kept and shown as unchecked. Not checked here: the evidence, which `approvals.requests.revise` freezes next, in the same act.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from approvals.models import NamedPerson, Request, RequestArtifact
from approvals.policies.versions import active_policy
from approvals.requests.kinds import check_agent_action, check_promotion, check_rotation
from approvals.requests.name_people import name_people, parse_people
from approvals.requests.open_about_document import open_about_document
from approvals.requests.people import Named
from approvals.requests.plain_text import MAX_NAME, MAX_NOTE, MAX_TITLE, clean_text
from approvals.requests.revise import revise_request
from approvals.requests.supersede import hold_older, hold_project, supersede_older
from attestations.models import Artifact
from attestations.names import proven_name
from identities.models import ApiCredential, Environment, Identity, Project
from identities.permissions import demand, may
from proofs.approval.subjects import has_subject, parse_subject
from proofs.digest import parse_digest
from proofs.errors import Conflict, Malformed, NotAllowed, Refusal, TooLarge

Kind = Request.Kind
MAX_ARTIFACTS = 64
# The other kinds are opened by acts of their own.
OPENED_HERE = (Kind.RELEASE, Kind.PROMOTION, Kind.AGENT_ACTION, Kind.ROTATION)
SUBJECT_NAMES = {Kind.AGENT_ACTION: "what the agent would do", Kind.ROTATION: "the rotation"}


@dataclass(frozen=True)
class AskedArtifact:
    """An artifact a request is about, as the requester wrote it."""

    digest: str
    name: str = ""


@transaction.atomic
def open_request(
    *,
    project: Project,
    environment: Environment,
    title: str,
    by: Identity,
    now: datetime,
    artifacts: Sequence[AskedArtifact] = (),
    note: str = "",
    on_behalf_of: str = "",
    kind: str = Kind.RELEASE,
    from_environment: Environment | None = None,
    subject: bytes | None = None,
    is_draft: bool = False,
    people: Sequence[Named] = (),
    asked_with: ApiCredential | None = None,
) -> Request:
    """Open a request and freeze its first revision; older ones about the same that still wait are superseded (not by a draft).

    A release or promotion names `artifacts`, a promotion also where they come from; an agent's action or a rotation brings its canonical
    `subject` document. A person needs the action `requests.open`; a program must be of the project's team, and may name whom it asks for
    by username, else its owner stands in. `people` made the change, as is stated; whoever set off the job of `asked_with` is named too.
    Refuses with `permission.missing`, `request.other_team`, `request.on_behalf_of`, `request.kind`, `request.no_artifact`,
    `request.too_many_artifacts`, `request.artifact_twice`, `request.text`, `digest.malformed`, `policy.missing` or `evidence.too_many`, as
    `approvals.requests.kinds` does for the kind, and as `parse_people` and `parse_subject` do.
    """
    _refuse_if_not_entitled(project, environment, by)
    principal, named = _choose_principal(project, by, on_behalf_of), parse_people(people, asked_with)
    _refuse_kind(kind, project, environment, subject=subject, has_more=bool(artifacts) or from_environment is not None)
    hold_project(project)
    if subject is not None:
        _check_subject(subject, kind, project=project, by=by, principal=principal)
        return open_about_document(
            kind=kind,
            project=project,
            environment=environment,
            title=title,
            subject=subject,
            name=SUBJECT_NAMES[Kind(kind)],
            note=note,
            by=by,
            on_behalf_of=principal,
            is_draft=is_draft,
            people=named,
            now=now,
        )
    asked = _asked_artifacts(artifacts, kind, project=project, origin=from_environment, environment=environment, now=now)
    request = Request.objects.create(
        kind=kind,
        project=project,
        environment=environment,
        title=clean_text(title, "the title", MAX_TITLE, required=True),
        note=clean_text(note, "the note", MAX_NOTE, lines=True),
        requester=by,
        on_behalf_of=principal,
        from_environment=from_environment,
        opened_at=now,
        is_draft=True if is_draft else None,
    )
    return _freeze_first(request, asked, named, now=now)


def _asked_artifacts(
    artifacts: Sequence[AskedArtifact], kind: str, *, project: Project, origin: Environment | None, environment: Environment, now: datetime
) -> list[AskedArtifact]:
    if kind == Kind.RELEASE and origin is not None:
        raise Malformed("request.kind", "got an origin, expected a release to name artifacts alone")
    asked = _parse_artifacts(artifacts)
    if kind == Kind.PROMOTION:
        check_promotion([item.digest for item in asked], project=project, origin=origin, environment=environment, now=now)
    return asked


def _freeze_first(request: Request, asked: Sequence[AskedArtifact], people: Sequence[NamedPerson], *, now: datetime) -> Request:
    _keep_artifacts(request, asked, now=now)
    name_people(request=request, people=people)
    older = [] if request.is_draft else hold_older(request, now=now)
    revise_request(request=request, by=request.requester, now=now)
    supersede_older(request=request, older=older, by=request.requester, now=now)
    return request


def _refuse_kind(kind: str, project: Project, environment: Environment, *, subject: bytes | None, has_more: bool) -> None:
    """Return when such a request is opened here, brings what it is about in one form, and a policy is in force for it."""
    if kind not in OPENED_HERE:
        raise Malformed("request.kind", f"got kind {str(kind)[:40]!r}, expected one of {', '.join(OPENED_HERE)}")
    if active_policy(project=project, environment=environment) is None:
        raise Conflict("policy.missing", f"no policy is in force for {project} in {environment.name}; a policy owner activates one first")
    if has_subject(kind) and (subject is None or has_more):
        raise Malformed("request.kind", f"got no subject document or more than it, expected a request of kind {kind} to bring it alone")
    if not has_subject(kind) and subject is not None:
        raise Malformed("request.kind", f"got a subject document, expected a request of kind {kind} to name artifacts")


def _keep_artifacts(request: Request, asked: Sequence[AskedArtifact], *, now: datetime) -> None:
    for item in asked:
        # Without a name: what one team's requester calls an artifact must not become what every team sees it called.
        artifact, _ = Artifact.objects.get_or_create(pk=item.digest, defaults={"first_seen_at": now})
        RequestArtifact.objects.create(request=request, artifact=artifact, name=item.name or _proven_name(item.digest))


def _check_subject(subject: bytes, kind: str, *, project: Project, by: Identity, principal: Identity | None) -> None:
    document = parse_subject(subject, kind=kind)
    if kind == Kind.AGENT_ACTION:
        check_agent_action(document, project=project, by=by)
    else:
        check_rotation(document, project=project, by=by, principal=principal)


def _refuse_if_not_entitled(project: Project, environment: Environment, by: Identity) -> None:
    demand(by, "requests.open", project=project)
    if environment.team_id != project.team_id:
        raise NotAllowed("request.other_team", f"{environment.name} does not belong to the team of {project}")


def _choose_principal(project: Project, by: Identity, username: str) -> Identity | None:
    """Return the person a program asks for: the one it names, else the owner who answers for it. A person asks in their own name."""
    if by.is_person:
        if username:
            raise Malformed("request.on_behalf_of", "a person asks in their own name; only a non-human identity names whom it asks for")
        return None
    if not username:
        return by.owner
    named = Identity.objects.filter(user__username=username, kind=Identity.Kind.PERSON, status=Identity.Status.ACTIVE).first()
    if named is None or not may(named, "requests.open", project=project).allowed:
        # One answer for unknown and unfit, given only to programs of the team: nobody learns from it which accounts there are.
        raise Malformed("request.on_behalf_of", f"got {username!r}, expected the username of an active person who may open requests here")
    return named


def _proven_name(digest: str) -> str:
    try:
        return clean_text(proven_name(digest), "a name", MAX_NAME)
    except Refusal:
        return ""


def _parse_artifacts(artifacts: Sequence[AskedArtifact]) -> list[AskedArtifact]:
    if not artifacts:
        raise Malformed("request.no_artifact", "got no artifact, expected at least one digest")
    if len(artifacts) > MAX_ARTIFACTS:
        raise TooLarge("request.too_many_artifacts", f"got {len(artifacts)} artifacts, expected at most {MAX_ARTIFACTS}")
    parsed = [AskedArtifact(str(parse_digest(item.digest)), clean_text(item.name, "a name", MAX_NAME)) for item in artifacts]
    if len({item.digest for item in parsed}) != len(parsed):
        raise Malformed("request.artifact_twice", "got the same digest twice, expected every artifact once")
    return sorted(parsed, key=lambda item: item.digest)
