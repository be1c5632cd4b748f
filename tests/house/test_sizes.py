"""Nothing grows beyond what one can read at once, and every file says by its name what is done in it."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
ROOMS = ("portal", "reports", "gates", "approvals", "attestations", "identities", "ledger", "proofs", "countersign")
MOST_LINES, MOST_FUNCTION_LINES = 500, 60
FORBIDDEN = {"util", "helper", "common", "core", "base", "misc", "manager", "handler", "service", "process", "data", "info"}
# A linear list of checks is read from top to bottom; cutting it up hides that nothing is left out. Named one by one.
LONG_CHECK_LISTS: set[str] = set()
# Django prescribes these names.
PRESCRIBED = {"manage.py"}


def tracked(*patterns: str) -> list[Path]:
    """List files git knows or would add, so that a folder of build output never counts."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


PYTHON = tracked("*.py")
WRITTEN = [*PYTHON, *tracked("*.html", "*.css", "*.js", "*.md")]


def label(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_there_is_something_to_measure() -> None:
    assert len(PYTHON) > 100


@pytest.mark.parametrize("path", WRITTEN, ids=label)
def test_no_file_is_too_long(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


@pytest.mark.parametrize("path", PYTHON, ids=label)
def test_no_function_is_too_long(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= MOST_FUNCTION_LINES or f"{label(path)}:{node.name}" in LONG_CHECK_LISTS, f"{node.name} has {lines} lines"


@pytest.mark.parametrize("path", PYTHON, ids=label)
def test_the_name_says_what_is_done(path: Path) -> None:
    words = {word.rstrip("s") for word in path.stem.split("_")} | {path.stem.rstrip("s")}
    if path.stem.rstrip("s") in FORBIDDEN or words <= FORBIDDEN:
        assert path.name in PRESCRIBED or path == ROOT / "portal" / "processes.py"


@pytest.mark.parametrize("path", [p for p in PYTHON if p.relative_to(ROOT).parts[0] in ROOMS and "migrations" not in p.parts], ids=label)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    if not source.strip():
        assert path.name == "__init__.py"
        return
    said = ast.get_docstring(ast.parse(source))
    assert said, "no docstring"


@pytest.mark.parametrize("path", PYTHON, ids=label)
def test_nothing_is_left_to_do(path: Path) -> None:
    marks = ("TO" + "DO", "FIX" + "ME", "XX" + "X")
    assert not [mark for mark in marks if f"{mark}" in path.read_text(encoding="utf-8").split()]


def test_no_input_is_checked_by_assert() -> None:
    """Python may run without asserts; in the pure room they would be the check itself."""
    for path in PYTHON:
        if path.relative_to(ROOT).parts[0] == "proofs":
            asserts = [node.lineno for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Assert)]
            assert asserts == [], f"{label(path)} asserts in line {asserts}"
