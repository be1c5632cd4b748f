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


def use_own_keys(settings: Any, folder: Path) -> None:
    """Point the portal at new keys and an empty log state in `folder`."""
    settings.RECORDER_KEY_FILE = folder / "recorder.pem"
    settings.LOG_KEY_FILE = folder / "log.pem"
    settings.LOG_VKEY_FILE = folder / "log.vkey"
    settings.LOG_STATE_FILE = folder / "log-state.json"
    create_portal_keys()


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
