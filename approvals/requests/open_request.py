"""Open a request: may these artifacts go to this environment?

An artifact nobody has seen yet may be asked about; it is noted as seen, and the request waits for evidence. What the requester
writes is kept and shown as unchecked. Not checked here: the evidence, which `approvals.requests.revise` freezes next, in the same act.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from approvals.models import Request, RequestArtifact
from approvals.policies.versions import active_policy
from approvals.requests.plain_text import clean_text
from approvals.requests.revise import revise_request
from attestations.models import Artifact
from attestations.names import proven_name
from identities.models import Environment, Identity, Project
from identities.permissions import demand, may
from proofs.digest import parse_digest
from proofs.errors import Conflict, Malformed, NotAllowed, Refusal, TooLarge

MAX_ARTIFACTS = 64
MAX_TITLE = 200
MAX_NOTE = 2000
MAX_NAME = 300


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
    artifacts: Sequence[AskedArtifact],
    by: Identity,
    now: datetime,
    note: str = "",
    on_behalf_of: str = "",
) -> Request:
    """Open a request and freeze its first revision.

    A person needs the action `requests.open` in the project; a non-human identity must belong to the project's team (its scope is
    checked at the door) and may name the person it asks for by username; its owner stands in where it names nobody. Refuses with
    `permission.missing`, `request.other_team`, `request.on_behalf_of`, `request.no_artifact`, `request.too_many_artifacts`,
    `request.artifact_twice`, `request.text`, `digest.malformed`, `policy.missing` or `evidence.too_many`.
    """
    _refuse_if_not_entitled(project, environment, by)
    principal = _choose_principal(project, by, on_behalf_of)
    asked = _parse_artifacts(artifacts)
    if active_policy(project=project, environment=environment) is None:
        raise Conflict("policy.missing", f"no policy is in force for {project} in {environment.name}; a policy owner activates one first")
    request = Request.objects.create(
        project=project,
        environment=environment,
        title=clean_text(title, "the title", MAX_TITLE, required=True),
        note=clean_text(note, "the note", MAX_NOTE),
        requester=by,
        on_behalf_of=principal,
        opened_at=now,
    )
    for item in asked:
        # Without a name: what one team's requester calls an artifact must not become what every team sees it called.
        artifact, _ = Artifact.objects.get_or_create(pk=item.digest, defaults={"first_seen_at": now})
        RequestArtifact.objects.create(request=request, artifact=artifact, name=item.name or _proven_name(item.digest))
    revise_request(request=request, by=by, now=now)
    return request


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
