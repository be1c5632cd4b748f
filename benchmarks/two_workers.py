"""Two worker processes against one: the same batch of bundles, by one alone and by both at once, half each.

Beside it a control: the same two processes count, which shares nothing at all. Where the control does not reach two either, the
machine is busy and says nothing about us.
"""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection

VERIFY, COUNT = "verify", "count"


@dataclass(frozen=True, slots=True)
class Speedup:
    """How much faster two are than one: by the clock on the wall, and by CPU seconds (2 when neither slows the other down)."""

    wall: float
    cpu: float


def measure_two_workers(make_work: Callable[[], Callable[[], object]], *, rounds: int, batch_seconds: float) -> dict[str, Speedup]:
    """Return the speed-ups of `verify` (the work that `make_work` makes in each process) and of the control, `count`.

    `make_work` must be importable by name: the processes are started afresh.
    """
    with _workers(make_work) as workers:
        sizes = {job: _calls_in(batch_seconds, workers[0], job) for job in (VERIFY, COUNT)}
        found: dict[str, list[Speedup]] = {VERIFY: [], COUNT: []}
        for _ in range(rounds):
            for job, size in sizes.items():
                one, one_cpu = _run(workers[:1], job, 2 * size)
                two, two_cpu = _run(workers, job, size)
                found[job].append(Speedup(one / two, 2 * one_cpu / two_cpu))
    return {job: Speedup(statistics.median(s.wall for s in each), statistics.median(s.cpu for s in each)) for job, each in found.items()}


@contextmanager
def _workers(make_work: Callable[[], Callable[[], object]]) -> Iterator[list[Connection]]:
    context = multiprocessing.get_context("spawn")
    started, ends = [], []
    for _ in range(2):
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, make_work), daemon=True)
        process.start()
        started.append(process)
        ends.append(ours)
    try:
        for end in ends:
            end.recv()  # It says when it is ready: importing is not measured.
        yield ends
    finally:
        for end in ends:
            end.send(None)
        for process in started:
            process.join(timeout=10)


def _serve(end: Connection, make_work: Callable[[], Callable[[], object]]) -> None:
    jobs = {VERIFY: make_work(), COUNT: _count}
    end.send("ready")
    while (order := end.recv()) is not None:
        job, size = order
        work, started = jobs[job], time.process_time()
        for _ in range(size):
            work()
        end.send(time.process_time() - started)


def _count() -> int:
    return sum(range(20_000))


def _run(workers: list[Connection], job: str, size: int) -> tuple[float, float]:
    """Return wall and CPU seconds that `workers` took for `size` calls each."""
    started = time.perf_counter()
    for worker in workers:
        worker.send((job, size))
    cpu = sum(worker.recv() for worker in workers)
    return time.perf_counter() - started, cpu


def _calls_in(seconds: float, worker: Connection, job: str) -> int:
    size = 1
    while (taken := _run([worker], job, size)[0]) < seconds / 4:
        size *= 2
    return max(1, round(size * seconds / taken))
