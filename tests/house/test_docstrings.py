"""What others may call says what goes in and out: every module of every room, and all that is public in `proofs`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.test_sizes import ROOMS, ROOT, TREES, label

pytestmark = pytest.mark.once

MODULES = sorted(
    path for path in TREES if path.relative_to(ROOT).parts[0] in ROOMS and "migrations" not in path.parts and path.stat().st_size
)


def public_names(tree: ast.Module) -> Iterator[tuple[str, ast.ClassDef | ast.FunctionDef]]:
    """Public functions and classes of a module, and the public methods of its public classes."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            yield node.name, node
            if isinstance(node, ast.ClassDef):
                for part in node.body:
                    if isinstance(part, ast.FunctionDef) and not part.name.startswith("_"):
                        yield f"{node.name}.{part.name}", part


@pytest.mark.parametrize("path", MODULES, ids=label)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(TREES[path])


def test_everything_public_in_proofs_says_what_it_does() -> None:
    proofs = [path for path in MODULES if path.relative_to(ROOT).parts[0] == "proofs"]
    silent = [f"{label(path)}: {name}" for path in proofs for name, node in public_names(TREES[path]) if not ast.get_docstring(node)]
    assert len(proofs) > 50
    assert silent == []
