"""Say something about a request, say it better, or take it back. The ledger keeps the digest, never the text.

A comment is plain text, shown as a quotation, and is no answer: nothing here is read by any rule or gate. What was said is not changed:
better words are a comment of their own, and one that was taken back leaves its place behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from approvals.conversation.mentions import read_mentions
from approvals.models import Comment, CommentMention, CommentWithdrawal, Request, new_comment_id
from approvals.requests.plain_text import clean_text
from approvals.requests.revise import lock_state
from approvals.requests.status import refresh_state
from attestations.blobs import store_blob
from identities.actors import actor_of
from identities.models import Identity
from identities.permissions import demand
from ledger.append import append_event
from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.errors import Conflict, NotAllowed, NotFound
from proofs.moment import rfc3339

MAX_COMMENT = 2000
MAX_COMMENTS = 500


@dataclass(frozen=True, slots=True)
class Commented:
    """A comment that was added, and the names in it that stand for nobody who may read the request."""

    comment: Comment
    unknown: tuple[str, ...]


@transaction.atomic
def add_comment(*, request: Request, text: str, by: Identity, now: datetime, replaces: str = "") -> Commented:
    """Add a comment to the newest revision; `replaces` is the id of the author's own one that it takes the place of.

    Refuses with `permission.missing`, `request.text`, `comment.too_many`, `comment.unknown`, `comment.not_yours` or `comment.gone`.
    """
    demand(by, "requests.comment", project=request.project)
    now = now.replace(microsecond=0)
    said = clean_text(text, "the comment", MAX_COMMENT, required=True, lines=True)
    state = lock_state(request, now=now)
    if request.comments.count() >= MAX_COMMENTS:
        raise Conflict("comment.too_many", f"got more than {MAX_COMMENTS} comments on one request, expected at most that many")
    earlier = _get_own(request, replaces, by) if replaces else None
    mentions = read_mentions(said, request=request, author=by)
    comment_id = new_comment_id()
    document = {
        "schema": "countersign-comment/v1",
        "comment": comment_id,
        "request": request.pk,
        "revision": state.revision_number,
        "text": {"sha256": sha256_hex(said.encode())},
        "replaces": earlier.pk if earlier else None,
        "at": rfc3339(now),
    }
    blob = store_blob(canonical_bytes(document), now)
    entry = append_event(event="request.commented", ref_digest=blob.digest, actor=actor_of(by), now=now)
    comment = Comment.objects.create(
        id=comment_id,
        request=request,
        revision_number=state.revision_number,
        author=by,
        text=said,
        replaces=earlier,
        entry=entry,
        commented_at=now,
    )
    CommentMention.objects.bulk_create([CommentMention(comment=comment, identity=person) for person in mentions.people])
    refresh_state(state, now=now)
    return Commented(comment, mentions.unknown)


@transaction.atomic
def withdraw_comment(*, request: Request, comment_id: str, by: Identity, now: datetime) -> CommentWithdrawal:
    """Take one's own comment back; its place stays. Refuses with `permission.missing`, `comment.unknown`, `comment.not_yours` or `comment.gone`."""
    demand(by, "requests.comment", project=request.project)
    now = now.replace(microsecond=0)
    state = lock_state(request, now=now)
    comment = _get_own(request, comment_id, by)
    document = {"schema": "countersign-comment-withdrawn/v1", "comment": comment.pk, "request": request.pk, "at": rfc3339(now)}
    blob = store_blob(canonical_bytes(document), now)
    entry = append_event(event="request.comment_withdrawn", ref_digest=blob.digest, actor=actor_of(by), now=now)
    row = CommentWithdrawal.objects.create(comment=comment, entry=entry, withdrawn_at=now)
    refresh_state(state, now=now)
    return row


def _get_own(request: Request, comment_id: str, by: Identity) -> Comment:
    """Return a comment of `by` that still stands; the request's row is locked, so it stays so."""
    comment = Comment.objects.filter(request=request, pk=comment_id).select_related("withdrawal").first()
    if comment is None:
        raise NotFound("comment.unknown", "there is no such comment on this request")
    if comment.author_id != by.pk:
        raise NotAllowed("comment.not_yours", "this comment is somebody else's; only its author changes it or takes it back")
    if hasattr(comment, "withdrawal") or comment.replaced_by.exists():
        raise Conflict("comment.gone", "this comment was taken back, or better words took its place")
    return comment
