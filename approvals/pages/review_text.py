"""The review of a frozen snapshot as plain text, for a terminal and for the receipt of who signed. Pure.

Drawn from the very value that the page is drawn from (`approvals.pages.review.read_review`), so that both say the same. Times are exact and in
UTC: the same snapshot gives the same bytes, whenever it is asked.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from approvals.pages.review import read_review
from proofs.comparison.said import BLOCK, SAME, UNKNOWN, listed

WIDTH = 88
RULES = {"pass": "met", "fail": "NOT MET", "awaiting": "waits", "waived": "waived"}
LEVELS = {"block": "STOP", "ack": "LOOK", "notice": "note"}


def write_review(content: bytes) -> str:
    """Return the review of a stored snapshot as text of at most `WIDTH` letters a line. Refuses as `read_review` does."""
    review = read_review(content)
    parts = [_head(review), _changes(review), _requirements(review), _evidence(review), _note(review)]
    return "\n\n".join("\n".join(lines) for part in parts if (lines := list(part))) + "\n"


def write_changes(content: bytes) -> str:
    """Return what changed, and the signals, alone: what a receipt repeats of the page."""
    return "\n".join(_changes(read_review(content))) + "\n"


def _head(review: Mapping[str, Any]) -> Iterable[str]:
    request = review["request"]
    yield from _wrapped(
        f"{request['title']} → {review['environment']['name']} (tier {review['environment']['tier']}), revision {request['revision']}"
    )
    behalf = f" for {review['onBehalfOf']['name']}" if review["onBehalfOf"] else ""
    yield from _wrapped(
        f"Asked for by {review['requester']['name']}{behalf}, {_time(request['openedAt'])}; frozen {_time(review['frozenAt'])}"
    )
    for artifact in review["artifacts"]:
        checked = "" if artifact["nameChecked"] or not artifact["name"] else " (name not checked)"
        yield from _wrapped(f"{artifact['name'] or 'artifact'}{checked}", "  ")
        yield f"    {artifact['digest']}"


def _changes(review: Mapping[str, Any]) -> Iterable[str]:
    compared, request = review["comparison"], review["request"]
    if compared is None:
        return
    baseline = compared["baseline"]
    if baseline is None:
        yield "CHANGED: nothing like this was approved here before, so everything is new"
    else:
        by = f" by {listed(baseline['approvedBy'], most=len(baseline['approvedBy']))}" if baseline["approvedBy"] else ""
        yield from _wrapped(
            f"CHANGED since {baseline['title']}, approved for {baseline['environment']['name']} {_time(baseline['approvedAt'])}{by}"
        )
    for signal in [*compared["blocking"], *compared["loose"]]:
        yield from _signal(signal)
    for area in compared["areas"]:
        if area["isQuiet"]:
            continue
        yield from _wrapped(f"{area['label']}: {area['token']}", "  ")
        yield from _wrapped(area["sentence"], "    ")
        for signal in area["signals"]:
            # What blocks stands above them all.
            if signal["level"] != BLOCK:
                yield from _signal(signal)
        for change in area["changes"]:
            yield from _wrapped(f"{change['sign'].lower()}: {change['words']}", "      ")
        if area["more"]:
            yield f"      and {area['more']} more; all of them at"
            yield f"    /requests/{request['id']}/changes?area={area['area']}&revision={request['revision']}"
    for state, words in ((SAME, "As before"), (UNKNOWN, "Not known")):
        if names := [area["label"].lower() for area in compared["areas"] if area["isQuiet"] and area["state"] == state]:
            yield from _wrapped(f"{words}: {', '.join(names)}.", "  ")


def _signal(signal: Mapping[str, Any]) -> Iterable[str]:
    asked = " [whoever approves is asked about this]" if signal["asked"] else ""
    yield from _wrapped(f"{LEVELS[signal['level']]} {signal['id']}: {signal['sentence']}{asked}", "    ")


def _requirements(review: Mapping[str, Any]) -> Iterable[str]:
    policy = review["policy"]
    yield from _wrapped(f"REQUIREMENTS of {policy['id']} {policy['version']}: {policy['result']}")
    for rule in policy["rules"]:
        # Most sentences begin with the title of their rule.
        title = "" if rule["sentence"].startswith(rule["title"]) else f"{rule['title']}. "
        yield from _wrapped(f"{RULES.get(rule['outcome'], rule['outcome'])}: {title}{rule['sentence']}", "  ")


def _evidence(review: Mapping[str, Any]) -> Iterable[str]:
    yield f"EVIDENCE ({len(review['evidence'])})"
    for item in review["evidence"]:
        signed = f", signed by {item['signedBy']}" if item["signedBy"] else ""
        yield from _wrapped(f"{item['result']}: {item['words']}{signed}", "  ")
        yield f"    sha256:{item['digest']['sha256']}"
        if item["reason"] and item["result"] != "verified":
            yield from _wrapped(item["reason"], "    ")


def _note(review: Mapping[str, Any]) -> Iterable[str]:
    if review["note"]["text"]:
        yield "NOTE of the requester (not checked)"
        for line in review["note"]["text"].splitlines():
            yield from _wrapped(line, "  > ")


def _wrapped(words: str, indent: str = "") -> list[str]:
    return textwrap.wrap(words, WIDTH, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False) or [indent.rstrip()]


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
