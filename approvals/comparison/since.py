"""What happened since a comparison was frozen that takes the ground from under it: a tag that moved, a baseline that was taken back.

Reads only. Nobody approves past it; the worker freezes a request anew that waits (`approvals.requests.follow_ground`), so that it is compared anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from approvals.comparison.baseline import UNDONE
from approvals.comparison.context import list_elsewhere
from approvals.models import Request, RequestState

RETAGGED = "retagged"


def moved_since(request: Request, comparison: Mapping[str, Any] | None) -> str:
    """Return why what the page of `request` compared does not hold any more, or nothing."""
    if comparison is None:
        return ""
    told = _told(comparison)
    moved = [sentence for sentence in _moved(request) if sentence not in told]
    if moved:
        return f"{moved[0]} That was seen after this page was frozen."
    baseline = comparison["baseline"]
    state = RequestState.objects.filter(request=baseline["request"], status__in=UNDONE).first() if baseline else None
    if state is None:
        return ""
    # Whether a new revision follows is for the caller to say: where somebody said no, none does.
    return f"What it is compared with, {baseline['title']}, has been {state.get_status_display().lower()} since."


def is_ground_gone(request: Request, comparison: Mapping[str, Any] | None) -> bool:
    """Say whether the page would be compared otherwise now: a tag moved, or came back, or the baseline was taken back.

    Frozen anew at the same moment, it is not gone any more.
    """
    if comparison is None:
        return False
    return bool(moved_since(request, comparison)) or _told(comparison) != set(_moved(request))


def _moved(request: Request) -> list[str]:
    return [item["sentence"] for item in list_elsewhere(request) if item["code"] == RETAGGED]


def _told(comparison: Mapping[str, Any]) -> set[str]:
    return {item["sentence"] for item in comparison["context"].get("path", ()) if item["code"] == RETAGGED}
