"""What pages say of approval keys: how sure one can be with them, in words, and how they came to be. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from identities.keys.directory import LoggedKey, list_logged_keys
from identities.models import Identity, SigningKey

# So long, every page that shows an approval by it says that the key came by a recovery.
RECOVERY_SHOWN_DAYS = 30


@dataclass(frozen=True, slots=True)
class DescribedKey:
    """A key and what its page says. `ripens_at` is None once it counts everywhere."""

    key: SigningKey
    proof: str
    level: str
    ripens_at: datetime | None
    log: tuple[LoggedKey, ...]


def describe_keys(identity: Identity, *, now: datetime) -> list[DescribedKey]:
    """Return every key a person ever enrolled, the newest first, with its words."""
    logged = list_logged_keys(identity)
    rows = SigningKey.objects.filter(identity=identity).select_related("bound_by__provider", "introduced_by", "recovery")
    return [
        DescribedKey(
            key=row,
            proof=_proof(row),
            level=_level(row),
            ripens_at=row.matures_at if row.matures_at and row.matures_at > now and row.revoked_at is None else None,
            log=tuple(item for item in logged if item.key.pk == row.pk),
        )
        for row in rows.order_by("-enrolled_at", "-pk")
    ]


def is_recovery_shown(key: SigningKey, *, now: datetime) -> bool:
    """Say whether pages must still tell that a key came by a recovery."""
    return key.recovery_id is not None and now < key.enrolled_at + timedelta(days=RECOVERY_SHOWN_DAYS)


def _proof(key: SigningKey) -> str:
    if key.bound_by is not None:
        return f"bound to your sign-in at {key.bound_by.provider.name}"
    return "the portal vouches"


def _level(key: SigningKey) -> str:
    if key.bound_by is None:
        return "Reaches H2: your key signs, and the portal alone vouches that it is yours"
    if key.backup_eligible:
        return "Reaches H3: your key signs, and your identity provider confirmed that it is yours; it may be copied to other devices"
    return "Reaches H3, and H4 where the make of the device is attested and trusted: your identity provider confirmed that it is yours"
