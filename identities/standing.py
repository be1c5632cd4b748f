"""Whether an identity answers for what was signed in its name, and if not, why not."""

from __future__ import annotations

from datetime import datetime

from identities.models import Identity

SUSPENDED, RETIRED, ORPHANED, COMPROMISED = "suspended", "retired", "orphaned", "compromised"


def why_not_answering(identity: Identity, *, signed_at: datetime) -> str:
    """Return "" when `identity` answers today for what was signed at `signed_at`; else `suspended`, `compromised`, `retired` or `orphaned`.

    Compromised from a time on, it answers for what was signed before. Suspended, it answers for nothing. Retired, it answers for what was signed before, whoever its owner is now. A program whose
    owner is no longer an active person is an orphan and answers for nothing. Whether it is the signer at all is asked elsewhere.
    """
    if identity.status == Identity.Status.SUSPENDED:
        return SUSPENDED
    if identity.compromised_from is not None and signed_at >= identity.compromised_from:
        return COMPROMISED
    if identity.status == Identity.Status.RETIRED:
        return "" if identity.retired_at is not None and signed_at < identity.retired_at else RETIRED
    return ORPHANED if identity.is_orphaned else ""


def in_words(identity: Identity, why: str) -> str:
    """Return the reason that `why_not_answering` gave as the end of a sentence about the identity."""
    if why == ORPHANED:
        owner = f"its owner {identity.owner} is {identity.owner.get_status_display().lower()}" if identity.owner else "it has no owner"
        return f"nobody answers for it: {owner}"
    if why == COMPROMISED and identity.compromised_from is not None:
        return f"it is compromised from {identity.compromised_from:%Y-%m-%d %H:%M} UTC on, and this came later"
    if why == RETIRED and identity.retired_at is not None:
        return f"it was retired at {identity.retired_at:%Y-%m-%d %H:%M} UTC, before this was signed"
    return f"that identity is {why}"
