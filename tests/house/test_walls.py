"""The import walls stand, and the pure rooms stay light."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parent.parent.parent
HEAVY = (
    "django",
    "rest_framework",
    "celery",
    "redis",
    "allauth",
    "psycopg",
    "yaml",
    "cryptography",
    "sqlite3",
    "http",
    "ssl",
    "asyncio",
    "email",
)


def loaded_after(code: str) -> set[str]:
    program = f"import sys\n{code}\nprint(' '.join(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_every_wall_stands() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([str(linter), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


def test_the_command_line_helps_without_loading_anything_heavy() -> None:
    help_only = "import contextlib, runpy, sys\nsys.argv = ['countersign', '--help']\nwith contextlib.suppress(SystemExit): runpy.run_module('countersign', run_name='__main__')"
    assert loaded_after(help_only) & set(HEAVY) == set()


def test_the_pure_room_loads_no_framework() -> None:
    everything = "import importlib, pkgutil, proofs\nfor found in pkgutil.walk_packages(proofs.__path__, 'proofs.'): importlib.import_module(found.name)"
    assert loaded_after(everything) & {"django", "rest_framework", "celery", "redis", "allauth", "psycopg", "yaml", "fido2"} == set()
