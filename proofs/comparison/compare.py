"""Two pictures held against each other: the areas of a review, and the signals that follow, the gravest first.

Pure, and the same in the portal and offline. Of the signals that ask for somebody's word, at most `MAX_ASKED` are put one by one: whoever has to
tick more reads none. The others are shown all the same, and a sentence says that this is much for one decision.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proofs.comparison.compare_contents import compare_packages, compare_tests, compare_vulnerabilities
from proofs.comparison.compare_reach import (
    compare_agent,
    compare_identities,
    compare_plan,
    compare_policy,
    compare_rotation,
    compare_secrets,
    path_signals,
    request_signals,
)
from proofs.comparison.compare_source import compare_builder, compare_inputs, compare_signers, compare_source
from proofs.comparison.said import ACK, BLOCK, LEVELS, NEW, NOTE, SEVERITIES, Signal, signal_digest

# What is compared how: whoever compares again under another number may come to other words.
COMPARISON_VERSION = 1
MAX_ASKED = 3
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
    `sentence`), `burst` (`count`, `by`), and of an agent `tools` and `denied`.
    """
    said = [compare_agent(before, now, context), compare_rotation(before, now)]
    if any(said):
        # What an agent or a rotation asks for was not built: only what they do and the policy can have changed.
        said.append(compare_policy(before, now, context))
    else:
        said = [
            compare_identities(before, now, context),
            compare_packages(before, now),
            compare_source(before, now),
            compare_builder(before, now),
            compare_inputs(before, now),
            compare_signers(before, now),
            compare_secrets(before, now),
            compare_policy(before, now, context),
            compare_vulnerabilities(before, now),
            compare_plan(before, now, context),
            compare_tests(before, now),
        ]
    areas = [found[0] for found in said if found is not None]
    signals = [signal for found in said if found is not None for signal in found[1]]
    signals += [*path_signals(context), *request_signals(context)]
    if before is None and any(area.state == NEW for area in areas):
        signals.append(Signal("REQ_FIRST_RELEASE", NOTE, "request", "Nothing was approved here before, so everything is new."))
    order = sorted(areas, key=lambda area: (SEVERITIES.index(area.severity), area.state == "unknown", AREAS.index(area.area)))
    return {"areas": [area.as_dict() for area in order], "signals": _ranked(signals)}


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
