"""`python -m portal.probe web|worker|beat|checkpointd`: a container's health check. Exit 0 when the process does its work.

The web server is asked for /readyz under the portal's own host name; the others are judged by the age of their heartbeat file.
Needs neither Django nor curl. `web --port 8080` asks another port than COUNTERSIGN_PORT.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from portal.environment import env_origin, env_path, env_text

OLDEST_SECONDS = 30.0


def probe_web(port: int) -> str:
    """Return what is wrong with the web server, or nothing."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/readyz", headers={"Host": urlsplit(env_origin("ORIGIN", "http://localhost:8000")).netloc}
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            return "" if response.status == 200 else f"/readyz answered {response.status}"
    except (urllib.error.URLError, OSError) as error:
        return f"/readyz: {error}"


def probe_heartbeat(process: str) -> str:
    """Return what is wrong with a process that leaves a heartbeat, or nothing."""
    default = env_path("VAR_DIR", Path(__file__).resolve().parent.parent / "var") / "heartbeats"
    file = env_path("HEARTBEAT_DIR", default) / process
    try:
        age = time.time() - file.stat().st_mtime
    except OSError as error:
        return f"no heartbeat: {error}"
    return "" if age < OLDEST_SECONDS else f"the last heartbeat is {age:.0f} seconds old"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m portal.probe", allow_abbrev=False)
    parser.add_argument("process", choices=("web", "worker", "beat", "checkpointd"))
    parser.add_argument(
        "--port", type=int, default=int(env_text("PORT", "8000")), help="web: the port it listens on (COUNTERSIGN_PORT, or 8000)"
    )
    asked = parser.parse_args(arguments)
    process = asked.process
    wrong = probe_web(asked.port) if process == "web" else probe_heartbeat(process)
    print(f"{process}: {wrong or 'ok'} (pid {os.getpid()})", file=sys.stderr if wrong else sys.stdout)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
