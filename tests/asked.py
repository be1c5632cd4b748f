"""Which places of the portal's code ask the database, and which files of tests make them: so a second backend need not run every test.

The first lane notes it, in the file that `COUNTERSIGN_TEST_ASKED` names. The files that `first_lane_only.txt` lists make no place ask that
others do not make ask too, so the lane on PostgreSQL leaves them out. Where the notes say that this is no longer so, it takes in as many of
them as it needs (`still_left_out`). `make lanes` writes the list anew.

It does not see what a place asks: where one query takes several shapes, the files that try them belong to `EVERYWHERE`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "tests" / "first_lane_only.txt"
ROOMS = ("portal", "reports", "gates", "approvals", "attestations", "identities", "ledger", "controls")
# On every backend, whatever they ask: what waits, locks, sorts, searches, is triggered or is killed.
EVERYWHERE = (
    "tests/approvals/desk/",
    "tests/approvals/test_comparison.py",
    "tests/attestations/test_search.py",
    "tests/histories/",
    "tests/house/test_append_only.py",
    "tests/house/test_living_rows.py",
    "tests/house/test_locks.py",
    "tests/house/test_urls.py",
    "tests/reports/test_passport_queries.py",
)
Places = set[str]


@dataclass
class Asked:
    """What was asked so far in this process: by file of tests, the places and the seconds it took. `now` is the running test's."""

    places: dict[str, Places] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    everywhere: set[str] = field(default_factory=set)
    now: Places = field(default_factory=set)
    rooms: dict[CodeType, str | None] = field(default_factory=dict)

    def note(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        """Note the line of a room that is nearest to a statement."""
        frame = sys._getframe(1)
        while frame is not None:
            code = frame.f_code
            if code not in self.rooms:
                self.rooms[code] = _in_a_room(code.co_filename)
            if place := self.rooms[code]:
                self.now.add(f"{place}:{frame.f_lineno}")
                break
            frame = frame.f_back  # type: ignore[assignment]
        return execute(sql, params, many, context)

    def take(self, test: pytest.Item, began: float) -> None:
        """Put what the running test asked to its file. What only the first lane runs counts for nobody."""
        name = test.nodeid.partition("::")[0]
        if test.get_closest_marker("once") is None:
            self.places.setdefault(name, set()).update(self.now)
            self.seconds[name] = self.seconds.get(name, 0) + time.process_time() - began
            marks = [mark for mark in test.iter_markers("django_db") if mark.kwargs.get("transaction")]
            if marks or test.get_closest_marker("slow") or name.startswith(EVERYWHERE):
                self.everywhere.add(name)
        self.now = set()

    def told(self) -> dict[str, Any]:
        """Return it as JSON values."""
        places = {name: sorted(found) for name, found in self.places.items()}
        return {"places": places, "seconds": self.seconds, "everywhere": sorted(self.everywhere)}

    def add(self, told: dict[str, Any]) -> None:
        """Add what another process noted."""
        for name, found in told["places"].items():
            self.places.setdefault(name, set()).update(found)
        for name, seconds in told["seconds"].items():
            self.seconds[name] = self.seconds.get(name, 0) + seconds
        self.everywhere.update(told["everywhere"])


ASKED = Asked()


def first_lane_only() -> list[str]:
    """Return the files of tests that the lane on PostgreSQL leaves out."""
    return [line for line in LIST.read_text().splitlines() if line and not line.startswith("#")]


def asked_by_nobody_else(asked: Asked, listed: set[str]) -> dict[str, list[str]]:
    """Return each place that only listed files make ask, with those files."""
    others: Places = set().union(*(found for name, found in asked.places.items() if name not in listed))
    alone: dict[str, list[str]] = {}
    for name in sorted(listed & asked.places.keys()):
        for place in asked.places[name] - others:
            alone.setdefault(place, []).append(name)
    return dict(sorted(alone.items()))


def still_left_out(asked: Asked, listed: set[str]) -> set[str]:
    """Return which of the listed files a second backend may leave out: without those that it needs for places only they make ask."""
    left = set(listed)
    while alone := asked_by_nobody_else(asked, left):
        # First the places with the least choice: who makes them may make others too.
        _, files = min((len(files), files) for files in alone.values())
        left.discard(min(files, key=lambda name: (asked.seconds[name], name)))
    return left


def read_notes(notes: Path) -> Asked:
    """Return what a first lane noted; nothing, where it broke off before it could."""
    asked = Asked()
    if notes.is_file() and notes.stat().st_size:
        asked.add(json.loads(notes.read_text()))
    return asked


def choose(asked: Asked) -> list[str]:
    """Return the files that can be left out: what is kept makes every place ask, and takes little time for what it adds."""
    left = set().union(*asked.places.values()).difference(*(asked.places.get(name, set()) for name in asked.everywhere))
    open_names = set(asked.places) - asked.everywhere
    while left:
        best = max(sorted(open_names), key=lambda name: len(asked.places[name] & left) / (asked.seconds[name] + 0.2))
        left -= asked.places[best]
        open_names.discard(best)
    return sorted(open_names)


def _in_a_room(file: str) -> str | None:
    if not file.startswith(f"{ROOT}{os.sep}"):
        return None
    inside = file[len(str(ROOT)) + 1 :]
    return inside if inside.partition(os.sep)[0] in ROOMS else None


def watch(sender: object, connection: BaseDatabaseWrapper, **_: object) -> None:
    """See every statement of a new connection."""
    if ASKED.note not in connection.execute_wrappers:
        connection.execute_wrappers.append(ASKED.note)


def pytest_configure() -> None:
    connection_created.connect(watch, dispatch_uid="tests.asked")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    began = time.process_time()
    answer = yield
    ASKED.take(item, began)
    return answer


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    # What is skipped here may be meant for the other backend.
    if report.skipped:
        ASKED.everywhere.add(report.nodeid.partition("::")[0])


def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker noted."""
    ASKED.add(getattr(node, "workeroutput", {}).get("asked", {"places": {}, "seconds": {}, "everywhere": []}))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    worker = getattr(session.config, "workeroutput", None)
    if worker is not None:
        worker["asked"] = ASKED.told()
    elif written := os.environ.get("COUNTERSIGN_TEST_ASKED"):
        Path(written).write_text(json.dumps(ASKED.told()))


def main(arguments: list[str]) -> int:
    """`python -m tests.asked NOTES`: write the list from what a whole first lane noted with COUNTERSIGN_TEST_ASKED=NOTES."""
    asked = read_notes(Path(arguments[0]))
    left_out = choose(asked)
    heading = LIST.read_text().splitlines()[:1] if LIST.exists() else []
    LIST.write_text("\n".join([*heading, *left_out]) + "\n")
    kept = sum(asked.seconds.values()) - sum(asked.seconds[name] for name in left_out)
    print(
        f"{len(left_out)} of {len(asked.places)} files are left out; {kept:.0f} of {sum(asked.seconds.values()):.0f} processor seconds stay"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
