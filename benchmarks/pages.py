"""Measures the pages of the approver's desk on PostgreSQL: `make bench-pages`, or `python -m benchmarks.pages --small 1000 --large 20000` for a look.

In one run: the queue with few and with very many requests, its first page and one deep in it, for readers of 1, 50 and 1,000 teams beside the
same questions without any restriction; review and passport with both; and what a real browser says of their weight and of how soon they are there. Makes a
database of its own and drops it. Ends with 1 where a goal is missed; absolute times are only reported. What is inside each figure: docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

DEPTH_GOAL, SIZE_GOAL, TEAM_GOAL = 1.2, 1.2, 1.3
WIRE_GOAL, SCRIPT_GOAL = 80_000, 15_000
TEAMS = 1000
READERS = (1, 50, 1000)
PAGE_DEEP = 40
INSIDE = "COUNTERSIGN_BENCH_INSIDE"


def main() -> None:
    """Measure, print one line for each figure beside its goal, and end with 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--small", type=int, default=1000, help="requests at first (1000)")
    parser.add_argument("--large", type=int, default=1_000_000, help="requests at last (1000000)")
    parser.add_argument("--rounds", type=int, default=25, help="rounds of each measurement (25)")
    parser.add_argument("--no-browser", action="store_true", help="leave Chromium out")
    wanted = parser.parse_args()
    if os.environ.get(INSIDE):
        sys.exit(_measure(wanted))
    sys.exit(_in_database(sys.argv[1:]))


def _in_database(arguments: list[str]) -> int:
    """Run this once more with a new database of its own, and drop that afterwards."""
    import psycopg

    from tests.backends import postgresql

    name = f"countersign_bench_{os.getpid()}"
    with postgresql() as server, tempfile.TemporaryDirectory(prefix="countersign-bench-") as folder:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        try:
            kept = {key: value for key, value in os.environ.items() if not key.startswith("COUNTERSIGN_")}
            environment = kept | {
                INSIDE: "1",
                "COUNTERSIGN_DATABASE_URL": urlsplit(server)._replace(path=f"/{name}").geturl(),
                "COUNTERSIGN_VAR_DIR": folder,
                "COUNTERSIGN_KEY_COOLING_HOURS": "0",
                "COUNTERSIGN_LOG_LEVEL": "WARNING",
                "DJANGO_SETTINGS_MODULE": "portal.settings",
                "DJANGO_ALLOW_ASYNC_UNSAFE": "true",
            }
            root = Path(__file__).resolve().parents[1]
            subprocess.run(
                [sys.executable, str(root / "manage.py"), "prepare"], env=environment, cwd=root, check=True, stdout=subprocess.DEVNULL
            )
            return subprocess.run([sys.executable, "-m", "benchmarks.pages", *arguments], env=environment, cwd=root).returncode
        finally:
            with psycopg.connect(server, autocommit=True) as connection:
                connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _measure(wanted: argparse.Namespace) -> int:
    import django

    django.setup()
    from benchmarks.filled_portal import FilledPortal

    portal = FilledPortal(teams=TEAMS, readers=READERS)
    figures: dict[int, dict[str, float]] = {}
    missed = 0
    for count in (wanted.small, wanted.large):
        started = time.monotonic()
        portal.fill(count)
        print(f"{count:,} requests in {TEAMS:,} teams, made in {time.monotonic() - started:.0f} s", flush=True)
        figures[count] = _time_pages(portal.pages(deep=PAGE_DEEP), rounds=wanted.rounds)
        missed += _print_teams(portal, count, rounds=wanted.rounds)
    few, many = figures[wanted.small], figures[wanted.large]
    for name in many:
        goal = SIZE_GOAL if name != "queue, deep" else None
        missed += _line(
            f"{name}: {wanted.large:,} by {wanted.small:,}", many[name] / few[name], goal, f"{few[name]:.1f} and {many[name]:.1f} ms"
        )
    missed += _line("queue: deep page by page 1", many["queue, deep"] / many["queue, page 1"], DEPTH_GOAL, f"{many['queue, deep']:.1f} ms")
    if not wanted.no_browser:
        missed += _browse(portal)
    return 1 if missed else 0


def _time_pages(pages: Mapping[str, Callable[[], object]], *, rounds: int) -> dict[str, float]:
    """Return the median milliseconds of each page, all of them in every round."""
    seconds: dict[str, list[float]] = {name: [] for name in pages}
    for ask in pages.values():
        ask()
    for _ in range(rounds):
        for name, ask in pages.items():
            started = time.perf_counter()
            ask()
            seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) * 1000 for name, values in seconds.items()}


def _print_teams(portal: Any, count: int, *, rounds: int) -> int:
    """Hold what readers of few and many teams wait for against the same questions without any restriction."""
    times = _time_pages(portal.questions(), rounds=rounds)
    free = times.pop("unrestricted")
    missed = 0
    for name, taken in times.items():
        missed += _line(f"{count:,}: reader of {name} by unrestricted", taken / free, TEAM_GOAL, f"{taken:.1f} and {free:.1f} ms")
    return missed


def _browse(portal: Any) -> int:
    """Ask a real browser: bytes on the wire, own script, and when the largest part of the page was there, with nothing kept from before."""
    missed = 0
    for name, seen in portal.browse().items():
        missed += _line(f"{name}: kB on the wire", seen["wire"] / 1000, WIRE_GOAL / 1000, f"{seen['wire']:,} bytes")
        missed += _line(f"{name}: kB of own script", seen["script"] / 1000, SCRIPT_GOAL / 1000, f"{seen['script']:,} bytes")
        print(f"{name + ': largest contentful paint, cold':58} {seen['lcp']:8.0f} ms   goal 400, only reported")
    return missed


def _line(what: str, figure: float, goal: float | None, words: str) -> int:
    verdict = "" if goal is None else "met" if figure <= goal else "MISSED"
    print(f"{what:58} {figure:8.2f}   {f'goal {goal:g}, {verdict}' if goal is not None else 'no goal'}   ({words})", flush=True)
    return int(verdict == "MISSED")


if __name__ == "__main__":
    main()
