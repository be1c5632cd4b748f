"""What somebody wrote for a statement that they have not signed, for the form to hold again: their words alone.

Ticks, the end of a digest and the choice of a key are given anew each time. Reads only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from approvals.models import Ceremony, Request
from identities.models import Identity
from proofs.approval.human_approval import parse_human_approval


def read_typed(ceremony_id: str, *, request: Request, by: Identity, asked: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the initial values of `InputDecision` for what `by` wrote in that ceremony of this request; none of anybody else's or of another's.

    `asked` are the signals the form asks about: a line that begins with the id of just one of them is its reason.
    """
    # No database compares text with a NUL in it.
    if not ceremony_id or "\0" in ceremony_id:
        return {}
    row = Ceremony.objects.filter(pk=ceremony_id[:40], identity=by, revision__request=request).first()
    if row is None:
        return {}
    statement = parse_human_approval(bytes(row.payload))
    of_id: dict[str, list[str]] = {}
    for signal in asked:
        of_id.setdefault(signal["id"], []).append(signal["digest"])
    typed, words = {}, []
    for line in statement.justification.splitlines():
        name, _, why = line.partition(": ")
        digests = of_id.pop(name, [])
        if len(digests) == 1:
            typed[f"why_{digests[0]}"] = why
        else:
            words.append(line)
    return {**typed, "reason": "\n".join(words), "reason_codes": list(statement.reason_codes)}
