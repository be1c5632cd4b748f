"""The supervisor restarts what dies, gives up on what keeps dying, and leaves nobody behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from portal import supervisor
from portal.supervisor import port_is_taken

pytestmark = [pytest.mark.slow, pytest.mark.once]
ROOT = Path(__file__).resolve().parent.parent.parent
# A supervisor in a process of its own: it sets signal handlers. The child writes its pid, and starts a grandchild that ignores SIGTERM.
RUN = """
import sys
from portal.supervisor import Child, Supervisor
names = sys.argv[2:]
sys.exit(Supervisor([Child(name, [sys.executable, "-c", sys.argv[1], name]) for name in names], grace=5).run())
"""
STEADY = "import os, sys, time; print('pid', os.getpid(), flush=True); time.sleep(600)"
FAILING = "import sys; print('no luck'); sys.exit(3)"
WITH_GRANDCHILD = """
import os, signal, subprocess, sys, time
left = subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"])
print('pid', os.getpid(), 'left', left.pid, flush=True)
time.sleep(600)
"""


class Running:
    """A supervisor under test, with everything it has said so far."""

    def __init__(self, program: str, log: Path, *names: str) -> None:
        self.log = log
        with log.open("wb") as output:
            command = [sys.executable, "-c", RUN, program, *names]
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)

    def said(self) -> str:
        return self.log.read_text()

    def pids(self, word: str = "pid") -> list[int]:
        return [int(line.split(word)[1].split()[0]) for line in self.said().splitlines() if f"{word} " in line]


def wait_until(true: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def test_starts_a_killed_child_again_and_says_so(tmp_path: Path) -> None:
    running = Running(STEADY, tmp_path / "log", "one", "two")
    wait_until(lambda: len(running.pids()) == 2)
    os.kill(running.pids()[0], signal.SIGKILL)
    wait_until(lambda: len(running.pids()) == 3)
    assert "ended with -9; starting it again in 0.5 s." in running.said()
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(20) == 0
    assert not any(is_alive(pid) for pid in running.pids())
    assert running.said().endswith("stopping …\nstopped.\n")


def test_prefixes_every_line_with_its_process(tmp_path: Path) -> None:
    running = Running(STEADY, tmp_path / "log", "web", "checkpointd")
    wait_until(lambda: len(running.pids()) == 2)
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(20) == 0
    assert "        web | pid " in running.said()
    assert "checkpointd | pid " in running.said()


def test_kills_what_a_dead_child_left_behind(tmp_path: Path) -> None:
    running = Running(WITH_GRANDCHILD, tmp_path / "log", "web")
    wait_until(lambda: running.pids("left"))
    left = running.pids("left")[0]
    os.kill(running.pids()[0], signal.SIGKILL)
    wait_until(lambda: not is_alive(left))
    wait_until(lambda: len(running.pids("left")) == 2)
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(20) == 0
    assert not any(is_alive(pid) for pid in running.pids() + running.pids("left"))


def test_gives_up_on_a_child_that_keeps_failing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = RUN.replace("names = ", "import portal.supervisor as s; s.FIRST_PAUSE = s.LONGEST_PAUSE = 0.01\nnames = ")
    ended = subprocess.run(
        [sys.executable, "-c", quick, FAILING, "worker"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    assert (
        f"worker has ended {supervisor.RESTARTS_PER_MINUTE + 1} times within a minute (last with 3); stopping the portal." in ended.stdout
    )
    assert ended.stdout.count("| no luck") == supervisor.RESTARTS_PER_MINUTE + 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children that their parent was killed")
def test_children_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    running = Running(STEADY, tmp_path / "log", "one", "two")
    wait_until(lambda: len(running.pids()) == 2)
    running.process.kill()
    running.process.wait(10)
    wait_until(lambda: not any(is_alive(pid) for pid in running.pids()))


def test_says_which_option_helps_when_the_port_is_taken() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert f"Port {port} on 127.0.0.1 cannot be used" in port_is_taken("127.0.0.1", port)
        assert "--port" in port_is_taken("127.0.0.1", port)
    assert port_is_taken("127.0.0.1", port) == ""
