"""Give a non-human identity a right, and end it. Each is a ledger entry with its reason.

What it signs counts otherwise from then on, so the evidence that a right to attest touches is verified again.
Not checked here: whether the identity needs the right. Whoever grants it answers for that, and the next review asks again.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from identities.chronicle import append_identity_event
from identities.lifecycle.change_status import MAX_REASON, demand_stewardship, order_another_look, reason_of
from identities.models import Environment, Grant, Identity, Project
from identities.plain_text import plain_text
from proofs.errors import Conflict, Malformed, NotAllowed
from proofs.moment import rfc3339

Right = Grant.Right
ANYTHING = "*"
MAX_OBJECT = 300


@transaction.atomic
def grant_right(
    *,
    identity: Identity,
    right: str,
    object: str,  # noqa: A002 - the word that grants are written with
    reason: str,
    by: Identity | None,
    now: datetime,
    project: Project | None = None,
    environment: Environment | None = None,
    valid_until: datetime | None = None,
) -> Grant:
    """Grant a right from now on; what it holds already, to the letter, is not granted twice, and the grant it has is returned.

    `right` is one of `Grant.Right`; `object` is the predicate type, tool or secret path, to the letter, or `*` for any.
    Refuses with `grant.people`, `grant.right`, `grant.object`, `grant.expiry`, `grant.other_team`, `identity.not_active`,
    `identity.reason`, `identity.oneself` or `permission.missing`.
    """
    demand_stewardship(identity, by)
    said, wanted = plain_text(reason_of(reason), what="grant.reason", code="identity.reason", limit=MAX_REASON), _object(right, object)
    if valid_until is not None and valid_until <= now:
        raise Malformed("grant.expiry", f"got {rfc3339(valid_until)}, expected a time that is yet to come")
    row = Identity.objects.select_for_update(no_key=True, of=("self",)).select_related("team", "owner").get(pk=identity.pk)
    if row.is_person:
        raise NotAllowed("grant.people", f"{row} is a person; people hold roles, and grants are for programs")
    if row.status == Identity.Status.RETIRED:
        raise Conflict("identity.not_active", f"{row} is {row.standing}, expected one that may act again")
    for place in (project, environment):
        if place is not None and place.team_id != row.team_id:
            raise NotAllowed("grant.other_team", f"got {place}, which belongs to another team than {row}; its own stewards let programs in")
    same = Grant.objects.filter(identity=row, right=right, object=wanted, project=project, environment=environment, ended_at__isnull=True)
    # Whole seconds, as all times in verdicts are: it holds for evidence judged in the second it was given in.
    now = now.replace(microsecond=0)
    held = same.filter(Q(valid_until__isnull=True) | Q(valid_until__gt=now), valid_until=valid_until).first()
    if held is not None:
        return held
    grant = Grant.objects.create(
        identity=row,
        right=right,
        object=wanted,
        project=project,
        environment=environment,
        reason=said,
        granted_by=by,
        granted_at=now,
        valid_until=valid_until,
    )
    append_identity_event(event="grant.given", document=_document(grant, said), by=by, now=now)
    _look_again(grant, now=now)
    return grant


@transaction.atomic
def end_grant(*, grant: Grant, reason: str, by: Identity | None, now: datetime) -> Grant:
    """End a grant from now on; what was signed under it before stays. One that has ended is left as it is.

    Refuses with `identity.reason`, `identity.oneself` or `permission.missing`.
    """
    row = (
        Grant.objects.select_for_update(no_key=True, of=("self",))
        .select_related("identity__team", "project", "environment")
        .get(pk=grant.pk)
    )
    demand_stewardship(row.identity, by)
    said = reason_of(reason)
    if row.ended_at is not None:
        return row
    # Whole seconds, as signing times are: what was signed in this very second was signed too late.
    row.ended_at = now.replace(microsecond=0)
    row.save(update_fields=["ended_at"])
    append_identity_event(event="grant.ended", document=_document(row, said), by=by, now=now)
    _look_again(row, now=now)
    return row


def _object(right: str, text: str) -> str:
    if right not in Right.values:
        raise Malformed("grant.right", f"got the right {right[:40]!r}, expected one of {', '.join(Right.values)}")
    wanted = text.strip()
    if not wanted or len(wanted) > MAX_OBJECT or not wanted.isprintable() or ("*" in wanted and wanted != ANYTHING):
        raise Malformed(
            "grant.object",
            f"got {wanted[:60]!r}, expected a predicate type, tool or secret path of at most {MAX_OBJECT} characters to the letter, or * for any",
        )
    return wanted


def _look_again(grant: Grant, *, now: datetime) -> None:
    if grant.right == Right.ATTEST:
        order_another_look(grant.identity, now=now)


def _document(grant: Grant, reason: str) -> dict[str, object]:
    return {
        "grant": grant.pk,
        "identity": grant.identity_id,
        "right": str(grant.right),
        "object": grant.object,
        "project": grant.project_id,
        "environment": grant.environment_id,
        "validUntil": rfc3339(grant.valid_until) if grant.valid_until else None,
        "reason": reason,
    }
