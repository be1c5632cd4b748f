"""Times functions side by side on a machine that others use too.

Every round runs every function for one short slot and counts CPU time of this thread, so that being descheduled costs nothing.
Two functions are compared inside a round, where both met the same machine; the median over rounds is the answer.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds per call, one figure for each function and round: CPU time where `measure` took them."""

    seconds: Mapping[str, tuple[float, ...]]

    def p10(self, name: str) -> float:
        """Return the tenth percentile in microseconds: what a call costs when nobody is in the way."""
        ordered = sorted(self.seconds[name])
        return ordered[len(ordered) // 10] * 1e6

    def median(self, name: str) -> float:
        """Return the median in milliseconds."""
        return statistics.median(self.seconds[name]) * 1e3

    def ratio(self, name: str, base: str) -> float:
        """Return how many times as long as `base` the function takes: the median of the rounds."""
        return statistics.median(one / other for one, other in zip(self.seconds[name], self.seconds[base], strict=True))


def measure(functions: Mapping[str, Work], *, rounds: int, slot: float) -> Times:
    """Return the times of `functions`, each run for about `slot` seconds in each of the `rounds`."""
    counts = {name: _calls_per(slot, work) for name, work in functions.items()}
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    gc.collect()
    gc.disable()  # A collection in one function's slot would be paid for by that function alone.
    try:
        for _ in range(rounds):
            for name, work in functions.items():
                seconds[name].append(_time(work, counts[name]) / counts[name])
            gc.collect()
    finally:
        gc.enable()
    return Times({name: tuple(values) for name, values in seconds.items()})


def _calls_per(slot: float, work: Work) -> int:
    """Return how many calls fill the slot; at least one. The first calls warm what is made once."""
    work()
    count = 1
    while (taken := _time(work, count)) < slot / 4:
        count *= 2
    return max(1, round(count * slot / taken))


def _time(work: Work, count: int) -> float:
    started = time.thread_time()
    for _ in range(count):
        work()
    return time.thread_time() - started
