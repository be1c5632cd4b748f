"""Which test proves what: names of tests, and whether there are such tests."""

from __future__ import annotations

import ast
from functools import cache

from tests.live import ROOT


@cache
def _names_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text())
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"))


def find_absent(tests: tuple[str, ...]) -> list[str]:
    """Return those of `tests` ("folder/file.py::name" below tests/) that are not there."""
    split = [(test, *test.split("::")) for test in tests]
    return [test for test, path, name in split if not (ROOT / "tests" / path).is_file() or name not in _names_in(f"tests/{path}")]
