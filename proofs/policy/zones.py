"""Time zones by name, from the zone data at hand. What a name means may differ between two readers; nothing that is signed rests on it."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

_NAME = re.compile(r"[A-Za-z]+(/[A-Za-z0-9_+-]+){0,2}")
# A zone that every set of zone data has.
_KNOWN = "Europe/London"


def find_zone(name: str) -> ZoneInfo | None:
    """Return the zone of this name, or None where it is not known here."""
    if not _NAME.fullmatch(name):
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # Nobody knows it, or what is known of it cannot be read.
        return None


def is_zone(name: str) -> bool:
    """Return whether this may be the name of a zone: a known one, or any that looks so where no zone data is at hand."""
    return find_zone(name) is not None or (_NAME.fullmatch(name) is not None and find_zone(_KNOWN) is None)
