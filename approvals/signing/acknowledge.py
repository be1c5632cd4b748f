"""The signals that whoever approves has acknowledged: all that the page asked about, and none that forbids approving.

To reject, or to ask for changes, nothing has to be acknowledged. Nor does anybody approve what a page compared with something that is not there any
more.
"""

from __future__ import annotations

from collections.abc import Sequence

from approvals.comparison.since import moved_since
from approvals.models import Approval, Revision
from approvals.requests.snapshot import read_snapshot
from attestations.blobs import bytes_of
from proofs.comparison.compare import asked_signals, blocking_signals
from proofs.errors import Conflict, Malformed


def refuse_if_moved(revision: Revision, decision: str) -> None:
    """Refuse an approval with `approval.signal_blocks` where the ground of the page's comparison is gone since it was frozen."""
    if decision == Approval.Decision.APPROVE:
        comparison = read_snapshot(bytes_of(revision.snapshot)).get("comparison")
        if moved := moved_since(revision.request, comparison):
            raise Conflict("approval.signal_blocks", f"nobody can approve this: {moved}")


def take_acknowledged(revision: Revision, decision: str, acknowledged: Sequence[str]) -> list[tuple[str, str]]:
    """Return id and digest of the signals that a statement names as acknowledged.

    Refuses with `approval.signal_blocks`, `approval.not_acknowledged`, and `approval.malformed` for what no signal of the page is.
    """
    comparison = read_snapshot(bytes_of(revision.snapshot)).get("comparison")
    asked = asked_signals(comparison)
    if len(set(acknowledged)) != len(acknowledged):
        raise Malformed("approval.malformed", "got the acknowledgement of one signal twice, expected each once; tick it on the page itself")
    if set(acknowledged) - {digest for _, digest in asked}:
        raise Malformed("approval.malformed", "got the acknowledgement of a signal that is not on this page; read the page as it is now")
    if decision != Approval.Decision.APPROVE:
        return []
    if blocking := blocking_signals(comparison):
        raise Conflict("approval.signal_blocks", f"nobody can approve this: {blocking[0]}")
    refuse_if_moved(revision, decision)
    missing = [signal["sentence"] for signal in (comparison or {"signals": []})["signals"] if signal["asked"]]
    missing = [sentence for sentence, (_, digest) in zip(missing, asked, strict=True) if digest not in acknowledged]
    if missing:
        raise Conflict("approval.not_acknowledged", f"got an approval without a word on: {missing[0]} Read it, and tick it, or say no")
    return asked
