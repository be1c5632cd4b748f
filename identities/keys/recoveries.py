"""Where a recovery stands: who agreed, who is missing, and whether the person may enrol a key by it now. Reads only.

Two officers agree, neither of them the person. Where fewer than two others are officers, the operator at the console stands in for one of
them, and it is kept and shown as what it is. A consent counts while whoever gave it is an officer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from identities.actors import actor_of
from identities.models import Identity, KeyRecovery, RecoveryConsent, SigningKey
from identities.permissions import may
from proofs.approval.enrollment_parts import RecoveryReference

NEEDED = 2
OPEN, GRANTED, EXPIRED, ENDED, USED = "open", "granted", "expired", "ended", "used"


@dataclass(frozen=True, slots=True)
class RecoveryStanding:
    """A recovery and how far it has come. `state` is open, granted, expired, ended or used."""

    recovery: KeyRecovery
    consents: tuple[RecoveryConsent, ...]
    state: str

    @property
    def missing(self) -> int:
        """How many consents it still needs."""
        return max(0, NEEDED - len(self.consents) - bool(self.recovery.operator_consented_at))

    @property
    def is_live(self) -> bool:
        """Whether it can still be agreed to, used or ended."""
        return self.state in (OPEN, GRANTED)

    def reference(self) -> RecoveryReference:
        """Return who agreed, by pseudonym, and when the last of them did, for the enrolment statement."""
        given = [(consent.consented_at, actor_of(consent.officer)) for consent in self.consents]
        if self.recovery.operator_consented_at is not None:
            given.append((self.recovery.operator_consented_at, actor_of(None)))
        return RecoveryReference(tuple(actor for _, actor in sorted(given)), max(at for at, _ in given))


def standing_of(recovery: KeyRecovery, *, now: datetime) -> RecoveryStanding:
    """Return where a recovery stands at `now`."""
    rows = recovery.consents.select_related("officer").order_by("consented_at", "pk")
    # What an officer agreed to before the role ended no longer carries it, unless the key is enrolled already.
    settled = recovery.used_at is not None
    consents = tuple(row for row in rows if settled or may(row.officer, "recoveries.decide").allowed)
    standing = RecoveryStanding(recovery, consents, OPEN)
    if recovery.used_at is not None:
        return RecoveryStanding(recovery, consents, USED)
    if recovery.ended_at is not None:
        return RecoveryStanding(recovery, consents, ENDED)
    if now >= recovery.expires_at:
        return RecoveryStanding(recovery, consents, EXPIRED)
    return standing if standing.missing else RecoveryStanding(recovery, consents, GRANTED)


def find_live_recovery(identity: Identity, *, now: datetime) -> RecoveryStanding | None:
    """Return the recovery of a person that can still come to something, or None."""
    row = KeyRecovery.objects.filter(identity=identity, ended_at__isnull=True, used_at__isnull=True).first()
    standing = standing_of(row, now=now) if row else None
    return standing if standing and standing.is_live else None


def list_recoveries() -> QuerySet[KeyRecovery]:
    """Return every recovery there ever was, the newest first."""
    return KeyRecovery.objects.select_related("identity", "ended_by").order_by("-opened_at", "-pk")


def has_live_key(identity: Identity) -> bool:
    """Say whether a person holds a key that is not revoked."""
    return SigningKey.objects.filter(identity=identity, revoked_at__isnull=True).exists()
