"""Change one's own preferences: how pages look, what is mailed, and when one is away.

Being away is a word to others and gives nobody power. Nothing signed rests on any of this, so the ledger does not hold it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction

from identities.models import Identity, Preferences
from identities.permissions import demand
from identities.plain_text import plain_text
from identities.preferences.choices import CHOOSABLE, LANGUAGES, list_time_zones
from proofs.errors import Malformed


def change_appearance(
    *, theme: str, density: str, language: str, time_zone: str, shortcuts: bool, by: Identity, now: datetime
) -> Preferences:
    """Keep how pages look. Refuses with `preferences.unknown_choice` or `permission.missing`."""
    _demand_choice("theme", theme, Preferences.Theme.values)
    _demand_choice("density", density, Preferences.Density.values)
    _demand_choice("language", language, [code for code, _ in LANGUAGES])
    _demand_choice("time zone", time_zone, list_time_zones())
    return _keep(by, now, {"theme": theme, "density": density, "language": language, "time_zone": time_zone, "shortcuts": shortcuts})


def change_mailing(*, mailed: Sequence[str], by: Identity, now: datetime) -> Preferences:
    """Keep which kinds of notices are mailed; those about one's own keys and roles are whatever is chosen.

    Refuses with `preferences.unknown_choice` or `permission.missing`.
    """
    kinds = [kind for kind, _ in CHOOSABLE]
    for kind in mailed:
        _demand_choice("kind of notice", kind, kinds)
    return _keep(by, now, {"unmailed": sorted(set(kinds) - set(mailed))})


def change_away(*, away_from: date | None, away_until: date | None, note: str, by: Identity, now: datetime) -> Preferences:
    """Keep from when until when one is away, with a note for others; no first day is being here.

    Refuses with `preferences.away_order`, `preferences.away_note` or `permission.missing`.
    """
    if away_from is None:
        if away_until is not None:
            raise Malformed("preferences.away_order", "got a last day and no first one, expected both or neither")
        return _keep(by, now, {"away_from": None, "away_until": None, "away_note": ""})
    if away_until is not None and away_until < away_from:
        raise Malformed("preferences.away_order", f"got a last day {away_until} before the first {away_from}, expected it on or after that")
    said = plain_text(note, what="away.note", code="preferences.away_note", limit=200, empty=True)
    return _keep(by, now, {"away_from": away_from, "away_until": away_until, "away_note": said})


def _demand_choice(what: str, given: str, known: Sequence[str]) -> None:
    if given not in known:
        raise Malformed("preferences.unknown_choice", f"got the {what} {given[:60]!r}, expected one of those that are offered")


@transaction.atomic
def _keep(by: Identity, now: datetime, values: dict[str, object]) -> Preferences:
    demand(by, "settings.own")
    kept, _ = Preferences.objects.update_or_create(identity=by, defaults={**values, "changed_at": now})
    return kept
