"""`countersign status`: fetch the portal's status of one record, check it, and say whether the approval still counts.

The only command that asks the network. What answers is believed for its signature alone, not for its address.
"""

from __future__ import annotations

import os
import re
import sys
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from countersign.ask_status import MAX_BYTES, read_status_file
from countersign.find_trust import find_trust
from countersign.plain_text import plain, say
from countersign.say_refusal import say_refusal
from proofs.approval.status_statement import RequestStatus, check_record_status
from proofs.errors import Malformed, Refusal, Unproven
from proofs.moment import rfc3339
from proofs.pack.trust import recorder_keys_at

TOKEN_VARIABLE = "COUNTERSIGN_TOKEN"  # noqa: S105 - a name
_SECONDS = 20


def show_status(*, record: str, portal: str | None, file: Path | None, trust_file: Path | None, max_age: timedelta | None) -> int:
    """Print how the approval stands; return 0 when it counts and that was printed, 1 when refused.

    Asks `portal`, or reads `file` where nothing is to be asked. Refuses with `status.unreachable` or as `check_record_status` does.
    """
    try:
        trust, _ = find_trust(trust_file)
        digest = record.removeprefix("sha256:")
        if not re.fullmatch("[0-9a-f]{64}", digest):
            raise Malformed("status.record", f"got {record[:80]!r}, expected the SHA-256 of a record, as sha256:<hex>")
        unverified = read_status_file(file) if file is not None else _fetch(portal or "", digest)
        now = datetime.now(UTC).replace(microsecond=0)
        keys = [item.key for item in recorder_keys_at(trust, now)]
        status = check_record_status(unverified, keys=keys, record=digest, now=now, max_age=max_age)
    except Refusal as refusal:
        say_refusal(refusal.code, refusal.reason, as_json=False)
        return 1
    _print(status)
    sys.stdout.flush()
    return 0


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The token goes to the address that was named, and nowhere else."""

    def redirect_request(self, *args: object, **kwargs: object) -> None:
        return None


def _fetch(portal: str, record: str) -> bytes:
    parts = urlsplit(portal)
    is_here = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_here):
        raise Malformed("status.portal", f"got {portal[:200]!r}, expected the portal's address with https")
    request = urllib.request.Request(f"{portal.rstrip('/')}/api/v1/records/{record}/status", headers={"Accept": "application/json"})
    token = os.environ.get(TOKEN_VARIABLE, "")
    if token:
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=_SECONDS) as answer:
            content: bytes = answer.read(MAX_BYTES + 1)
    except urllib.error.HTTPError as error:
        error.close()
        raise Unproven(
            "status.unreachable", f"the portal answered {error.code}; is the record its own, and ${TOKEN_VARIABLE} set?"
        ) from error
    except (OSError, ValueError) as error:
        raise Unproven("status.unreachable", f"the portal cannot be asked: {error}") from error
    if len(content) > MAX_BYTES:
        raise Malformed("status.malformed", f"got a status of more than {MAX_BYTES} bytes")
    return content


def _print(status: RequestStatus) -> None:
    (approval,) = status.approvals
    say(f"VALID  The approval with record sha256:{approval.record} of request {plain(status.request)} counts.")
    say(f"The portal said so at {rfc3339(status.at)}; good until {rfc3339(status.not_after)}.")
