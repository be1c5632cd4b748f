"""Plain makers for recoveries: somebody without a live key, and two officers who agree."""

from __future__ import annotations

from datetime import datetime

from identities.keys.enrol import revoke_signing_key
from identities.models import KeyRecovery, SigningKey
from identities.people.recovery.consent_to_recovery import consent_to_recovery
from identities.people.recovery.open_recovery import open_recovery
from tests import cast
from tests import make_approvals as make


def lose_every_key(*, now: datetime = cast.NOW) -> SigningKey:
    """Alice had one key, and reported it lost."""
    alice = cast.alice()
    _, key = make.enrol(alice, now=now)
    return revoke_signing_key(key=key, by=alice, reason="Bag stolen", now=now, compromised_from=now)


def opened(*, now: datetime = cast.NOW) -> KeyRecovery:
    """Alice lost every key and asks for a recovery."""
    lose_every_key(now=now)
    return open_recovery(reason="My only key was in the stolen bag", by=cast.alice(), now=now)


def granted(*, now: datetime = cast.NOW) -> KeyRecovery:
    """Two officers agreed."""
    recovery = opened(now=now)
    for officer in (cast.olga(), cast.omar()):
        consent_to_recovery(recovery=recovery, by=officer, now=now)
    return recovery
