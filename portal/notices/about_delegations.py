"""Whom an entry about a delegation concerns: the other of the two, and whoever owns the project's policies. Reads only."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q
from django.urls import reverse

from approvals.models import Delegation, DelegationEnd
from identities.models import Identity, RoleAssignment
from ledger.models import Entry
from portal.notices.told import Told

GIVEN = "delegation.given"
ENDED = "delegation.ended"


def tell_given(entry: Entry) -> Iterable[Told]:
    """Somebody lets another person answer for them."""
    row = Delegation.objects.filter(entry=entry).select_related("delegator", "delegate", "project").first()
    if row is None:
        return
    page, window = reverse("approvals:delegations"), f"from {row.starts_at:%-d %B} until {row.until:%-d %B %Y}"
    yield Told(row.delegate, GIVEN, f"{row.delegator.name} lets you answer for them in {row.project.name}, {window}.", page)
    for owner in _owners(row):
        yield Told(owner, GIVEN, f"{row.delegator.name} lets {row.delegate.name} answer for them in {row.project.name}, {window}.", page)


def tell_ended(entry: Entry) -> Iterable[Told]:
    """A delegation ended before its time."""
    found = DelegationEnd.objects.filter(entry=entry)
    end = found.select_related("delegation__delegator", "delegation__delegate", "delegation__project").first()
    if end is None:
        return
    row = end.delegation
    sentence = f"{row.delegate.name} answers no more for {row.delegator.name} in {row.project.name}: {end.reason}"
    people = {who.pk: who for who in (row.delegator, row.delegate, *_owners(row)) if who.pk != end.by_id}
    for who in people.values():
        yield Told(who, ENDED, sentence, reverse("approvals:delegations"))


def _owners(row: Delegation) -> list[Identity]:
    """Return the policy owners of the project, but for the two."""
    held = RoleAssignment.objects.held().filter(role=RoleAssignment.Role.POLICY_OWNER, team=row.project.team_id)
    held = held.filter(Q(project=None) | Q(project=row.project_id))
    people = Identity.objects.filter(pk__in=held.values("identity"), status=Identity.Status.ACTIVE)
    return list(people.exclude(pk__in=[row.delegator_id, row.delegate_id]).order_by("pk"))
