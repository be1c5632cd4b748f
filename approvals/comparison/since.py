"""What happened since a comparison was frozen that takes the ground from under it: a tag that moved, a baseline that was taken back.

Reads only. Nobody approves past it; a request that is asked anew is compared anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from approvals.comparison.baseline import UNDONE
from approvals.comparison.context import list_elsewhere
from approvals.models import Request, RequestState


def moved_since(request: Request, comparison: Mapping[str, Any] | None) -> str:
    """Return why what the page of `request` compared does not hold any more, or nothing."""
    if comparison is None:
        return ""
    told = {item["sentence"] for item in comparison["context"].get("path", ())}
    moved = [item["sentence"] for item in list_elsewhere(request) if item["code"] == "retagged" and item["sentence"] not in told]
    if moved:
        return f"{moved[0]} That was seen after this page was frozen."
    baseline = comparison["baseline"]
    state = RequestState.objects.filter(request=baseline["request"], status__in=UNDONE).first() if baseline else None
    if state is None:
        return ""
    return f"What it is compared with, {baseline['title']}, is {state.get_status_display().lower()} since. Ask for it anew, so that it is compared with what stands."
