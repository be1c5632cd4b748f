"""Commands that need a portal's data say so where there is none, and leave nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live import ROOT

pytestmark = pytest.mark.once


def manage(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COUNTERSIGN_")}
    environment |= {"COUNTERSIGN_VAR_DIR": str(folder)}
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "arguments",
    [
        ["bootstrap", "--file", "setup.yaml"],
        ["export_trust"],
        ["add_trust_root", "trusted_root.json", "--name", "Sigstore"],
        ["forget_sign_ins", "--days", "90"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_without_a_portal_they_name_the_command_to_run_first(arguments: list[str], tmp_path: Path) -> None:
    done = manage(tmp_path / "var", *arguments)
    assert done.returncode == 1
    assert "no portal here yet" in done.stderr and "manage.py prepare" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "var" / "countersign.sqlite3").exists()


def test_after_prepare_they_come_as_far_as_their_own_refusals(tmp_path: Path) -> None:
    assert manage(tmp_path / "var", "prepare", "--skip-static").returncode == 0
    assert (tmp_path / "var" / "countersign.sqlite3").stat().st_mode & 0o077 == 0
    for arguments, code in ((["export_trust"], "trust.empty"), (["bootstrap", "--file", str(tmp_path / "absent.yaml")], "bootstrap.file")):
        done = manage(tmp_path / "var", *arguments)
        assert done.returncode == 1
        assert code in done.stderr and "Traceback" not in done.stderr
