"""An empty SQLite database, kept from one run to the next: making one takes longer than most test files do.

It stands in the folder for temporary files under the digest of everything it is made from, so that a changed migration makes a new one.
Migrations are run for real by whoever comes first; portals of a test's own begin with a copy as well.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from django.db import connections

ROOT = Path(__file__).resolve().parent.parent
MADE_FROM = ("*/migrations/*.py", "ledger/*.py", "portal/settings.py", "requirements.lock")
# Whoever makes the first one holds this; the others wait for it instead of making their own.
_making: list[IO[str]] = []


def is_begun_with_a_copy() -> bool:
    """Put a copy of the kept database where the tests' own will be looked for; return whether there was one.

    Where there was none, `leave_a_copy` has to follow: the others wait for it.
    """
    if not _is_sqlite():
        return False
    kept = _kept()
    _hold()
    if not kept.exists():
        return False
    _let_go()
    shutil.copyfile(kept, _own())
    return True


def leave_a_copy() -> None:
    """Keep the tests' own database, which nothing has been written to, for others. Nothing happens on another backend."""
    if not _is_sqlite():
        return
    connection = connections["default"]
    connection.ensure_connection()
    kept = _kept()
    half = kept.with_suffix(f".{os.getpid()}")
    with sqlite3.connect(half) as copy:
        connection.connection.backup(copy)
    copy.close()
    half.replace(kept)
    _let_go()


def kept_or_made(make: Callable[[], Path]) -> Path:
    """Return the kept database, which is only to be copied; where there is none, keep what `make` makes."""
    kept = _kept()
    _hold()
    try:
        if not kept.exists():
            half = kept.with_suffix(f".{os.getpid()}")
            shutil.copyfile(make(), half)
            half.replace(kept)
        return kept
    finally:
        _let_go()


def _hold() -> None:
    if _making:
        return  # Held already, by a set-up that broke off.
    kept = _kept()
    kept.parent.mkdir(mode=0o700, exist_ok=True)
    lock = kept.with_suffix(".lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    _making.append(lock)


def _let_go() -> None:
    while _making:
        _making.pop().close()


def _is_sqlite() -> bool:
    return connections["default"].vendor == "sqlite"


def _own() -> Path:
    return Path(connections["default"].settings_dict["TEST"]["NAME"])


@functools.cache
def _kept() -> Path:
    digest = hashlib.sha256()
    for pattern in MADE_FROM:
        for path in sorted(ROOT.glob(pattern)):
            digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return Path(tempfile.gettempdir()) / f"countersign-empty-{os.getuid()}" / f"{digest.hexdigest()}.sqlite3"
