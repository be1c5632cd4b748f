"""Bring together what two people made of one policy: rule by rule, and field by field above the rules.

Where both changed the same rule or field to something else, nobody is overruled: it is named, and a person decides. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Merged:
    """The value that holds both changes, or what both changed: rules by their id, fields by their name."""

    value: dict[str, Any] | None
    overlaps: tuple[str, ...]


def merge_policies(*, base: Any, theirs: Any, mine: Any) -> Merged:
    """Merge two policies that were made from one `base`. Where one of them is no mapping with named rules, all of it overlaps."""
    if not all(_is_readable(value) for value in (base, theirs, mine)):
        return Merged(None, ("the whole text",))
    fields, beside = _merge(_without_rules(base), _without_rules(theirs), _without_rules(mine))
    rules, among = _merge(_rules_of(base), _rules_of(theirs), _rules_of(mine))
    overlaps = (*beside, *(f"rule {rule_id}" for rule_id in among))
    if overlaps:
        return Merged(None, overlaps)
    value = {**fields, "rules": list(rules.values())}
    # The fields keep the order of the newer text; rules stand where they always do there.
    order = [*mine, *(name for name in value if name not in mine)]
    return Merged({name: value[name] for name in order if name in value}, ())


def _merge(base: dict[str, Any], theirs: dict[str, Any], mine: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    merged: dict[str, Any] = {}
    overlaps = []
    for name in _in_order(theirs, mine):
        before, one, other = (part.get(name, _ABSENT) for part in (base, theirs, mine))
        if one == other or other == before:
            chosen = one
        elif one == before:
            chosen = other
        else:
            overlaps.append(name)
            continue
        if chosen is not _ABSENT:
            merged[name] = chosen
    return merged, overlaps


def _in_order(theirs: dict[str, Any], mine: dict[str, Any]) -> list[str]:
    """Return all names in the order of `mine`, and what only they have behind what it stands behind at theirs."""
    order = list(mine)
    before = ""
    for name in theirs:
        if name not in mine:
            order.insert(order.index(before) + 1 if before else 0, name)
        before = name
    return order


def _is_readable(value: Any) -> bool:
    rules = value.get("rules") if isinstance(value, dict) else None
    if not isinstance(rules, list) or not all(isinstance(rule, dict) and isinstance(rule.get("id"), str) for rule in rules):
        return False
    return len({rule["id"] for rule in rules}) == len(rules)


def _without_rules(value: dict[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in value.items() if name != "rules"}


def _rules_of(value: dict[str, Any]) -> dict[str, Any]:
    return {rule["id"]: rule for rule in value["rules"]}
