"""Two pictures held against each other, area by area, and the signals that follow: not yet in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from proofs.comparison.compare_actions import compare_agent, compare_rotation
from proofs.comparison.compare_contents import compare_packages, compare_tests, compare_vulnerabilities
from proofs.comparison.compare_reach import (
    compare_identities,
    compare_plan,
    compare_policy,
    compare_secrets,
    path_signals,
    request_signals,
)
from proofs.comparison.compare_signers import compare_signers
from proofs.comparison.compare_source import compare_builder, compare_inputs, compare_source
from proofs.comparison.deployment import DEPLOYMENT_TYPE
from proofs.comparison.packages import KINDS
from proofs.comparison.said import ACK, CHANGED, HIGH, NEW, NOTE, UNKNOWN, Area, Signal, listed, series
from proofs.predicates.read import READERS
from proofs.provenance import PROVENANCE_TYPES

# What a release was known to bring along, by the part of its picture: which area says it, in which words, and what sort of evidence it stands in.
_PARTS: dict[str, tuple[str, str, str]] = {
    "source": ("source", "what it was built from", "provenance"),
    "builder": ("builder", "what built it", "provenance"),
    "inputs": ("inputs", "what went into the build", "provenance"),
    "packages": ("packages", "what is in it", "bill"),
    "scan": ("vulnerabilities", "which vulnerabilities it has", "vulnerability-scan"),
    "commits": ("source", "which commits are in it", "deployment"),
    "identities": ("identities", "which identities act for it", "deployment"),
    "secrets": ("secrets", "which secrets it reads or writes", "deployment"),
    "plan": ("plan", "what the rollout creates, updates or destroys", "deployment"),
}


def lay_side_by_side(
    before: Mapping[str, Any] | None, now: Mapping[str, Any], context: Mapping[str, Any]
) -> tuple[list[Area], list[Signal]]:
    """Return the areas and the signals, as they come; `proofs.comparison.compare` puts them in order."""
    said = [compare_agent(before, now, context), compare_rotation(before, now, context)]
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
    if before is not None:
        silent = [part for part in _PARTS if before[part] is not None and now[part] is None]
        areas = [_fallen_silent(area, silent) for area in areas]
        signals += _silence(before, now, silent)
    signals += [*path_signals(context), *request_signals(context)]
    if before is None and any(area.state == NEW for area in areas):
        signals.append(_first(now, context))
    return areas, signals


def _first(now: Mapping[str, Any], context: Mapping[str, Any]) -> Signal:
    """Return the signal that nothing is compared; where others were approved here, another name may be the reason."""
    others = context.get("approvedHere")
    if not others:
        return Signal("REQ_FIRST_RELEASE", NOTE, "request", "Nothing was approved here before, so everything is new.")
    names = [item["name"] for item in now["artifacts"] if item["name"]]
    this = f"called {listed(names, word='or')}" if names else "like this"
    # Of what else was approved here the portal names a few alone.
    words = f"Nothing {this} was approved here before, so it is compared with nothing. Approved here were other names, such as {listed(others)}."
    return Signal("REQ_FIRST_RELEASE", ACK, "request", words, "It may go as something new, compared with nothing", listed(names) or "this")


def _fallen_silent(area: Area, silent: Sequence[str]) -> Area:
    """Return an area of which nothing is known any more as the change it is: silence would read as "nothing changed"."""
    if area.state != UNKNOWN or area.area not in {_PARTS[part][0] for part in silent}:
        return area
    words = f"{area.sentence} For the last release it was known."
    return Area(area.area, CHANGED, HIGH, "Not known any more", words, area.changes)


def _silence(before: Mapping[str, Any], now: Mapping[str, Any], silent: Sequence[str]) -> list[Signal]:
    """Return the signal for what is not said any more although the evidence that said it is there; what is missing as a whole has its own."""
    gone = {_sort_of(item["type"]) for item in before["signers"]} - {_sort_of(item["type"]) for item in now["signers"]}
    left = [part for part in silent if _PARTS[part][2] not in gone]
    if not left:
        return []
    told = series([_PARTS[part][1] for part in left], most=len(_PARTS))
    words = f"The evidence of the last release says this, and that of this one does not: {told}."
    return [Signal("EVID_MISSING", ACK, _PARTS[left[0]][0], words, f"It may go although nobody says {told}", left[0])]


def _sort_of(predicate_type: str) -> str:
    """Return what sort of evidence a predicate type is, whichever version of it."""
    if predicate_type in PROVENANCE_TYPES or predicate_type == DEPLOYMENT_TYPE:
        return "deployment" if predicate_type == DEPLOYMENT_TYPE else "provenance"
    kind = READERS.get(predicate_type, (predicate_type,))[0]
    return "bill" if kind in KINDS else kind
