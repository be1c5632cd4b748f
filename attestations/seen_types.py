"""Which predicate types came in lately, for whoever chooses what a program may attest."""

from __future__ import annotations

from typing import Any

from attestations.models import Verdict

LATEST = 1000


def list_seen_types(sender: Any, **_: Any) -> list[str]:
    """Return the types of the latest verified evidence, each once; hears `seen_types_asked`."""
    latest = Verdict.objects.order_by("-pk").values_list("predicate_type", "result")[:LATEST]
    return sorted({name for name, result in latest if name and result == Verdict.Result.VERIFIED})
