"""Measures the pages of the approver's desk on PostgreSQL: `make bench-pages`, or `python -m benchmarks.pages --large 20000` for a look.

Two portals, one with few requests and one with very many, each with a database of its own that is dropped afterwards. Every round asks every page
of both, one after the other, so that a machine that others use disturbs all alike; a ratio is the median over the rounds. Then a real browser tells
how much a page weighs and how soon it is there. Ends with 1 where a goal is missed; absolute times are only reported. What is inside each figure:
docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.browser_loads import Loaded, load_pages
from benchmarks.interleaved import Times

DEPTH_GOAL, SIZE_GOAL, TEAM_GOAL = 1.2, 1.2, 1.3
WIRE_GOAL, SCRIPT_GOAL, PAINT_GOAL = 80_000, 15_000, 400
ROOT = Path(__file__).resolve().parents[1]
FEW, MANY = "few", "many"


def main() -> None:
    """Measure, print one line for each figure beside its goal, and end with 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--small", type=int, default=1000, help="requests of the one portal (1000)")
    parser.add_argument("--large", type=int, default=1_000_000, help="requests of the other (1000000)")
    parser.add_argument("--rounds", type=int, default=40, help="rounds of each measurement (40)")
    parser.add_argument("--loads", type=int, default=9, help="loads of each page in Chromium (9); with 0 it is left out")
    wanted = parser.parse_args()
    began = time.monotonic()
    with _portals(wanted.small, wanted.large) as (few, many):
        missed = _judge(_time({FEW: few, MANY: many}, rounds=wanted.rounds), wanted)
        if wanted.loads:
            missed += _browse(many, wanted.loads)
    print(f"{missed} goals missed, in {(time.monotonic() - began) / 60:.0f} minutes", flush=True)
    sys.exit(1 if missed else 0)


