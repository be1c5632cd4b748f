"""The loop of a long-running process: a round, a heartbeat, a rest when nothing was waiting, until it is told to stop."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

from portal.heartbeat import beat_heart


def run_until(stop: Event, *, process: str, round_of_work: Callable[[], int], pause: float) -> None:
    """Work round after round until `stop` is set; rest between rounds only when nothing was waiting.

    A round is not cut short: what it claimed it finishes. Killed in the middle, the claimed rows come free when their lease ends.
    """
    while not stop.is_set():
        done = round_of_work()
        beat_heart(process)
        if not done:
            stop.wait(pause)
