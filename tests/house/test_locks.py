"""Rows are locked in the one way that cannot close a circle with the ledger's lock.

PostgreSQL checks foreign keys when a transaction commits, by then often under the ledger's lock, and asks each row pointed at for a lock
that FOR UPDATE refuses. Whoever holds a row FOR UPDATE and waits for the ledger would be waited for by the one who holds the ledger.
FOR NO KEY UPDATE keeps other changes of the row away just as well. A row that is only joined is not locked at all.
"""

from __future__ import annotations

import ast

import pytest

from tests.house.test_sizes import PYTHON, ROOMS, ROOT, label

pytestmark = pytest.mark.once

LOCK, JOIN = "select_for_update", "select_related"


def faults(source: str) -> list[str]:
    """Return what is wrong with the locks in this source, each with its line."""
    found = []
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            continue
        if call.func.attr == LOCK and "no_key=True" not in _arguments(call):
            found.append(f"{call.lineno}: locks without no_key=True")
        if call.func.attr == JOIN and any(LOCK in part and "of=('self',)" not in part for part in _calls_before(call)):
            found.append(f"{call.lineno}: locks what it joins")
    return found


def _arguments(call: ast.Call) -> list[str]:
    return [f"{keyword.arg}={ast.unparse(keyword.value)}" for keyword in call.keywords]


def _calls_before(call: ast.Call) -> list[str]:
    parts: list[str] = []
    node: ast.expr = call.func
    while isinstance(node, ast.Attribute | ast.Call):
        if isinstance(node, ast.Call):
            parts.append(f"{getattr(node.func, 'attr', '')} {_arguments(node)}".replace('"', ""))
            node = node.func
        else:
            node = node.value
    return parts


def test_every_lock_leaves_foreign_keys_alone() -> None:
    ours = [path.read_text(encoding="utf-8") for path in PYTHON if path.relative_to(ROOT).parts[0] in ROOMS]
    assert sum(LOCK in source for source in ours) > 5
    assert {label(path): found for path in PYTHON if path.relative_to(ROOT).parts[0] in ROOMS and (found := faults(path.read_text()))} == {}


def test_the_rule_sees_what_it_is_there_for() -> None:
    assert faults("A.objects.select_for_update().get()") == ["1: locks without no_key=True"]
    assert faults("A.objects.select_for_update(no_key=True).select_related('b').get()") == ["1: locks what it joins"]
    assert faults("A.objects.select_for_update(no_key=True, of=('self',)).select_related('b').get()") == []
