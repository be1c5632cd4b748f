"""The deeds of a window as bars over time, ready to be drawn: where each stands and how high. Pure; it draws nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from reports.identity_use.use import Deed, Window

BARS = 30
WIDTH, HEIGHT = 600, 60


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its box in the picture, its part of the window, and how many deeds fall into it."""

    x: int
    y: int
    width: int
    height: int
    since: datetime
    until: datetime
    deeds: int


def draw_timeline(deeds: Sequence[Deed], window: Window) -> tuple[Bar, ...]:
    """Return the bars of the parts of the window with deeds, in a picture of `WIDTH` by `HEIGHT`; none where there are no deeds."""
    length = (window.until - window.since) / BARS
    if not deeds or length <= timedelta():
        return ()
    counts = [0] * BARS
    for deed in deeds:
        counts[min(BARS - 1, int((deed.at - window.since) / length))] += 1
    step, highest = WIDTH // BARS, max(counts)
    bars = []
    for position, number in enumerate(counts):
        height = max(4, round(number / highest * (HEIGHT - 4)))
        begins = window.since + length * position
        if number:
            bars.append(Bar(position * step + 1, HEIGHT - height, step - 2, height, begins, begins + length, number))
    return tuple(bars)
