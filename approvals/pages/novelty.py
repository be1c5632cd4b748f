"""The signals of a page in the order that helps this one reader: within a level what is new to them first. Pure.

Order and marks are how the page is drawn, and nothing else: what is signed, mailed and checked keeps the order of the snapshot.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.timezone import localtime

from proofs.comparison.compare import AREAS
from proofs.comparison.said import LEVELS


def arrange(compared: dict[str, Any] | None, seen: Mapping[str, datetime] | None) -> dict[str, Any] | None:
    """Return a described comparison (`approvals.pages.comparison_words`) as somebody reads it who saw `seen`: signal digest to moment.

    Each level is ordered by: new to them, how far it reaches, seen longest ago. With None, for whoever decides nothing here, it stays as it is.
    """
    if compared is None or seen is None:
        return compared

    def told(signals: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [_marked(signal, seen) for signal in sorted(signals, key=lambda signal: _place(signal, seen))]

    areas = [{**area, "signals": told(area["signals"])} for area in compared["areas"]]
    return {**compared, "areas": areas, **{name: told(compared[name]) for name in ("signals", "blocking", "asked", "loose")}}


def _place(signal: Mapping[str, Any], seen: Mapping[str, datetime]) -> tuple[int, bool, int, float, int]:
    at = seen.get(signal["digest"])
    reach = AREAS.index(signal["area"]) if signal["area"] in AREAS else len(AREAS)
    return LEVELS.index(signal["level"]), at is not None, reach, at.timestamp() if at else 0.0, signal["place"]


def _marked(signal: Mapping[str, Any], seen: Mapping[str, datetime]) -> dict[str, Any]:
    at = seen.get(signal["digest"])
    return {**signal, "isTold": True, "seenOn": localtime(at).date() if at else None}
