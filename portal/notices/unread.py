"""How many notices somebody has not read, for the bell of every page."""

from __future__ import annotations

from django.db.models import Count, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce

from portal.models import Notice

UNREAD_ALONG = "unread_along"


def unread_of_account() -> Coalesce:
    """Return the number as an expression over rows of accounts."""
    unread = Notice.objects.filter(identity=OuterRef("identity"), read_at__isnull=True).order_by().values("identity")
    return Coalesce(Subquery(unread.annotate(number=Count("pk")).values("number")), Value(0))
