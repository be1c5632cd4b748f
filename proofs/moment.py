"""Points in time as they stand in signed documents: RFC 3339, UTC, whole seconds, `Z`."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from proofs.errors import Malformed

_FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


def rfc3339(at: datetime) -> str:
    """Return `at` as `2026-01-31T12:00:00Z`. A time without a zone is a bug, not a refusal."""
    if at.tzinfo is None:
        raise ValueError("got a time without a zone, expected an aware datetime")
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_moment(unverified_text: object, *, code: str, what: str) -> datetime:
    """Parse `2026-01-31T12:00:00Z`; refuses with `code` for every other spelling."""
    if not isinstance(unverified_text, str) or not _FORM.fullmatch(unverified_text):
        raise Malformed(code, f"got {str(unverified_text)[:40]!r} for {what}, expected a time such as 2026-01-31T12:00:00Z")
    try:
        return datetime.strptime(unverified_text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise Malformed(code, f"got {unverified_text!r} for {what}, expected a time that exists") from error
