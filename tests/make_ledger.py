"""Plain makers for the ledger: keys in a folder of the test's own, and entries."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.db import transaction

from ledger.append import append_event
from ledger.keys import create_portal_keys
from ledger.models import Entry
from proofs.digest import sha256_hex

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ACTOR = "h:" + "00" * 32


KEY_FILES = {
    "RECORDER_KEY_FILE": "recorder.pem",
    "LOG_KEY_FILE": "log.pem",
    "LOG_VKEY_FILE": "log.vkey",
    "LOG_STATE_FILE": "log-state.json",
}
_KEPT: dict[str, dict[str, bytes]] = {}


def use_own_keys(settings: Any, folder: Path) -> None:
    """Point the portal at keys and an empty log state in `folder`; what is there already stays.

    The keys of one log are the same in every folder of a test process, so that a story told there can be told again (`tests.retell`).
    """
    for setting, name in KEY_FILES.items():
        setattr(settings, setting, folder / name)
    kept = _KEPT.get(settings.LOG_ORIGIN)
    if kept is not None and not any((folder / name).exists() for name in KEY_FILES.values()):
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in kept.items():
            (folder / name).write_bytes(content)
            (folder / name).chmod(0o644 if name == KEY_FILES["LOG_VKEY_FILE"] else 0o600)
    create_portal_keys()
    if kept is None:
        _KEPT[settings.LOG_ORIGIN] = {name: (folder / name).read_bytes() for name in KEY_FILES.values()}


def make_entries(count: int, *, now: datetime = NOW) -> list[Entry]:
    """Append `count` events, one act each."""
    entries = []
    for _ in range(count):
        with transaction.atomic():
            entries.append(
                append_event(
                    event="test.happened",
                    ref_digest=sha256_hex(str(len(entries)).encode()),
                    actor=ACTOR,
                    now=now,
                )
            )
    return entries
