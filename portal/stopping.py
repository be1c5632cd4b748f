"""A polite end: SIGTERM, SIGINT and SIGHUP set an event that loops look at between rounds."""

from __future__ import annotations

import signal
from threading import Event


def stop_on_signals() -> Event:
    """Return an event that is set by the first signal to end."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    return stop
