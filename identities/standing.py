"""Whether an identity answers for what was signed in its name, and if not, why not."""

from __future__ import annotations

from datetime import datetime

from django.db.models import F, Q

from identities.models import Identity

SUSPENDED, RETIRED, ORPHANED, COMPROMISED = "suspended", "retired", "orphaned", "compromised"


def why_not_answering(identity: Identity, *, signed_at: datetime) -> str:
    """Return "" when `identity` answers today for what was signed at `signed_at`; else `suspended`, `compromised`, `retired` or `orphaned`.

    Compromised from a time on, it answers for what was signed before. Suspended, it answers for nothing. Retired, it answers for what was
    signed before, whoever its owner is now; where it was suspended until then, for what was signed before that. A program whose owner is
    no longer an active person is an orphan and answers for nothing. Whether it is the signer at all is asked elsewhere.
    """
    if identity.status == Identity.Status.SUSPENDED:
        return SUSPENDED
    if identity.compromised_from is not None and signed_at >= identity.compromised_from:
        return COMPROMISED
    if identity.status == Identity.Status.RETIRED:
        # However it came to be retired, nothing that was signed while it was suspended counts.
        was_suspended = identity.suspended_at is not None and signed_at >= identity.suspended_at
        return "" if identity.retired_at is not None and signed_at < identity.retired_at and not was_suspended else RETIRED
    return ORPHANED if identity.is_orphaned else ""


def is_only_deactivated(identity: Identity) -> bool:
    """Say whether a person was deactivated and nobody suspects them: nobody suspended them before, or besides.

    Whoever suspends somebody else says when; a deactivation suspends in the very moment it is made.
    """
    return identity.deactivated_at is not None and identity.suspended_at == identity.deactivated_at


def answers_for(identity: str, *, signed_at: str) -> Q:
    """Return for the database what `why_not_answering` returns "" for: `identity` and `signed_at` are the names of columns as queries spell them."""
    is_active = Q(**{f"{identity}__status": Identity.Status.ACTIVE})
    is_owned = Q(**{f"{identity}__kind": Identity.Kind.PERSON}) | Q(**{f"{identity}__owner__status": Identity.Status.ACTIVE})
    was_retired_later = Q(**{f"{identity}__status": Identity.Status.RETIRED, f"{identity}__retired_at__gt": F(signed_at)})
    holds = Q(**{f"{identity}__compromised_from__isnull": True}) | Q(**{f"{identity}__compromised_from__gt": F(signed_at)})
    was_suspended_later = Q(**{f"{identity}__suspended_at__isnull": True}) | Q(**{f"{identity}__suspended_at__gt": F(signed_at)})
    return holds & ((is_active & is_owned) | (was_retired_later & was_suspended_later))


def in_words(identity: Identity, why: str) -> str:
    """Return the reason that `why_not_answering` gave as the end of a sentence about the identity."""
    if why == ORPHANED:
        owner = f"its owner {identity.owner} is {identity.owner.get_status_display().lower()}" if identity.owner else "it has no owner"
        return f"nobody answers for it: {owner}"
    if why == COMPROMISED and identity.compromised_from is not None:
        return f"it is compromised from {identity.compromised_from:%Y-%m-%d %H:%M} UTC on, and this came later"
    if why == RETIRED and identity.suspended_at is not None:
        return f"it was suspended at {identity.suspended_at:%Y-%m-%d %H:%M} UTC and retired from there, before this was signed"
    if why == RETIRED and identity.retired_at is not None:
        return f"it was retired at {identity.retired_at:%Y-%m-%d %H:%M} UTC, before this was signed"
    return f"that identity is {why}"
