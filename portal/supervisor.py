"""Runs the portal's processes in one terminal: prefixed output, restarts with back-off, a clean end.

Knows nothing of Django. A process that keeps failing ends the whole portal with exit code 1, so that whoever supervises us hears of it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event

RESTARTS_PER_MINUTE = 8
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0
GRACE_SECONDS = 15.0
PR_SET_PDEATHSIG = 1
NAME_WIDTH = len("checkpointd")


@dataclass
class Child:
    """One supervised process, in a session of its own so that all it started can be ended with it."""

    name: str
    command: list[str]
    folder: str | None = None
    process: subprocess.Popen[bytes] | None = None
    failures: list[float] = field(default_factory=list)
    start_after: float = 0.0
    unfinished_line: bytes = b""

    def start(self) -> None:
        """Start the process."""
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_end_with_parent,
            cwd=self.folder,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        assert self.process.stdout is not None
        os.set_blocking(self.process.stdout.fileno(), False)

    @property
    def is_running(self) -> bool:
        """Whether it still runs. Looks without collecting the exit status, see `kill_session`."""
        if self.process is None or self.process.returncode is not None:
            return False
        return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def signal(self, number: int) -> None:
        """Send a signal to the process itself; it tells its own children."""
        if self.process is not None and self.is_running:
            os.kill(self.process.pid, number)

    def kill_session(self) -> None:
        """Kill what is left of the session: a web server's workers survive their parent and would keep the port."""
        if self.process is not None:
            # Before the exit status is collected: until then nobody else can have been given the process's number.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def read(self, write: Callable[[str], object]) -> bool:
        """Pass on the lines that are there, each with the name of its process. Returns whether there was anything."""
        if self.process is None or self.process.stdout is None:
            return False
        chunk = self.process.stdout.read(65536)
        if not chunk:
            return False
        *lines, self.unfinished_line = (self.unfinished_line + chunk).split(b"\n")
        for line in lines:
            write(f"{self.name:>{NAME_WIDTH}} | {line.decode(errors='replace')}\n")
        return True


class Supervisor:
    """Keeps children running until it is told to stop."""

    def __init__(self, children: list[Child], *, write: Callable[[str], object] | None = None, grace: float = GRACE_SECONDS) -> None:
        self.children = children
        self.grace = grace
        self.stop = Event()
        self._write = write or _to_terminal
        self._hurry = False

    def run(self) -> int:
        """Run until a signal or until a child keeps failing. Returns the exit code."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        code = 0
        try:
            for child in self.children:
                child.start()
            while not self.stop.is_set():
                self._pass_on_output(0.2)
                tended = [self._tend(child) for child in self.children]
                if not all(tended):
                    code = 1
                    break
        finally:
            self._end_all()
        return code

    def _on_signal(self, number: int, frame: object) -> None:
        self._hurry = self.stop.is_set()  # The second Ctrl-C does not wait any longer.
        self.stop.set()

    def _tend(self, child: Child) -> bool:
        """Restart a child that has ended, after a pause that doubles. Returns False when it keeps failing."""
        now = time.monotonic()
        if child.process is None:
            if now >= child.start_after:
                child.start()
            return True
        if child.is_running:
            return True
        while child.read(self._write):
            pass
        child.kill_session()
        code = child.process.returncode
        child.process = None
        child.failures = [at for at in child.failures if now - at < 60] + [now]
        if len(child.failures) > RESTARTS_PER_MINUTE:
            self._write(f"{child.name} has ended {len(child.failures)} times within a minute (last with {code}); stopping the portal.\n")
            return False
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (len(child.failures) - 1))
        child.start_after = now + pause
        self._write(f"{child.name} ended with {code}; starting it again in {pause:g} s.\n")
        return True

    def _pass_on_output(self, seconds: float) -> None:
        with selectors.DefaultSelector() as selector:
            for child in self.children:
                if child.process is not None and child.process.stdout is not None:
                    selector.register(child.process.stdout, selectors.EVENT_READ, child)
            if not selector.get_map():
                time.sleep(seconds)
                return
            for key, _ in selector.select(seconds):
                if not key.data.read(self._write):
                    time.sleep(seconds / 4)  # At its end a pipe is always ready: do not spin.

    def _end_all(self) -> None:
        """Ask every child to end, wait, and kill the sessions of those that did not."""
        self._write("stopping …\n")
        for child in reversed(self.children):
            child.signal(signal.SIGTERM)
        deadline = time.monotonic() + self.grace
        while any(child.is_running for child in self.children) and time.monotonic() < deadline and not self._hurry:
            self._pass_on_output(0.1)
        for child in self.children:
            if child.is_running:
                self._write(f"{child.name} did not end in time; killing it.\n")
            child.kill_session()
            while child.read(self._write):
                pass
        self._write("stopped.\n")


def port_is_taken(host: str, port: int) -> str:
    """Return a sentence when nothing can listen there, or an empty string. The port may be taken again right after."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
    except OSError as error:
        return f"Port {port} on {host} cannot be used ({error.strerror or error}). Choose another one with --port, for example --port {port + 1}."
    return ""


def _to_terminal(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _end_with_parent() -> None:
    """Have Linux send SIGTERM to the child when the supervisor is killed; elsewhere children outlive a killed supervisor."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
