"""Take back several requests of one's own, each as if it alone were taken back: what may not be is told, and holds the others up in nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from approvals.models import Request
from approvals.requests.withdraw import withdraw_request
from identities.models import Identity
from identities.permissions import readable_projects
from proofs.errors import Refusal


@dataclass(frozen=True)
class Withdrawn:
    """How many were taken back, and why the others were not: the title of each with the reason."""

    count: int
    refused: tuple[str, ...]


def withdraw_many(*, requests: Iterable[str], reason: str, by: Identity, now: datetime) -> Withdrawn:
    """Withdraw those of these requests that `by` may; `approvals.requests.withdraw` says which. Each in a transaction of its own.

    What `by` may not read is passed over like what is not there.
    """
    rows = Request.objects.filter(pk__in=list(requests), project__in=readable_projects(by, "requests.read"))
    count, refused = 0, []
    for request in rows.select_related("project__team", "environment", "requester__owner", "on_behalf_of").order_by("pk"):
        try:
            withdraw_request(request=request, reason=reason, by=by, now=now)
        except Refusal as refusal:
            refused.append(f"{request.title}: {refusal.reason}")
        else:
            count += 1
    return Withdrawn(count, tuple(refused))
