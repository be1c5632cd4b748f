"""Ways to look at the queue that a person gave a name. What a view holds is the query of an address; whoever reads it reads what they may."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.text import slugify

from identities.models import Identity, Preferences
from identities.permissions import demand
from identities.plain_text import plain_text
from proofs.errors import Conflict, Malformed, NotFound

MOST_VIEWS = 20
MAX_NAME = 60
MAX_QUERY = 1500


@transaction.atomic
def keep_queue_view(*, name: str, query: str, by: Identity, now: datetime) -> str:
    """Keep a view under a name, in the place of the one that has it, and return its slug.

    Refuses with `queue.view_name`, `queue.view_empty`, `queue.too_many_views` or `permission.missing`.
    """
    demand(by, "settings.own")
    said = plain_text(name, what="view.name", code="queue.view_name", limit=MAX_NAME)
    slug = slugify(said, allow_unicode=False)[:MAX_NAME]
    if not slug:
        raise Malformed("queue.view_name", f"got {said[:60]!r}, expected a name with at least one letter or digit from a to z and 0 to 9")
    if not query or len(query) > MAX_QUERY:
        raise Malformed("queue.view_empty", "got a view without any filter, expected a tab or a filter to keep")
    row = _lock(by, now)
    others = [view for view in row.queue_views if view["slug"] != slug]
    if len(others) >= MOST_VIEWS:
        raise Conflict("queue.too_many_views", f"got more than {MOST_VIEWS} views, expected at most that many; delete one first")
    row.queue_views = sorted([*others, {"slug": slug, "name": said, "query": query}], key=lambda view: str(view["name"]).casefold())
    row.changed_at = now
    row.save(update_fields=["queue_views", "changed_at"])
    return slug


@transaction.atomic
def drop_queue_view(*, slug: str, by: Identity, now: datetime) -> str:
    """Delete a view and return its name. Refuses with `queue.view_unknown` or `permission.missing`."""
    demand(by, "settings.own")
    row = _lock(by, now)
    found = find_queue_view(row, slug)
    row.queue_views = [view for view in row.queue_views if view["slug"] != slug]
    row.changed_at = now
    row.save(update_fields=["queue_views", "changed_at"])
    return str(found["name"])


def find_queue_view(preferences: Preferences, slug: str) -> dict[str, str]:
    """Return the view with this slug. Refuses with `queue.view_unknown`."""
    for view in preferences.queue_views:
        if view["slug"] == slug:
            return dict(view)
    raise NotFound("queue.view_unknown", "you keep no view of the queue under this name")


def _lock(by: Identity, now: datetime) -> Preferences:
    Preferences.objects.get_or_create(identity=by, defaults={"changed_at": now})
    return Preferences.objects.select_for_update(no_key=True).get(identity=by)
