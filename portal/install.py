"""Makes .venv and installs a hash-locked requirements file into it. Standard library only: it runs before anything is installed.

Names no package index: pip uses the one its user configured. What does not match the hashes in the lock file is refused by pip.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
RUNTIME, DEVELOPMENT = "requirements.lock", "requirements-dev.lock"
OLDEST = (3, 11)
APT_LINE = "apt-get update && apt-get install -y python3-venv"
NO_VENV = f"""This Python has no usable 'venv' module (Debian and Ubuntu ship it apart).
Install it and run the same command again:

    {APT_LINE}
"""


def ensure_installed(lock_name: str) -> None:
    """Install what the lock file lists unless that was done already, then go on under .venv's Python.

    Returns only when this process runs under .venv; otherwise it is replaced by one that does. Ends with exit code 1 and
    a sentence when it cannot be done.
    """
    if sys.version_info[:2] < OLDEST:
        raise SystemExit(f"Python {OLDEST[0]}.{OLDEST[1]} or newer is needed; this is {sys.version.split()[0]} ({sys.executable}).")
    with _one_at_a_time():
        if not _is_installed(lock_name):
            _make_venv()
            _install(ROOT / lock_name)
    if Path(sys.prefix).resolve() != VENV.resolve():
        restart_under_venv()


def main(arguments: list[str]) -> int:
    """`python3 -m portal.install [--dev]`: install and end."""
    lock_name = DEVELOPMENT if arguments == ["--dev"] else RUNTIME
    with _one_at_a_time():
        if not _is_installed(lock_name):
            _make_venv()
            _install(ROOT / lock_name)
    return 0


def restart_under_venv() -> None:
    """Run the same command line again under .venv's Python, in the place of this process."""
    command = [str(PYTHON), *sys.argv]
    if os.name == "nt":
        raise SystemExit(subprocess.call(command))
    sys.stdout.flush()
    os.execv(command[0], command)


def _is_installed(lock_name: str) -> bool:
    # The development set holds the whole runtime set, in the same versions.
    candidates = {lock_name, DEVELOPMENT}
    return PYTHON.exists() and any(_stamp(ROOT / name).exists() and _stamp(ROOT / name).read_text() == _state(name) for name in candidates)


def _stamp(lock: Path) -> Path:
    return VENV / f".installed-{lock.name}"


def _state(lock_name: str) -> str:
    """Digest of everything the installed set follows from: the development set counts as the runtime set only while both locks are as they were."""
    names = (RUNTIME, DEVELOPMENT) if lock_name == DEVELOPMENT else (RUNTIME,)
    return hashlib.sha256(b"".join(hashlib.sha256((ROOT / name).read_bytes()).digest() for name in names)).hexdigest()


def _install(lock: Path) -> None:
    _say(f"installing {lock.name} into {VENV} (about half a minute)")
    command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    done = subprocess.run([*command, "--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", str(lock)], check=False)
    if done.returncode:
        raise SystemExit(
            f"\npip could not install {lock.name} (its own words are above). It needs the package index that pip is configured for; "
            "run the same command again when that answers."
        )
    _stamp(lock).write_text(_state(lock.name))


def _make_venv() -> None:
    if PYTHON.exists() and subprocess.run([str(PYTHON), "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0:
        return
    _say(f"creating {VENV} with {sys.executable} ({sys.version.split()[0]})")
    if _try_venv():
        return
    if not _may_use_apt():
        raise SystemExit(NO_VENV)
    _say("root on Debian or Ubuntu: installing python3-venv with apt-get (COUNTERSIGN_APT=0 forbids it)")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "python3-venv"]):
        if subprocess.run(["apt-get", *arguments], env=environment, stdout=subprocess.DEVNULL, check=False).returncode:
            raise SystemExit(NO_VENV)
    if not _try_venv():
        raise SystemExit(NO_VENV)


def _try_venv() -> bool:
    shutil.rmtree(VENV, ignore_errors=True)
    made = subprocess.run([sys.executable, "-m", "venv", str(VENV)], capture_output=True, check=False).returncode == 0
    if not made:
        shutil.rmtree(VENV, ignore_errors=True)
    return made


def _may_use_apt() -> bool:
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return is_root and shutil.which("apt-get") is not None and os.environ.get("COUNTERSIGN_APT", "1") != "0"


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Keep two commands in the same clone from building .venv at the same time."""
    if os.name == "nt":
        yield
        return
    import fcntl

    folder = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _say(sentence: str) -> None:
    print(f"[set-up] {sentence}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
