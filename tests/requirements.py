"""What a test needs beside Python: absent, the test is skipped with a sentence, or fails where everything is required.

`COUNTERSIGN_TEST_REQUIRE_ALL=1` requires everything; `CI=true` sets it.
"""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest


def is_everything_required() -> bool:
    """Whether what is missing is a failure."""
    return os.environ.get("COUNTERSIGN_TEST_REQUIRE_ALL") == "1"


def skip_or_fail(missing: str) -> NoReturn:
    """Skip the test, or fail it where everything is required."""
    if is_everything_required():
        pytest.fail(missing)
    pytest.skip(missing)


def need_ssh_keygen() -> None:
    """Go on only where there is OpenSSH's ssh-keygen."""
    if shutil.which("ssh-keygen") is None:
        skip_or_fail("no ssh-keygen found; install it with: apt-get install -y openssh-client")
