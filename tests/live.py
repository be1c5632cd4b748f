"""A whole portal of its own for one test: web, worker and checkpoint process on a free port, with its own data.

Append-only tables cannot be truncated between tests, so tests that need several processes each start one of these. The database is
SQLite in the test's folder, or the PostgreSQL database that `database_url` names, which has its tables already (`tests.throwaway`).
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.backends import migrate
from tests.empty_database import kept_or_made
from tests.environment import FOLDER

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 90
SQLITE = "countersign.sqlite3"


@dataclass
class LivePortal:
    """A running portal: `url` as a browser must spell it (passkeys need the host name), and the environment of its processes."""

    url: str
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def manage(self, *arguments: str, check: bool = True, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run one management command against this portal's data and return what it printed."""
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=self.environment,
            cwd=ROOT,
            text=True,
            capture_output=True,
            input=stdin,
        )
        if check and done.returncode:
            raise AssertionError(f"manage.py {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done

    def start(self) -> None:
        """Start the supervisor with every process, and return when the portal says it is ready."""
        port = self.url.rsplit(":", 1)[1]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "manage.py"), "up", "--port", port],
                env=self.environment,
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(urllib.error.URLError, OSError):
                urllib.request.urlopen(self.url + "/readyz", timeout=5).close()
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.2)
        raise AssertionError("the portal did not start:\n" + self.log.read_text(errors="replace")[-4000:])

    def stop(self) -> None:
        """Stop every process of this portal."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)
        self.process = None


@functools.cache
def migrated_sqlite() -> Path:
    """Return a database file with every table and no row, which no run that shares it writes to."""
    folder = FOLDER / "migrated"

    def make() -> Path:
        migrate({"COUNTERSIGN_VAR_DIR": str(folder)})
        assert [path.name for path in folder.glob(f"{SQLITE}*")] == [SQLITE], "a write-ahead log would have to be copied too"
        return folder / SQLITE

    return kept_or_made(make)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def live_portal(folder: Path, *, database_url: str = "", broker_url: str = "", **settings: str) -> Iterator[LivePortal]:
    """Yield a portal with migrated, empty data that is not started yet; stop it afterwards.

    `settings` are further COUNTERSIGN_* values, for example `LEASE_SECONDS="2"`.
    """
    url = f"http://localhost:{free_port()}"
    # Nobody here waits a day for a first key; tests of the waiting say how long.
    chosen = {
        "ORIGIN": url,
        "VAR_DIR": str(folder / "var"),
        "DATABASE_URL": database_url,
        "BROKER_URL": broker_url,
        "KEY_COOLING_HOURS": "0",
        # Made by the first portal of a test process.
        "STATIC_DIR": str(FOLDER / "collected"),
    }
    chosen |= settings
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("COUNTERSIGN_")}
    environment = inherited | {f"COUNTERSIGN_{name}": value for name, value in chosen.items() if value} | {"PYTHONUNBUFFERED": "1"}
    portal = LivePortal(url, environment, folder / "portal.log")
    if not database_url:
        (folder / "var").mkdir(parents=True, exist_ok=True)
        shutil.copy(migrated_sqlite(), folder / "var" / SQLITE)
    try:
        yield portal
    finally:
        portal.stop()
