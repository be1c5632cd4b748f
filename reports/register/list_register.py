"""The rows of the register, as its page lists, filters, searches and sorts them, in a constant number of queries. Reads only."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Count, Q, QuerySet

from identities.models import Identity
from identities.queries import with_details
from reports.register.saved_views import SAVED_VIEWS

# By the name that addresses use: the label on the page, and the order.
SORTS = {
    "name": ("By name", ("name",)),
    "team": ("By team", ("team__slug", "name")),
    "owner": ("By owner", ("owner__name", "name")),
    "newest": ("Newest first", ("-created_at",)),
}


def list_register(*, now: datetime, kind: str = "", words: str = "", saved: str = "", sort: str = "name") -> QuerySet[Identity]:
    """Return the register in the order of `sort` (one of `SORTS`), with all that a row shows.

    `kind` narrows it to one kind, `words` to what has them in name, subject or purpose, `saved` to one of `SAVED_VIEWS`.
    """
    identities = Identity.objects.filter(kind=kind) if kind else Identity.objects.all()
    if words:
        identities = identities.filter(Q(name__icontains=words) | Q(subject__icontains=words) | Q(purpose__icontains=words))
    if saved:
        identities = identities.filter(SAVED_VIEWS[saved].condition(now))
    return with_details(identities).order_by(*SORTS[sort][1], "pk")


def count_saved_views(*, now: datetime) -> dict[str, int]:
    """Return how many identities each saved view lists, in one query."""
    counts = {name: Count("pk", filter=view.condition(now)) for name, view in SAVED_VIEWS.items()}
    return dict(Identity.objects.aggregate(**counts))


def count_kinds() -> dict[str, int]:
    """Return how many identities there are of each kind."""
    return dict(Identity.objects.values_list("kind").annotate(Count("pk")).order_by("kind"))
