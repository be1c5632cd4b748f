"""The window that somebody asks about: two days or two moments, both in UTC; the last quarter unless told. Pure."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from proofs.errors import Malformed
from proofs.moment import parse_moment
from reports.identity_use.use import Window

USUAL_DAYS = 90
PRESETS = (7, 30, 90)
CODE = "use.window"
# Before this there was no portal; it keeps sums of days inside the calendar.
FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def read_window(*, unverified_from: str, unverified_to: str, now: datetime) -> Window:
    """Return the window from the beginning of `from` to the end of `to`, each a day or a moment; a moment is where it ends itself.

    What is left out is now, and `USUAL_DAYS` before the end. What is yet to come is left off. Refuses with `use.window`.
    """
    until = min(_moment(unverified_to, "to", end=True) or now, now)
    since = _moment(unverified_from, "from", end=False) or until - timedelta(days=USUAL_DAYS)
    if since >= until:
        raise Malformed(
            CODE, f"got a window from {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC, expected one that began before it ends"
        )
    return Window(since, until)


def _moment(unverified_text: str, name: str, *, end: bool) -> datetime | None:
    if not unverified_text:
        return None
    if "T" in unverified_text:
        return min(max(parse_moment(unverified_text, code=CODE, what=f"`{name}`"), FIRST), LAST)
    try:
        if not _DAY.fullmatch(unverified_text):
            raise ValueError(unverified_text)
        day = date.fromisoformat(unverified_text)
        begins = datetime(day.year, day.month, day.day, tzinfo=UTC)
        begins = min(max(begins, FIRST), LAST)
        return begins + timedelta(days=1) if end else begins
    except ValueError as error:
        text = unverified_text[:40]
        raise Malformed(
            CODE, f"got {text!r} for `{name}`, expected a day such as 2026-01-31 or a time such as 2026-01-31T12:00:00Z"
        ) from error
