"""The demo's own time: it only goes on, so that what is made in order is also dated in order."""

from __future__ import annotations

from datetime import datetime, timedelta


class Clock:
    """A time that moves when it is told to."""

    def __init__(self, at: datetime) -> None:
        self.now = at.replace(microsecond=0)

    def go_on(self, **duration: int) -> datetime:
        """Let some time pass, and return what time it is then."""
        self.now += timedelta(**duration)
        return self.now

    def go_to(self, at: datetime) -> datetime:
        """Go on to a time; one that is over already changes nothing."""
        self.now = max(self.now, at.replace(microsecond=0))
        return self.now
