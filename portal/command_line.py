"""What `manage.py` settles before Django reads its settings: what to install, and the environment of `demo` and `up`.

Standard library only.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib.util import find_spec

from portal.environment import PREFIX
from portal.install import DEVELOPMENT, PYTHON, ROOT, RUNTIME, ensure_installed, restart_under_venv

SELF_INSTALLING = {"demo": RUNTIME, "up": RUNTIME, "test": DEVELOPMENT}
OWN_FILES = ("demo", "up", "prepare", "migrate", "bootstrap")
DEMO_KEEPS = ("VAR_DIR", "LOG_LEVEL", "APT")
DEFAULT_PORT = 8000
DEMO_LOG = "localhost/log"


def prepare(arguments: list[str]) -> None:
    """Install what the command needs and set its environment. Replaces this process when it does not run under .venv yet."""
    command = arguments[0] if arguments else ""
    if command in SELF_INSTALLING and not os.environ.get(f"{PREFIX}NO_INSTALL"):
        ensure_installed(SELF_INSTALLING[command])
    elif find_spec("django") is None:
        if command == "prepare" and not os.environ.get(f"{PREFIX}NO_INSTALL"):
            ensure_installed(RUNTIME)
        elif not PYTHON.exists():
            raise SystemExit("Nothing is installed yet. Run: python3 manage.py demo   (or: python3 manage.py up)")
        restart_under_venv()
    if command in OWN_FILES:
        os.umask(0o077)  # What they make holds evidence, accounts and keys: nobody else on the machine reads it.
    if command == "demo":
        prepare_demo(arguments[1:])
    if command in ("demo", "up"):
        # The address people use must be the one passkeys are bound to, so it follows --port unless it was set.
        os.environ.setdefault(f"{PREFIX}ORIGIN", f"http://localhost:{_port(arguments[1:])}")


def prepare_demo(arguments: list[str]) -> None:
    """Give the demo an environment and a data folder of its own, so that it can never touch a real portal's data."""
    ignored = [name for name in os.environ if name.startswith(PREFIX) and name.removeprefix(PREFIX) not in (*DEMO_KEEPS, "NO_INSTALL")]
    for name in ignored:
        del os.environ[name]
    if ignored and not any(word in arguments for word in ("--help", "-h")):
        print(f"The demo runs on its own data and does not use {', '.join(sorted(ignored))}.", file=sys.stderr)
    os.environ[f"{PREFIX}DEMO"] = "yes"
    # The log is signed under one name for as long as the data lives, whichever port the demo is started on.
    os.environ[f"{PREFIX}LOG_ORIGIN"] = DEMO_LOG
    # Whoever tries it approves for production with a key made a minute ago.
    os.environ[f"{PREFIX}KEY_COOLING_HOURS"] = os.environ[f"{PREFIX}RECOVERED_KEY_COOLING_HOURS"] = "0"
    os.environ.setdefault(f"{PREFIX}VAR_DIR", str(ROOT / "var" / "demo"))


def _port(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--port", default=str(DEFAULT_PORT))
    port = parser.parse_known_args(arguments)[0].port
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise SystemExit(f"--port is {port!r}; write a number from 1 to 65535.")
    return int(port)
