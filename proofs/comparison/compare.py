"""Two pictures held against each other: the areas of a review, and the signals that follow, the gravest first.

Pure, and the same in the portal and offline. Of the signals that ask for somebody's word, at most `MAX_ASKED` are put one by one: whoever has to
tick more reads none. The others are shown all the same, and a sentence says that this is much for one decision.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proofs.comparison import compare_areas
from proofs.comparison.said import ACK, BLOCK, LEVELS, SEVERITIES, Area, Signal, signal_digest
from proofs.comparison.version_2 import areas as areas_of_version_2

MAX_ASKED = 3
SCHEMA_OF_VERSION_2 = "countersign-release-picture/v2"
# Of equals, the one that reaches furthest comes first.
AREAS = (
    "artifact",
    "agent",
    "rotation",
    "identities",
    "policy",
    "source",
    "builder",
    "signer",
    "secrets",
    "packages",
    "vulnerabilities",
    "plan",
    "inputs",
    "tests",
    "request",
)


def compare_releases(before: Mapping[str, Any] | None, now: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
    """Return `{"areas", "signals"}` of a release against its baseline (None where nothing was approved before), ready for canonical JSON.

    `before` and `now` are pictures (`proofs.comparison.picture`); `context` is what only the portal knows: `tier`, `identities`
    (`issuer`, `subject`, `isRegistered`, `kind`, `owner`, `status`, `lastSeenDays`), `policy` (`differences`, `by`), `path` (`code`,
    `sentence`), `approvedHere` (names of what else was), `burst` (`count`, `by`), of an agent `tools` and `denied`, and of a rotation `parties`
    (`issuer`, `subject`, `name`).
    """
    areas, signals = _compare(before, now, context)
    return {"areas": [area.as_dict() for area in areas], "signals": _ranked(signals)}


def list_changes(before: Mapping[str, Any] | None, now: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, list[dict[str, str]]]:
    """Return each change by its area, all of them, in the order in which `compare_releases` gives the first; it takes the same."""
    return {area.area: [change.as_dict() for change in area.changes] for area in _compare(before, now, context)[0]}


def _compare(before: Mapping[str, Any] | None, now: Mapping[str, Any], context: Mapping[str, Any]) -> tuple[list[Area], list[Signal]]:
    """Compare by the rules that the picture was made by: what was signed by older ones is told in their words for ever."""
    by = areas_of_version_2 if now["schema"] == SCHEMA_OF_VERSION_2 else compare_areas
    areas, signals = by.lay_side_by_side(before, now, context)
    order = sorted(areas, key=lambda area: (SEVERITIES.index(area.severity), area.state == "unknown", AREAS.index(area.area)))
    return order, signals


def asked_signals(comparison: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Return id and digest of each signal that whoever approves has to acknowledge, in the order they are shown."""
    return [] if comparison is None else [(signal["id"], signal_digest(signal)) for signal in comparison["signals"] if signal["asked"]]


def blocking_signals(comparison: Mapping[str, Any] | None) -> list[str]:
    """Return the sentences of the signals with which nobody can approve."""
    return [] if comparison is None else [signal["sentence"] for signal in comparison["signals"] if signal["level"] == BLOCK]


def _ranked(signals: list[Signal]) -> list[dict[str, Any]]:
    unique = {(signal.id, signal.about, signal.sentence): signal for signal in signals}
    order = sorted(unique.values(), key=lambda signal: (LEVELS.index(signal.level), AREAS.index(signal.area), signal.id, signal.about))
    shown, asked = [], 0
    for signal in order:
        is_asked = signal.level == ACK and asked < MAX_ASKED
        asked += is_asked
        shown.append({**signal.as_dict(), "asked": is_asked})
    return shown
