"""How far the sample data is, on the terminal: one line that changes where a person looks on, else a line every ten percent."""

from __future__ import annotations

import time
from typing import TextIO


class Progress:
    """Tells how many days are made, how many requests there are, and how long it has taken."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._began = time.monotonic()
        self._told = 0

    def tell(self, done: int, days: int, requests: int) -> None:
        """Tell of `done` of `days` days."""
        line = f"day {done} of {days}, {requests} requests, {time.monotonic() - self._began:.0f} s"
        tenth = done * 10 // days
        if self._out.isatty():
            self._out.write(f"\r{line}" + ("\n" if done == days else ""))
        elif tenth > self._told:
            self._out.write(f"{line}\n")
        self._told = tenth
        self._out.flush()
