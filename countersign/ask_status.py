"""What a gate asks beyond a pack: that a fresh status, signed by the portal, says that every approval in it still counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from proofs.approval.revocation_list import MAX_AGE, check_revocation_list
from proofs.approval.status_statement import check_status
from proofs.digest import sha256_hex
from proofs.errors import Malformed
from proofs.moment import rfc3339
from proofs.pack.layout import STATEMENT, check_layout
from proofs.pack.report import PackReport
from proofs.pack.trust import Trust, recorder_keys_at

MAX_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class GateQuestion:
    """The file that holds the status, if there is one, and how old it may be where the reader sets a limit of their own.

    `revocations_file` is that of a list of revocations, which is asked in place of a status.
    """

    status_file: Path | None
    max_age: timedelta | None
    revocations_file: Path | None = None


def ask_status(question: GateQuestion, files: Mapping[str, bytes], report: PackReport, *, trust: Trust, now: datetime) -> str:
    """Return what the status says, in words, when every approval of the pack still counts at `now`. Refuses as `check_status` does, or `check_revocation_list`."""
    if question.revocations_file is not None:
        return _ask_list(question, files, report, trust=trust, now=now)
    status = check_status(
        read_status_file(question.status_file),
        keys=[item.key for item in recorder_keys_at(trust, now)],
        request=report.request.id,
        payloads={sha256_hex(files[folder + STATEMENT]) for folder in check_layout(files)},
        now=now,
        max_age=question.max_age,
    )
    return f"The portal said at {rfc3339(status.at)} that every approval in the pack counts; good until {rfc3339(status.not_after)}."


def _ask_list(question: GateQuestion, files: Mapping[str, bytes], report: PackReport, *, trust: Trust, now: datetime) -> str:
    """The list is of the whole portal, and has to reflect the log at least as far as the records of this pack."""
    listed = check_revocation_list(
        read_status_file(question.revocations_file),
        keys=[item.key for item in recorder_keys_at(trust, now)],
        payloads={sha256_hex(files[folder + STATEMENT]) for folder in check_layout(files)},
        log_size=max(item.log_index for item in report.approvals) + 1,
        now=now,
        max_age=question.max_age if question.max_age is not None else MAX_AGE.get(report.environment.tier, min(MAX_AGE.values())),
    )
    return (
        f"The portal's list of {rfc3339(listed.at)}, which reflects {listed.size} entries of the log, names no approval in the pack. "
        "It does not say that evidence, policy and people are as they were; a status does."
    )


def read_status_file(path: Path | None) -> bytes | None:
    """Return the bytes of a status or a list that was fetched before; None where there is none. Refuses with `status.malformed`."""
    if path is None:
        return None
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    if len(content) > MAX_BYTES:
        raise Malformed("status.malformed", f"got a status of more than {MAX_BYTES} bytes")
    return content
