"""Where everything is required, what is missing fails: a run of the whole set must not be green for want of a tool."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live import ROOT

WHAT = {
    "ssh-keygen": "tests/proofs/approval/test_sshsig.py",
    "vectors": "tests/proofs/test_vectors.py",
}
pytestmark = pytest.mark.once


@pytest.mark.parametrize("what", sorted(WHAT))
@pytest.mark.parametrize("required", ["", "1"])
def test_what_is_missing_is_skipped_and_fails_where_everything_is_required(what: str, required: str, tmp_path: Path) -> None:
    environment = {**os.environ, "COUNTERSIGN_VECTORS": str(tmp_path / "absent"), "COUNTERSIGN_TEST_REQUIRE_ALL": required}
    environment["PATH"] = str(tmp_path)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-rs", WHAT[what]]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == (0 if not required else 2 if what == "vectors" else 1), done.stdout[-2000:]
    assert ("no ssh-keygen found" if what == "ssh-keygen" else "no vectors at") in done.stdout


def test_the_check_of_everything_keeps_what_the_tests_are_told() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    loop = script[script.index("for name in $(compgen") : script.index("export COUNTERSIGN_VAR_DIR=")]
    given = {"COUNTERSIGN_TEST_DATABASE_URL": "a", "COUNTERSIGN_VECTORS": "b", "COUNTERSIGN_ORIGIN": "c", "PATH": os.environ["PATH"]}
    done = subprocess.run(["bash", "-c", loop + "\ncompgen -e | grep ^COUNTERSIGN_ | sort"], env=given, capture_output=True, text=True)
    assert done.stdout.split() == ["COUNTERSIGN_TEST_DATABASE_URL", "COUNTERSIGN_VECTORS"]
