"""What a person has chosen, or the defaults; who is away today, in words for others. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime

from django.db.models import QuerySet
from django.utils.translation import gettext

from identities.models import Identity, Preferences
from identities.preferences.formats import write_date, zone_of

# No row is made before somebody changes something.
NOTHING_CHANGED_YET = datetime(1970, 1, 1, tzinfo=UTC)


def preferences_of(identity: Identity) -> Preferences:
    """Return what a person has chosen; without a row, the defaults in one that is not saved."""
    found = Preferences.objects.filter(identity=identity).first()
    return found or Preferences(identity=identity, changed_at=NOTHING_CHANGED_YET)


def is_mailed(preferences: Preferences, kind: str, always: Iterable[str]) -> bool:
    """Say whether a notice of this kind is mailed to the person."""
    return kind in always or kind not in preferences.unmailed


def is_away(preferences: Preferences, today: date) -> bool:
    """Say whether the person is away today: within both days, or since the first where no end is said."""
    begins, ends = preferences.away_from, preferences.away_until
    return begins is not None and begins <= today and (ends is None or today <= ends)


def away_words(preferences: Preferences) -> str:
    """Return "away until 5 March 2026: note" for others to read."""
    ends = preferences.away_until
    until = gettext("away until %(day)s") % {"day": write_date(ends)} if ends else gettext("away")
    return f"{until}: {preferences.away_note}" if preferences.away_note else until


def list_away(identities: Iterable[str], *, now: datetime) -> dict[str, str]:
    """Return, of these identities' ids, those who are away at this moment where they are, with the words for it. One query."""
    rows = Preferences.objects.filter(identity__in=list(identities), away_from__isnull=False)
    return {row.identity_id: away_words(row) for row in rows if is_away(row, _today(row, now))}


def list_away_among(people: QuerySet[Identity], *, now: datetime) -> list[tuple[str, str]]:
    """Return the names of those among these people who are away at this moment where they are, with the words for it. One query."""
    rows = Preferences.objects.filter(identity__in=people, away_from__isnull=False).select_related("identity")
    return sorted((row.identity.name, away_words(row)) for row in rows if is_away(row, _today(row, now)))


def _today(preferences: Preferences, now: datetime) -> date:
    return now.astimezone(zone_of(preferences.time_zone)).date()
