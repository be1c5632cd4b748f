"""An empty SQLite database, kept from one run to the next: making one takes longer than most test files do.

It stands in the folder for temporary files under the digest of everything it is made from, so that a changed migration makes a new one.
Migrations are run for real by whoever comes first, and by every test that starts a portal of its own.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path

from django.db import connections

ROOT = Path(__file__).resolve().parent.parent
MADE_FROM = ("*/migrations/*.py", "ledger/*.py", "portal/settings.py", "requirements.lock")


def is_begun_with_a_copy() -> bool:
    """Put a copy of the kept database where the tests' own will be looked for; return whether there was one."""
    if not _is_sqlite():
        return False
    kept = _kept()
    if not kept.exists():
        return False
    shutil.copyfile(kept, _own())
    return True


def leave_a_copy() -> None:
    """Keep the tests' own database, which nothing has been written to, for others. Nothing happens on another backend."""
    if not _is_sqlite():
        return
    connection = connections["default"]
    connection.ensure_connection()
    kept = _kept()
    kept.parent.mkdir(mode=0o700, exist_ok=True)
    half = kept.with_suffix(f".{os.getpid()}")
    with sqlite3.connect(half) as copy:
        connection.connection.backup(copy)
    copy.close()
    half.replace(kept)


def _is_sqlite() -> bool:
    return connections["default"].vendor == "sqlite"


def _own() -> Path:
    return Path(connections["default"].settings_dict["TEST"]["NAME"])


def _kept() -> Path:
    digest = hashlib.sha256()
    for pattern in MADE_FROM:
        for path in sorted(ROOT.glob(pattern)):
            digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return Path(tempfile.gettempdir()) / f"countersign-empty-{os.getuid()}" / f"{digest.hexdigest()}.sqlite3"
