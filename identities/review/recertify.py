"""Look at a program again: what it is for and may do, and say that it is still needed; or end what is not.

Its owner or a steward of its team does; nobody for themselves, and no program at all. Not checked here: how closely anybody looked.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from identities.chronicle import append_identity_event
from identities.grants.grant_right import end_grant
from identities.grants.held import in_force
from identities.lifecycle.change_status import demand_stewardship, reason_of
from identities.models import Grant, Identity, Recertification
from identities.permissions import demand
from proofs.errors import Conflict, Malformed, NotAllowed, NotFound


def demand_review(identity: Identity, by: Identity | None) -> None:
    """Return when `by` may look at this identity again; None is the operator. Refuses with `permission.missing`, `identity.oneself`."""
    if by is not None and by.pk == identity.pk:
        raise NotAllowed("identity.oneself", "got your own identity, expected another: somebody else must look at what you may do")
    if by is not None and by.is_person and by.pk == identity.owner_id:
        demand(by, "identities.recertify")
        return
    demand_stewardship(identity, by)


@transaction.atomic
def recertify_identity(
    *,
    identity: Identity,
    note: str,
    by: Identity | None,
    now: datetime,
    end_grants: Collection[str] = (),
    looked_at: Collection[str] | None = None,
) -> Recertification:
    """Say with a note that a program is still needed, and end the grants that are not (`end_grants`, ids), as `end_grant` does.

    `looked_at` are the ids of the grants that were looked at; it is refused when others are in force by now.
    Refuses with `identity.person`, `identity.retired`, `identity.reason`, `grant.unknown`, `grant.changed`, `identity.oneself` or
    `permission.missing`. An owner who is no steward ends no grant.
    """
    demand_review(identity, by)
    said = reason_of(note)
    row = Identity.objects.select_for_update(no_key=True, of=("self",)).select_related("team", "owner").get(pk=identity.pk)
    if row.is_person:
        raise Malformed("identity.person", f"{row} is a person; people hold roles, and only programs are recertified")
    if row.status == Identity.Status.RETIRED:
        raise Conflict("identity.retired", f"{row} is retired, and that stays; nobody needs to look at it again")
    grants = Grant.objects.select_for_update(no_key=True, of=("self",)).select_related("project", "environment")
    held = {grant.pk: grant for grant in grants.filter(in_force(now), identity=row).order_by("right", "object", "pk")}
    if looked_at is not None and set(looked_at) != held.keys():
        raise Conflict("grant.changed", f"the grants of {row} are others than those that were looked at; look at them again")
    ended = sorted(set(end_grants))
    for grant_id in ended:
        grant = held.pop(grant_id, None)
        if grant is None:
            raise NotFound("grant.unknown", f"{row} holds no grant {grant_id[:40]} now")
        end_grant(grant=grant, reason=said, by=by, now=now)
    kept = [{"id": grant.pk, "words": _words(grant)} for grant in held.values()]
    made = Recertification.objects.create(identity=row, by=by, note=said, grants=kept, reviewed_at=now)
    row.reviewed_at = now
    row.save(update_fields=["reviewed_at"])
    document = {"identity": row.pk, "grants": [grant["id"] for grant in kept], "ended": ended, "note": said}
    append_identity_event(event="identity.recertified", document=document, by=by, now=now)
    return made


def _words(grant: Grant) -> str:
    return f"{grant} until {grant.valid_until:%Y-%m-%d}" if grant.valid_until else str(grant)
