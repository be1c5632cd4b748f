"""Say the same on several requests, each as if it alone were commented: what may not be is told, and holds the others up in nothing.

A comment is no answer, however many get it (`approvals.conversation.add_comment`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from approvals.conversation.add_comment import MAX_COMMENT, add_comment
from approvals.models import Request
from approvals.requests.plain_text import clean_text
from identities.models import Identity
from identities.permissions import readable_projects
from proofs.errors import Refusal


@dataclass(frozen=True)
class CommentedMany:
    """On how many it stands, why not on the others (the title of each with the reason), and the names in it that stand for nobody who may read
    one of them."""

    count: int
    refused: tuple[tuple[str, str], ...]
    unknown: tuple[str, ...]


def comment_many(*, requests: Iterable[str], text: str, by: Identity, now: datetime) -> CommentedMany:
    """Add a comment of `by` to each of these requests that they may comment on. Each in a transaction of its own.

    Refuses with `request.text` what is no comment anywhere. What `by` may not read is passed over like what is not there.
    """
    clean_text(text, "the comment", MAX_COMMENT, required=True, lines=True)
    rows = Request.objects.filter(pk__in=list(requests), project__in=readable_projects(by, "requests.read"))
    count, refused, unknown = 0, [], dict[str, None]()
    for request in rows.select_related("project__team", "environment", "requester__owner", "on_behalf_of").order_by("pk"):
        try:
            added = add_comment(request=request, text=text, by=by, now=now)
        except Refusal as refusal:
            refused.append((request.title, refusal.reason))
        else:
            count += 1
            unknown |= dict.fromkeys(added.unknown)
    return CommentedMany(count, tuple(refused), tuple(unknown))
