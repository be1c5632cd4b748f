"""Answer those who asked for changes: the requester says what changed, and the request is frozen anew.

The earlier answers stay with the revision they were given for. That the changes are made is for people to see; what the requester says
is shown as unchecked, and stands in the request document.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from approvals.models import ChangesAnswered, Request, RequestState, Revision
from approvals.requests.happened import append_request_event, refuse_if_not_asker
from approvals.requests.plain_text import MAX_NOTE, clean_text
from approvals.requests.revise import lock_state, revise_request
from approvals.requests.status import refresh_state, refuse_if_shut
from identities.models import Identity
from identities.permissions import demand
from proofs.errors import Conflict


@transaction.atomic
def answer_changes(*, request: Request, note: str, by: Identity, now: datetime) -> Revision:
    """Freeze the next revision with what the requester answers, and return it.

    Refuses with `permission.missing`, `request.not_yours`, `request.text`, with `request.no_changes_asked` where nobody waits for it,
    with the code of what happened where the request is shut, and as `revise_request` does.
    """
    demand(by, "requests.open", project=request.project)
    refuse_if_not_asker(request, by)
    state = refresh_state(lock_state(request, now=now), now=now)
    refuse_if_shut(request)
    if state.status != RequestState.Status.CHANGES_REQUESTED:
        raise Conflict("request.no_changes_asked", f"nobody asked for changes: this request is {state.get_status_display().lower()}")
    words = clean_text(note, "what changed", MAX_NOTE, required=True, lines=True)
    revision = revise_request(request=request, by=by, now=now, answers_changes=words)
    document = {"revision": revision.number, "revisionDigest": {"sha256": revision.digest}}
    entry = append_request_event(event="request.changes_answered", request=request, document=document, by=by, now=now)
    ChangesAnswered.objects.create(revision=revision, by=by, note=words, entry=entry, answered_at=now)
    return revision
