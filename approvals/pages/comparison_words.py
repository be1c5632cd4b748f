"""The comparison of a snapshot as the review page draws it: rows with words and tones, and the signals, each where it belongs. Pure.

Nothing is added that is not in the snapshot; what nobody could tell is said to be so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proofs.comparison.compare import MAX_ASKED
from proofs.comparison.said import ACK, AREA_WORDS, BLOCK, SAME, UNKNOWN, signal_digest
from proofs.moment import parse_moment

TONES = {"high": "bad", "medium": "warn", "notice": "new", "none": ""}
SIGNS = {"added": "Added", "removed": "Removed", "upgraded": "Newer", "downgraded": "Older", "changed": "Changed"}
# So many changes are read where they stand; more of them are folded under their number.
MOST_UNFOLDED = 3
LEVEL_TONES = {BLOCK: "bad", ACK: "warn", "notice": "plain"}


def describe_comparison(comparison: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return `{"baseline", "areas", "quiet", "signals", "blocking", "asked", "more", "loose"}`; None for a snapshot that compares nothing.

    `asked` are the signals to be acknowledged; `more` how many others would ask for it; `loose` those of no area. Each signal has its digest, and
    its `place` among those of the snapshot.
    """
    if comparison is None:
        return None
    signals = [
        {**signal, "digest": signal_digest(signal), "tone": LEVEL_TONES[signal["level"]], "place": place}
        for place, signal in enumerate(comparison["signals"])
    ]
    # What changed leads, the gravest first; what is as before comes after all of it.
    areas = sorted((_described(area, signals) for area in comparison["areas"]), key=lambda area: bool(area["isQuiet"]))
    shown = {area["area"] for area in areas}
    wanting = [signal for signal in signals if signal["level"] == ACK]
    return {
        "baseline": _baseline(comparison["baseline"]),
        "areas": areas,
        "quiet": [area["label"].lower() for area in areas if area["isQuiet"]],
        "signals": signals,
        "blocking": [signal for signal in signals if signal["level"] == BLOCK],
        "asked": [signal for signal in signals if signal["asked"]],
        "more": max(0, len(wanting) - MAX_ASKED),
        "loose": [signal for signal in signals if signal["area"] not in shown and signal["level"] != BLOCK],
    }


def _described(area: Mapping[str, Any], signals: list[dict[str, Any]]) -> dict[str, Any]:
    changes = [{**change, "sign": SIGNS.get(change["change"], change["change"])} for change in area["changes"]]
    if len(changes) == 1 and changes[0]["words"] in area["sentence"]:
        # Said once is enough.
        changes = []
    own = [signal for signal in signals if signal["area"] == area["area"]]
    is_grave = any(signal["level"] in (BLOCK, ACK) for signal in own)
    return {
        **area,
        "label": AREA_WORDS.get(area["area"], area["area"].capitalize()),
        "tone": TONES[area["severity"]],
        "changes": changes,
        "signals": own,
        # A few changes need no click, and many of what is flagged stand open; what is as before is one muted line.
        "isFolded": len(changes) > MOST_UNFOLDED or bool(area["more"]),
        "isOpen": is_grave and bool(changes),
        "isQuiet": area["state"] in (SAME, UNKNOWN) and not own,
    }


def _baseline(baseline: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if baseline is None:
        return None
    return {**baseline, "approvedAt": parse_moment(baseline["approvedAt"], code="snapshot.malformed", what="approvedAt")}
