"""Points in time as they stand in signed documents: RFC 3339, UTC, whole seconds, `Z`."""

from __future__ import annotations

from datetime import UTC, datetime


def rfc3339(at: datetime) -> str:
    """Return `at` as `2026-01-31T12:00:00Z`. A time without a zone is a bug, not a refusal."""
    if at.tzinfo is None:
        raise ValueError("got a time without a zone, expected an aware datetime")
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
