"""`python3 manage.py test`: the same tests on each set of backends there is, one lane after the other.

A lane that cannot run is skipped with the apt line that would change that; with CI=true it fails instead. Arguments go to pytest.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.asked import first_lane_only, read_notes, still_left_out
from tests.backends import Missing, broker, postgresql, template

ROOT = Path(__file__).resolve().parent.parent
FULL_STACK, CHROMIUM = "PostgreSQL and Redis", "Chromium"
NOTHING_COLLECTED, NOTHING_CHOSEN = 5, "none of the chosen tests belongs here"
# What knows no database and no broker is the same on every backend; the first lane has run it.
PURE = ("tests/proofs", "tests/countersign")
WORKERS = str(min(8, max(2, os.cpu_count() or 2)))
CLOSING_LINE = re.compile(
    r"^=* ?(\d+ (passed|failed|skipped|deselected|error|errors|xfailed|warning|warnings)|no tests ran)\b.* in [\d.:hms() ]+ ?=*$"
)
# In the order of `tests.conftest`, not the largest first: a module of few tests may be the longest of all.
OPTIONS = ["-q", "-p", "no:cacheprovider", "--no-loadscope-reorder"]
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Outcome:
    """How one lane ended. `ok` is None when it could not run, or had nothing to run."""

    lane: str
    ok: bool | None
    words: str


def main(arguments: list[str]) -> int:
    """Run every lane and return the exit code: 0 when none failed and at least one test ran."""
    require_all = os.environ.get("CI") == "true" or os.environ.get("COUNTERSIGN_TEST_REQUIRE_ALL") == "1"
    environment = {**os.environ, "COUNTERSIGN_TEST_REQUIRE_ALL": "1"} if require_all else dict(os.environ)
    embedded = {
        name: value for name, value in environment.items() if name not in ("COUNTERSIGN_TEST_DATABASE_URL", "COUNTERSIGN_TEST_BROKER_URL")
    }
    # A whole first lane notes which places ask the database, for what the second may leave out.
    with tempfile.TemporaryDirectory(prefix="countersign-asked-") as folder:
        notes = Path(folder) / "asked.json"
        noting, noted = (arguments, {}) if arguments else (["-p", "tests.asked"], {"COUNTERSIGN_TEST_ASKED": str(notes)})
        outcomes = [run_lane("SQLite, no broker", "not browser and not install", noting, embedded | noted)]
        left_out = left_out_by(notes)
    if arguments and all(argument.startswith(PURE) for argument in arguments):
        outcomes += [Outcome(lane, None, NOTHING_CHOSEN) for lane in (FULL_STACK, CHROMIUM)]
    else:
        outcomes.append(run_full_stack(arguments, environment, left_out, require_all=require_all))
        # A file stays together, because its portal and the story told there are made for the whole of it.
        outcomes.append(run_lane(CHROMIUM, "browser", arguments or files_of_the_browser(), embedded, spread="loadfile"))
    print()
    for outcome in outcomes:
        word = {True: "passed", False: "FAILED", None: "skipped"}[outcome.ok]
        print(f"{outcome.lane:<22} {word:<8} {outcome.words}")
    return 1 if any(outcome.ok is False for outcome in outcomes) or not any(outcome.ok for outcome in outcomes) else 0


@functools.cache
def files_of_the_browser() -> list[str]:
    """Return the files with tests that drive Chromium. To read all the others once more would take longer than most of these tests do."""
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    return [str(file.relative_to(ROOT)) for file in files if "mark.browser" in file.read_text("utf-8")]


def left_out_by(notes: Path) -> list[str]:
    """Return the files that the lane on PostgreSQL leaves out, and say which of those that are listed it needs after all."""
    listed = set(first_lane_only())
    left = still_left_out(read_notes(notes), listed)
    for name in sorted(listed - left):
        print(f"on PostgreSQL too, because nobody else makes the same places ask any more: {name} (`make lanes` writes the list anew)")
    return sorted(left)


def run_full_stack(arguments: list[str], environment: dict[str, str], left_out: list[str], *, require_all: bool) -> Outcome:
    """Run the lane on PostgreSQL and Redis, where there are both and something to run on them."""
    chosen = arguments or [f"--ignore={name}" for name in (*PURE, *left_out)]
    try:
        with full_stack(environment) as full:
            return run_lane(FULL_STACK, "not browser and not install and not once", chosen, full)
    except Missing as missing:
        return Outcome(FULL_STACK, False if require_all else None, str(missing))


@contextlib.contextmanager
def full_stack(environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """Yield an environment that names a PostgreSQL server, a database to copy there, and an empty Redis. Raises Missing where there is none."""
    with postgresql() as database_url, broker() as broker_url, template(database_url) as copied:
        named = {
            "COUNTERSIGN_TEST_DATABASE_URL": database_url,
            "COUNTERSIGN_TEST_TEMPLATE": copied,
            "COUNTERSIGN_TEST_BROKER_URL": broker_url,
        }
        yield {**environment, **named}


def run_lane(lane: str, marks: str, arguments: list[str], environment: dict[str, str], *, spread: str = "loadscope") -> Outcome:
    """Run pytest once on every processor, passing its words on as they come, and keep its closing line. `spread` says what stays together."""
    print(f"\n== {lane} ==", flush=True)
    command = [sys.executable, "-m", "pytest", *OPTIONS, "-n", WORKERS, "--dist", spread, "-m", marks, *arguments]
    closing = "no closing line"
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, errors="replace") as process:
        assert process.stdout is not None
        for line in process.stdout:
            sys.stdout.write(line)
            sys.stdout.flush()
            plain = COLOURS.sub("", line.strip())
            if CLOSING_LINE.match(plain):
                closing = plain.strip("= ")
    if process.returncode == NOTHING_COLLECTED and arguments:
        return Outcome(lane, None, NOTHING_CHOSEN)
    if process.returncode == 0 and " passed" not in f" {closing}":
        return Outcome(lane, None, f"{closing}; the reasons are above")
    return Outcome(lane, process.returncode == 0, closing)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
