"""Say that a program has been somebody else's since a time: one act that takes back all that rests on it from then on.

What it signed before stays what it is; nothing it signed, saw or asked for since counts, and it can do nothing any more. Whether the time is
right nobody can check; when it turns out to have been earlier, say it again with the earlier time.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from identities.chronicle import append_identity_event
from identities.lifecycle.change_status import demand_stewardship, order_another_look, reason_of
from identities.models import ApiCredential, Identity, WorkloadBinding
from proofs.errors import Malformed
from proofs.moment import rfc3339


@transaction.atomic
def mark_compromised(*, identity: Identity, since: datetime, reason: str, by: Identity | None, now: datetime) -> Identity:
    """Mark a program as compromised from `since` on, retire it, and revoke its credentials and workload bindings.

    The same time or a later one than was said already changes nothing. Refuses with `identity.person` (people have keys that are revoked),
    `identity.compromised_in_future`, `identity.reason`, `identity.oneself` or `permission.missing`. Another identity is registered to go on.
    """
    demand_stewardship(identity, by)
    said = reason_of(reason)
    if since > now:
        raise Malformed("identity.compromised_in_future", f"got {rfc3339(since)}, expected a time that is not in the future")
    row = Identity.objects.select_for_update(no_key=True, of=("self",)).select_related("team", "owner").get(pk=identity.pk)
    if row.is_person:
        raise Malformed("identity.person", f"{row} is a person: suspend them, and have their approval keys revoked")
    # Whole seconds, as signing times are: what was signed within that second was signed too late.
    since = since.replace(microsecond=0)
    if row.compromised_from is not None and row.compromised_from <= since:
        return row
    before, row.compromised_from = row.compromised_from, since
    if row.status != Identity.Status.RETIRED:
        row.status, row.retired_at = Identity.Status.RETIRED, since
    row.save(update_fields=["compromised_from", "status", "retired_at"])
    credentials = ApiCredential.objects.filter(identity=row, revoked_at__isnull=True)
    bindings = WorkloadBinding.objects.filter(identity=row, revoked_at__isnull=True)
    document = {
        "identity": row.pk,
        "compromisedFrom": rfc3339(since),
        "saidBefore": rfc3339(before) if before else None,
        "reason": said,
        "revokedCredentials": sorted(credentials.filter(expires_at__gt=now).values_list("pk", flat=True)),
        "revokedBindings": sorted(bindings.values_list("pk", flat=True)),
    }
    credentials.update(revoked_at=now)
    bindings.update(revoked_at=now)
    append_identity_event(event="identity.compromised", document=document, by=by, now=now)
    order_another_look(row, now=now)
    return row
