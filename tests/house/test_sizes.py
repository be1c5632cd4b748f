"""Nothing grows beyond what one can read at once, and every file says by its name what is done in it."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parent.parent.parent
ROOMS = ("portal", "reports", "gates", "approvals", "attestations", "identities", "ledger", "proofs", "countersign")
MOST_LINES, MOST_FUNCTION_LINES = 500, 60
FORBIDDEN = {"util", "helper", "common", "core", "base", "misc", "manager", "handler", "service", "process", "data", "info"}
# A linear list of checks is read from top to bottom; cutting it up hides that nothing is left out. Named one by one.
LONG_CHECK_LISTS: set[str] = set()


def tracked(*patterns: str) -> list[Path]:
    """List files git knows or would add, so that a folder of build output never counts."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


PYTHON = tracked("*.py")
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in PYTHON}
WRITTEN = [*PYTHON, *tracked("*.html", "*.css", "*.js", "*.md")]


def label(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_there_is_something_to_measure() -> None:
    assert len(PYTHON) > 100


def test_no_file_is_too_long() -> None:
    assert [label(path) for path in WRITTEN if len(path.read_text(encoding="utf-8").splitlines()) > MOST_LINES] == []


def test_no_function_is_too_long() -> None:
    found = {
        f"{label(path)}:{node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    too_long = {name: lines for name, lines in found.items() if lines > MOST_FUNCTION_LINES}
    assert {name: lines for name, lines in too_long.items() if name not in LONG_CHECK_LISTS} == {}
    assert set(too_long) >= LONG_CHECK_LISTS, "an exception that is no longer needed"


def test_every_file_name_says_what_is_done_in_it() -> None:
    assert [label(path) for path in PYTHON if path.stem in FORBIDDEN or path.stem.removesuffix("s") in FORBIDDEN - {"process"}] == []


def test_every_module_says_what_it_is_for() -> None:
    ours = [path for path in PYTHON if path.relative_to(ROOT).parts[0] in ROOMS and "migrations" not in path.parts]
    silent = [
        label(path) for path in ours if not ast.get_docstring(TREES[path]) and (path.name != "__init__.py" or path.read_text().strip())
    ]
    assert silent == []


def test_nothing_is_left_to_do() -> None:
    marks = {"TO" + "DO", "TO" + "DO:", "FIX" + "ME", "FIX" + "ME:", "XX" + "X"}
    assert [label(path) for path in PYTHON if marks & set(path.read_text(encoding="utf-8").split())] == []


def test_no_input_is_checked_by_assert() -> None:
    """Python may run without asserts; in the pure room they would be the check itself."""
    for path in PYTHON:
        if path.relative_to(ROOT).parts[0] == "proofs":
            asserts = [node.lineno for node in ast.walk(TREES[path]) if isinstance(node, ast.Assert)]
            assert asserts == [], f"{label(path)} asserts in line {asserts}"
