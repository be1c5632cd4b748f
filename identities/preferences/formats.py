"""How a moment is written for whoever reads the page: in their time zone, which is named, and in the order their language has.

The choice holds for one request in one thread or task; outside of a request it is UTC and English (UK). Where words are German, dates are
too; in English words, on a page of which a part is English, they are English.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils import timezone
from django.utils.dateformat import format as write
from django.utils.translation import get_language

US, GERMAN = "en-us", "de"
_language: ContextVar[str] = ContextVar("language", default="")


def zone_of(name: str) -> tzinfo:
    """Return the time zone of that name; UTC where this machine does not know it any more."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


@contextmanager
def written_for(*, language: str, time_zone: str) -> Iterator[None]:
    """Write moments this way until the block ends."""
    token = _language.set(language)
    try:
        with timezone.override(zone_of(time_zone)):
            yield
    finally:
        _language.reset(token)


def write_exactly(moment: datetime) -> str:
    """Return a moment to the second with its zone: "2 March 2026, 10:00:00 CET", or "March 2, 2026, 4:00:00 AM EST"; in German "2. März 2026, 10:00:00 CET"."""
    here = timezone.localtime(moment)
    zone = here.tzname() or "UTC"
    if get_language() == GERMAN:
        return f"{write(here, 'j. F Y, H:i:s')} {zone}"
    if _language.get() == US:
        return f"{here:%B} {here.day}, {here.year}, {here.hour % 12 or 12}:{here:%M:%S %p} {zone}"
    return f"{here.day} {here:%B %Y, %H:%M:%S} {zone}"


def write_minute(moment: datetime) -> str:
    """Return a moment as `write_exactly` does, without its seconds."""
    here = timezone.localtime(moment)
    zone = here.tzname() or "UTC"
    if get_language() == GERMAN:
        return f"{write(here, 'j. F Y, H:i')} {zone}"
    if _language.get() == US:
        return f"{here:%B} {here.day}, {here.year}, {here.hour % 12 or 12}:{here:%M %p} {zone}"
    return f"{here.day} {here:%B %Y, %H:%M} {zone}"


def write_date(day: date) -> str:
    """Return a day in full: "2 March 2026", or "March 2, 2026", or "2. März 2026"."""
    if get_language() == GERMAN:
        return write(day, "j. F Y")
    return f"{day:%B} {day.day}, {day.year}" if _language.get() == US else f"{day.day} {day:%B %Y}"


def write_day(moment: datetime) -> str:
    """Return the day of a moment, short: "2 Mar 2026", or "Mar 2, 2026", or "02.03.2026"."""
    here = timezone.localtime(moment)
    if get_language() == GERMAN:
        return write(here, "d.m.Y")
    return f"{here:%b} {here.day}, {here.year}" if _language.get() == US else f"{here.day} {here:%b %Y}"


def write_until(moment: datetime) -> str:
    """Return a moment to the minute in UTC, as pages of signing name it: "2 March 2026, 09:00"."""
    there = moment.astimezone(UTC)
    return write(there, "j. F Y, H:i") if get_language() == GERMAN else f"{there.day} {there:%B %Y, %H:%M}"
