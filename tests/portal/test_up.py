"""`manage.py up` and `manage.py demo` bring up a whole portal, mend it, and end cleanly."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from email.message import Message
from pathlib import Path

import pytest

from tests.live import ROOT, LivePortal, free_port, live_portal

pytestmark = [pytest.mark.slow, pytest.mark.once]


def wait_until(true: Callable[[], object], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def fetch(url: str) -> tuple[str, Message]:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.read().decode(), answer.headers


def children_of(pid: int) -> dict[int, str]:
    """Return the supervised processes: pid → command line."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                found[int(stat.parent.name)] = (stat.parent / "cmdline").read_text().replace("\0", " ")
        except FileNotFoundError:
            continue
    return found


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePortal]:
    """Start one portal for the tests that only look at it, and for the one that stops it, which is the last."""
    with live_portal(tmp_path_factory.mktemp("up")) as portal:
        portal.start()
        yield portal


def test_static_files_are_served_under_hashed_names(started: LivePortal) -> None:
    page, _ = fetch(started.url + "/accounts/login/")
    sheets = re.findall(r'href="(/static/[^"]+\.css)"', page)
    assert sheets
    for sheet in sheets:
        assert re.search(r"\.[0-9a-f]{12}\.css$", sheet)
        _, headers = fetch(started.url + sheet)
        assert "immutable" in headers["Cache-Control"]


def test_up_says_it_when_the_port_is_taken(started: LivePortal) -> None:
    second = started.manage("up", "--port", started.url.rsplit(":", 1)[1], check=False)
    assert second.returncode == 1
    assert "cannot be used" in second.stderr and "--port" in second.stderr
    probe = [sys.executable, "-m", "portal.probe", "web"]
    found = subprocess.run([*probe, "--port", started.url.rsplit(":", 1)[1]], cwd=ROOT, env=started.environment, check=False)
    assert found.returncode == 0
    missed = subprocess.run([*probe, "--port", str(free_port())], cwd=ROOT, env=started.environment, check=False)
    assert missed.returncode == 1


def test_up_runs_three_processes_and_starts_a_killed_worker_again(started: LivePortal) -> None:
    assert started.process is not None
    supervised = children_of(started.process.pid)
    kinds = sorted(
        re.search(r"(granian|manage\.py worker|manage\.py checkpointd)", command).group(1)  # type: ignore[union-attr]
        for command in supervised.values()
    )
    assert kinds == ["granian", "manage.py checkpointd", "manage.py worker"]
    heartbeats = Path(started.environment["COUNTERSIGN_VAR_DIR"]) / "heartbeats"
    wait_until(lambda: (heartbeats / "worker").exists() and (heartbeats / "checkpointd").exists())
    killed = next(pid for pid, command in supervised.items() if "manage.py worker" in command)
    os.kill(killed, signal.SIGKILL)
    at = time.time()
    wait_until(lambda: (heartbeats / "worker").stat().st_mtime > at)
    assert killed not in children_of(started.process.pid)
    assert "worker ended with -9; starting it again" in started.log.read_text()
    started.stop()
    assert started.log.read_text().endswith("stopped.\n")


class TestDemo:
    def demo(self, folder: Path, port: int, *options: str, **settings: str) -> subprocess.Popen[bytes]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("COUNTERSIGN_")}
        environment |= {"COUNTERSIGN_VAR_DIR": str(folder), "PYTHONUNBUFFERED": "1", **settings}
        command = [sys.executable, str(ROOT / "manage.py"), "demo", "--small", "--port", str(port), *options]
        with (folder.parent / "demo.log").open("ab") as log:
            return subprocess.Popen(command, env=environment, cwd=folder.parent, stdout=log, stderr=subprocess.STDOUT)

    def test_it_shows_a_release_waiting_and_keeps_to_its_folder_and_moves_to_another_port(self, tmp_path: Path) -> None:
        folder, log, elsewhere, first_port = tmp_path / "demo", tmp_path / "demo.log", tmp_path / "real.sqlite3", free_port()
        first = self.demo(folder, first_port, COUNTERSIGN_DATABASE_URL=f"sqlite:///{elsewhere}", COUNTERSIGN_BROKER_URL="redis://nowhere")
        try:
            wait_until(lambda: self.answers(f"http://localhost:{first_port}/readyz") or first.poll() is not None)
            assert first.poll() is None, log.read_text()
            assert f"http://localhost:{first_port}" in log.read_text()
            assert self.demo(folder, free_port(), "--fresh").wait(300) == 1
            assert f"A portal is running on the data in {folder}" in log.read_text()
            front, _ = fetch(f"http://localhost:{first_port}/")
            assert "alice" in front
            assert "/requests/" in front, "a release waits for approval, and the running demo has its data still"
            readable = [path for path in (folder, *folder.rglob("*")) if path.stat().st_mode & 0o077 and path.name != "log.vkey"]
            assert [path for path in readable if "static" not in path.parts] == []
        finally:
            first.send_signal(signal.SIGINT)
            assert first.wait(120) == 0
        assert not elsewhere.exists()
        assert "does not use COUNTERSIGN_BROKER_URL, COUNTERSIGN_DATABASE_URL" in log.read_text()
        assert (folder / "countersign.sqlite3").exists()
        second_port = free_port()
        second = self.demo(folder, second_port)
        try:
            wait_until(lambda: self.answers(f"http://localhost:{second_port}/readyz") or second.poll() is not None)
            assert fetch(f"http://localhost:{second_port}/log/checkpoint")[0].startswith("localhost/log\n")
            assert (folder / "keys" / "log.vkey").read_text().startswith("localhost/log+")
            trust = json.loads((folder / "trust.json").read_bytes())
            assert f"http://localhost:{second_port}" in json.dumps(trust)
            assert str(folder / "trust.json") in log.read_text()
        finally:
            second.send_signal(signal.SIGINT)
            assert second.wait(120) == 0

    def test_fresh_leaves_a_folder_alone_that_is_not_a_demo(self, tmp_path: Path) -> None:
        folder = tmp_path / "precious"
        folder.mkdir()
        (folder / "countersign.sqlite3").write_text("years of approvals")
        for options in ([], ["--fresh"]):
            assert self.demo(folder, free_port(), *options).wait(300) == 1
        assert (folder / "countersign.sqlite3").read_text() == "years of approvals"
        assert "that is not a demo" in (tmp_path / "demo.log").read_text()
        assert "was not made by the demo" in (tmp_path / "demo.log").read_text()

    @staticmethod
    def answers(url: str) -> bool:
        try:
            return bool(fetch(url))
        except OSError:
            return False