@dataclass
class Portal:
    """A filled portal in a process of its own, which answers with the seconds that a page took it."""

    environment: Mapping[str, str]
    process: subprocess.Popen[str]
    pages: list[str]
    loads: Mapping[str, Any]

    def ask(self, name: str) -> float:
        """Return how long the page took."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{name}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


@contextlib.contextmanager
def _portals(*counts: int) -> Iterator[list[Portal]]:
    """Make a portal with each of these numbers of requests, all at once, and let nothing of them remain.

    Each has a database and a folder of its own, copied from those of one that was set up, and a process of its own. All have one address, which
    their logs are named after; a web server is only ever begun for one.
    """
    import psycopg

    from tests.backends import postgresql
    from tests.live import free_port

    name, origin = f"countersign_bench_{os.getpid()}", f"http://localhost:{free_port()}"
    names = [f"{name}_{number}" for number in range(len(counts))]
    with (
        postgresql() as server,
        tempfile.TemporaryDirectory(prefix="countersign-bench-") as folder,
        psycopg.connect(server, autocommit=True) as connection,
        contextlib.ExitStack() as stack,
    ):
        for each in (name, *names):
            stack.callback(connection.execute, f'DROP DATABASE IF EXISTS "{each}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')
        home = Path(folder) / "prepared"
        prepared = _environment(server, name, home, origin)
        subprocess.run([sys.executable, "manage.py", "prepare"], env=prepared, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        begun = []
        for each, count in zip(names, counts, strict=True):
            connection.execute(f'CREATE DATABASE "{each}" TEMPLATE "{name}"')
            shutil.copytree(home, Path(folder) / each)
            begun.append(_begin(_environment(server, each, Path(folder) / each, origin), count, stack))
        yield [_wait_until_filled(*each) for each in begun]


def _environment(server: str, name: str, folder: Path, origin: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("COUNTERSIGN_")}
    return kept | {
        "COUNTERSIGN_DATABASE_URL": urlsplit(server)._replace(path=f"/{name}").geturl(),
        "COUNTERSIGN_ORIGIN": origin,
        "COUNTERSIGN_VAR_DIR": str(folder),
        "COUNTERSIGN_KEY_COOLING_HOURS": "0",
        "COUNTERSIGN_LOG_LEVEL": "WARNING",
        "DJANGO_SETTINGS_MODULE": "portal.settings",
    }


def _begin(environment: Mapping[str, str], count: int, stack: contextlib.ExitStack) -> tuple[Mapping[str, str], subprocess.Popen[str], int]:
    command = [sys.executable, "-m", "benchmarks.timed_pages", str(count)]
    process = subprocess.Popen(command, env=dict(environment), cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    stack.enter_context(process)
    stack.callback(process.kill)
    return environment, process, count


def _wait_until_filled(environment: Mapping[str, str], process: subprocess.Popen[str], count: int) -> Portal:
    assert process.stdout
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"the portal of {count:,} requests could not be filled; what it said stands above")
    told = json.loads(line)
    print(f"{count:,} requests in {told['teams']:,} teams, made in {told['seconds']:.0f} s", flush=True)
    return Portal(environment, process, told["pages"], told["loads"])


def _time(portals: Mapping[str, Portal], *, rounds: int) -> Times:
    """Ask every page of every portal once in each round. What is made once was made before."""
    seconds: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name in portals[FEW].pages:
            for size, portal in portals.items():
                seconds.setdefault(f"{size} {name}", []).append(portal.ask(name))
    return Times({name: tuple(values) for name, values in seconds.items()})


def _judge(times: Times, wanted: argparse.Namespace) -> int:
    """Print every ratio beside its goal; return how many goals were missed."""
    sizes = {FEW: f"{wanted.small:,}", MANY: f"{wanted.large:,}"}
    missed = 0
    for page in ("queue, page 1", "queue, deep", "queue, your turn", "review", "passport"):
        missed += _line(times, f"{page}: {sizes[MANY]} by {sizes[FEW]}", f"{MANY} {page}", f"{FEW} {page}", SIZE_GOAL)
    for size, count in sizes.items():
        missed += _line(times, f"{count}: queue, deep page by page 1", f"{size} queue, deep", f"{size} queue, page 1", DEPTH_GOAL)
        for teams in ("1 team", "50 teams", "1000 teams"):
            what, base = f"{count}: queue of a reader of {teams} by unrestricted", f"{size} queue, unrestricted"
            missed += _line(times, what, f"{size} queue, {teams}", base, TEAM_GOAL)
            what, base = f"{count}: what it asks, {teams} by unrestricted", f"{size} asked, unrestricted"
            missed += _line(times, what, f"{size} asked, {teams}", base, None)
        for page in ("review", "passport"):
            what = f"{count}: {page} of a reader of 1000 teams by of 1"
            missed += _line(times, what, f"{size} {page}, 1000 teams", f"{size} {page}, 1 team", TEAM_GOAL)
    return missed


def _line(times: Times, what: str, one: str, other: str, goal: float | None) -> int:
    ratio = times.ratio(one, other)
    verdict = "" if goal is None else "met" if ratio <= goal else "MISSED"
    words = f"goal {goal:g}, {verdict}" if goal is not None else "no goal"
    print(f"{what:66} {ratio:6.2f}   {words:16} ({times.median(one):.1f} by {times.median(other):.1f} ms)", flush=True)
    return int(verdict == "MISSED")


def _browse(portal: Portal, loads: int) -> int:
    """Ask a real browser: bytes on the wire, own script, and when the largest part of the page was there, with nothing kept from before."""
    missed = 0
    found: Mapping[str, Loaded] = load_pages(portal.loads, environment=portal.environment, loads=loads)
    for name, seen in found.items():
        for what, bytes_seen, goal in (("on the wire", seen.wire, WIRE_GOAL), ("of own script", seen.script, SCRIPT_GOAL)):
            missed += bytes_seen > goal
            verdict = "met" if bytes_seen <= goal else "MISSED"
            print(f"{f'{name}: kB {what}':66} {bytes_seen / 1000:6.1f}   goal {goal / 1000:g}, {verdict}", flush=True)
        print(
            f"{f'{name}: largest contentful paint, cold':66} {seen.paint:6.0f} ms, the quickest {seen.quickest:.0f}   "
            f"goal {PAINT_GOAL}, only reported   (answered after {seen.answered:.0f} ms, {seen.requests} requests)",
            flush=True,
        )
    return missed


if __name__ == "__main__":
    main()
