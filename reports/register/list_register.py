"""The rows of the register, as its page lists, filters, searches and sorts them, in a constant number of queries. Reads only."""

from __future__ import annotations

from datetime import datetime

from django.db.models import BooleanField, Count, ExpressionWrapper, Q, QuerySet

from identities.models import Identity
from identities.permissions import readable_whole_teams
from identities.queries import with_details
from reports.register.saved_views import SAVED_VIEWS

# By the name that addresses use: the label on the page, and the order.
SORTS = {
    "name": ("By name", ("name",)),
    "team": ("By team", ("team__slug", "name")),
    "owner": ("By owner", ("owner__name", "name")),
    "newest": ("Newest first", ("-created_at",)),
}


def may_see_credentials(reader: Identity) -> Q:
    """Return the condition on identities whose credentials `reader` is shown: the programs of teams it reads as a whole, and its own."""
    return Q(team__in=readable_whole_teams(reader, "identities.read")) | Q(owner=reader)


def list_register(
    *, reader: Identity, now: datetime, kind: str = "", words: str = "", saved: str = "", sort: str = "name"
) -> QuerySet[Identity]:
    """Return the register in the order of `sort` (one of `SORTS`), with all that a row shows.

    Each row says as `shows_credentials` whether `reader` may see which credentials it has.
    `kind` narrows it to one kind, `words` to what has them in name, subject or purpose, `saved` to one of `SAVED_VIEWS`.
    """
    identities = Identity.objects.filter(kind=kind) if kind else Identity.objects.all()
    if words:
        identities = identities.filter(Q(name__icontains=words) | Q(subject__icontains=words) | Q(purpose__icontains=words))
    visible = may_see_credentials(reader)
    if saved:
        identities = identities.filter(_condition(saved, now, visible))
    shown = ExpressionWrapper(visible, output_field=BooleanField())
    return with_details(identities).annotate(shows_credentials=shown).order_by(*SORTS[sort][1], "pk")


def count_saved_views(*, reader: Identity, now: datetime) -> dict[str, int]:
    """Return how many identities each saved view lists for `reader`, in as many queries however many there are."""
    visible = may_see_credentials(reader)
    return dict(Identity.objects.aggregate(**{name: Count("pk", filter=_condition(name, now, visible)) for name in SAVED_VIEWS}))


def _condition(saved: str, now: datetime, visible: Q) -> Q:
    view = SAVED_VIEWS[saved]
    return view.condition(now) & visible if view.tells_of_credentials else view.condition(now)


def count_kinds() -> dict[str, int]:
    """Return how many identities there are of each kind."""
    return dict(Identity.objects.values_list("kind").annotate(Count("pk")).order_by("kind"))
