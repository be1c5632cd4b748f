"""A fresh clone installs itself with nothing but Python and pip's usual index, and says what is missing where it cannot."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from portal import install
from tests.live import ROOT, free_port


def clone(folder: Path) -> Path:
    """Clone what is committed; this folder's uncommitted files are no part of what others get."""
    subprocess.run(["git", "clone", "-q", "--no-hardlinks", str(ROOT), str(folder)], check=True)
    return folder


def bare_environment(home: Path, **values: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COUNTERSIGN_", "VIRTUAL_ENV", "DJANGO_", "PYTEST_"))}
    return {**kept, "HOME": str(home), **values}


def base_python() -> str:
    return str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}")


@pytest.mark.install
def test_a_fresh_clone_installs_itself_and_tests_itself(tmp_path: Path) -> None:
    folder, home = clone(tmp_path / "clone"), tmp_path / "home"
    home.mkdir()
    home.chmod(0o555)
    command = [base_python(), "manage.py", "test", "tests/proofs/test_canonical.py"]
    environment = bare_environment(home, CI="", COUNTERSIGN_TEST_REQUIRE_ALL="")
    first = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert first.returncode == 0, first.stdout[-3000:] + first.stderr[-3000:]
    assert "[set-up] creating" in first.stderr
    assert "[set-up] installing requirements-dev.lock" in first.stderr
    second = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert second.returncode == 0
    assert "[set-up]" not in second.stderr
    checked = subprocess.run(
        [base_python(), "manage.py", "check"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr


@pytest.mark.install
def test_the_runtime_set_is_enough_to_run(tmp_path: Path) -> None:
    folder = clone(tmp_path / "clone")
    environment = bare_environment(tmp_path)
    subprocess.run([base_python(), "-m", "portal.install"], cwd=folder, env=environment, check=True)
    python = str(folder / ".venv" / "bin" / "python")
    for command in (["prepare"], ["check"], ["worker", "--once"], ["checkpointd", "--once"]):
        done = subprocess.run([python, "manage.py", *command], cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    shows_the_demo(folder, environment)
    absent = subprocess.run([python, "-c", "import pytest"], cwd=folder, capture_output=True, check=False)
    assert absent.returncode == 1


def shows_the_demo(folder: Path, environment: dict[str, str]) -> None:
    """Type what the README says and look for the release that waits, in what is committed and nothing else."""
    port = free_port()
    log = folder.parent / "demo.log"
    command = [base_python(), "manage.py", "demo", "--small", "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output, start_new_session=True)
    try:
        front, deadline = "", time.monotonic() + 120
        while not front:
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://localhost:{port}/", timeout=20) as answer:
                front = answer.read().decode()
            time.sleep(0.2)
        assert "alice" in front and "/requests/" in front
        assert (folder / "var" / "demo" / "trust.json").exists()
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0, log.read_text()


def test_a_missing_venv_module_is_answered_with_the_apt_line(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "portal", tmp_path / "portal")
    for name in ("manage.py", install.RUNTIME, install.DEVELOPMENT):
        shutil.copy(ROOT / name, tmp_path / name)
    # As on Debian without python3-venv: the module is there, and making an environment ends with 1.
    (tmp_path / "venv.py").write_text("raise SystemExit(1)\n")
    environment = bare_environment(tmp_path, COUNTERSIGN_APT="0")
    done = subprocess.run([base_python(), "manage.py", "demo"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert install.APT_LINE in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_other_commands_say_what_to_run_first(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "portal", tmp_path / "portal")
    shutil.copy(ROOT / "manage.py", tmp_path / "manage.py")
    done = subprocess.run(
        [
            base_python(),
            "-I",
            "-c",
            f"import sys, runpy; sys.path.insert(0, {str(tmp_path)!r}); sys.argv = ['manage.py', 'migrate']; runpy.run_path('manage.py', run_name='__main__')",
        ],
        cwd=tmp_path,
        env=bare_environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Nothing is installed yet. Run: python3 manage.py demo" in done.stderr


def test_the_lock_files_are_hashed_and_name_no_place() -> None:
    for name in (install.RUNTIME, install.DEVELOPMENT):
        text = (ROOT / name).read_text()
        assert "://" not in text
        pins = [line for line in text.splitlines() if "==" in line]
        assert pins
        assert text.count("--hash=sha256:") >= len(pins)


def test_the_development_set_holds_the_runtime_set() -> None:
    runtime, development = (
        {line.split(";")[0].rstrip(" \\").strip() for line in (ROOT / name).read_text().splitlines() if "==" in line}
        for name in (install.RUNTIME, install.DEVELOPMENT)
    )
    assert runtime <= development
