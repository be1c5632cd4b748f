"""The loop that does the background work of a portal without a broker. Several may run; a broker's workers may run beside it."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

from portal.heartbeat import beat_heart
from portal.schedule import work_one_round


def run_until(stop: Event, *, process: str = "worker", round_of_work: Callable[[], int] = work_one_round, pause: float) -> None:
    """Work round after round until `stop` is set; rest between rounds only when nothing was waiting.

    A round is not cut short: what it claimed it finishes. Killed in the middle, the claimed rows come free when their lease ends.
    """
    while not stop.is_set():
        done = round_of_work()
        beat_heart(process)
        if not done:
            stop.wait(pause)
