"""Open a request about a document: what it asks stands in `subject`, and its one artifact is the document's digest.

The inner act of every kind that is not about artifacts people built. Who may open it, and what the document must say, is for the
acts that call it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from approvals.models import NamedPerson, Request, RequestArtifact
from approvals.requests.name_people import name_people
from approvals.requests.plain_text import MAX_NAME, MAX_NOTE, MAX_TITLE, clean_text
from approvals.requests.policy_for import policy_for
from approvals.requests.revise import revise_request
from attestations.blobs import store_blob
from attestations.models import Artifact
from identities.models import Environment, Identity, Project
from proofs.approval.subjects import parse_subject
from proofs.errors import Malformed


@transaction.atomic
def open_about_document(
    *,
    kind: str,
    project: Project,
    environment: Environment,
    title: str,
    subject: bytes,
    name: str,
    by: Identity,
    now: datetime,
    note: str = "",
    on_behalf_of: Identity | None = None,
    about: Request | None = None,
    is_draft: bool = False,
    people: Sequence[NamedPerson] = (),
) -> Request:
    """Open a request of `kind` about the canonical document `subject` and freeze its first revision. `name` is what people call it.

    Refuses with `subject.malformed` when the document is none of this kind, with `request.other_team`, `request.text`, `policy.missing`
    or as the kind's derivation of its policy does. Does not check who may.
    """
    parse_subject(subject, kind=kind)
    if environment.team_id != project.team_id:
        raise Malformed("request.other_team", f"{environment.name} does not belong to the team of {project}")
    blob = store_blob(subject, now)
    request = Request.objects.create(
        kind=kind,
        project=project,
        environment=environment,
        title=clean_text(title, "the title", MAX_TITLE, required=True),
        note=clean_text(note, "the note", MAX_NOTE, lines=True),
        requester=by,
        on_behalf_of=on_behalf_of,
        opened_at=now,
        subject=blob,
        about=about,
        is_draft=True if is_draft else None,
    )
    policy_for(request)
    artifact, _ = Artifact.objects.get_or_create(pk=f"sha256:{blob.digest}", defaults={"first_seen_at": now})
    RequestArtifact.objects.create(request=request, artifact=artifact, name=clean_text(name, "a name", MAX_NAME))
    name_people(request=request, people=people)
    revise_request(request=request, by=by, now=now)
    return request
