"""A policy's value as a form to be shown, and a posted form as a value again. Nothing is refused here: the parser says what is wrong.

A number that is none stays the text somebody typed; a field left empty is left out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext_noop as noop

from approvals.editor.language import AREA, BLOCK, BOUNDS, CHECKS, FLAG, ITEMS, LINES, ROWS, RULES, TOP, WHOLE, Field

MOST_ROWS = 128
_FLAGS = {"true": True, "false": False}


@dataclass(slots=True)
class Shown:
    """One field as the page shows it: what it is, its name in the form, and what stands in it."""

    field: Field
    name: str
    text: str = ""
    texts: list[str] = dataclasses.field(default_factory=list)
    is_none: bool = False
    inside: list[list[Shown]] = dataclasses.field(default_factory=list)

    @property
    def is_set(self) -> bool:
        """Whether anything stands in it."""
        return bool(self.text or any(self.texts) or self.is_none or any(part.is_set for row in self.inside for part in row))


@dataclass(slots=True)
class RuleShown:
    """One rule as a fieldset."""

    number: int
    kind: str
    label: str
    title: str
    fields: list[Shown]
    is_first: bool
    is_last: bool


def show_top(value: dict[str, Any]) -> list[Shown]:
    """Return the fields above the rules."""
    return [_show(each, value.get(each.name), each.name) for each in TOP]


def show_bounds(value: dict[str, Any]) -> list[Shown]:
    """Return the fields of waivers and break-glass."""
    return [_show(each, value.get(each.name), each.name) for each in BOUNDS]


def show_rules(value: dict[str, Any]) -> list[RuleShown]:
    """Return the rules as fieldsets. One of an unknown kind has no fields to fill in."""
    rules = _list_of(value.get("rules"))
    shown = []
    for number, rule in enumerate(rules):
        rule = rule if isinstance(rule, dict) else {}
        kind = str(rule.get("kind", ""))
        label, fields = RULES.get(kind, (kind or noop("Of no kind"), ()))
        parts = [_show(each, rule.get(each.name), f"rules-{number}-{each.name}") for each in fields]
        title = str(rule.get("title", ""))
        shown.append(RuleShown(number, kind, label, title, parts, number == 0, number == len(rules) - 1))
    return shown


def find_unheld(value: dict[str, Any]) -> list[str]:
    """Return the places of a policy that the form has no field for: saving it as a form would lose them."""
    found = [name for name in value if name not in {each.name for each in (*TOP, *BOUNDS)} | {"rules"}]
    found += _unheld_in((*TOP, *BOUNDS), value, "")
    rules = value.get("rules", [])
    if not isinstance(rules, list) or len(rules) > MOST_ROWS:
        return [*found, "rules"]
    for number, rule in enumerate(rules):
        path = f"rules[{number}]"
        kind = rule.get("kind") if isinstance(rule, dict) else None
        if not isinstance(kind, str) or kind not in RULES:
            found.append(path)
            continue
        fields = RULES[kind][1]
        found += [f"{path}.{name}" for name in rule if name not in {"kind", *(each.name for each in fields)}]
        found += _unheld_in(fields, rule, f"{path}.")
    return found


def _unheld_in(fields: Sequence[Field], value: dict[str, Any], prefix: str) -> list[str]:
    found = []
    for each in fields:
        part = value.get(each.name)
        if part is None:
            continue
        path = f"{prefix}{each.name}"
        if each.shape in (ROWS, BLOCK):
            found += _unheld_inside(each, part, path)
        elif each.shape in (ITEMS, CHECKS, LINES):
            is_held = isinstance(part, list) and all(isinstance(item, str) for item in part)
            if not is_held or (each.shape == CHECKS and not set(part) <= set(each.options)):
                found.append(path)
        elif not isinstance(part, bool if each.shape == FLAG else (str, int, float)):
            found.append(path)
    return found


def _unheld_inside(each: Field, part: Any, path: str) -> list[str]:
    if each.shape == BLOCK:
        rows = [(path, part)]
    elif isinstance(part, list) and len(part) < MOST_ROWS:
        rows = [(f"{path}[{number}]", row) for number, row in enumerate(part)]
    else:
        return [path]
    found = []
    for place, row in rows:
        if not isinstance(row, dict):
            found.append(place)
            continue
        found += [f"{place}.{name}" for name in row if name not in {inner.name for inner in each.inside}]
        found += _unheld_in(each.inside, row, f"{place}.")
    return found


def read_posted(post: QueryDict) -> dict[str, Any]:
    """Return the value of a posted form, in the order in which a policy is written, after the button that changes the rules was heeded."""
    value = _read_all(TOP, post, "")
    rules = []
    for number in range(_count(post, "rules-count")):
        kind = post.get(f"rules-{number}-kind", "")
        read = _read_all(RULES.get(kind, ("", ()))[1], post, f"rules-{number}-")
        rules.append({**{name: read.pop(name) for name in ("id",) if name in read}, "kind": kind, **read})
    _heed(post.get("do", ""), rules, post.get("new_kind", ""))
    return {**value, "rules": rules, **_read_all(BOUNDS, post, "")}


def _heed(pressed: str, rules: list[dict[str, Any]], new_kind: str) -> None:
    word, _, rest = pressed.partition("-")
    if word == "add" and new_kind in RULES:
        taken = {rule.get("id") for rule in rules}
        free = next(name for number in range(1, len(rules) + 2) if (name := f"{new_kind}-{number}") not in taken)
        rules.append({"id": free, "kind": new_kind, "title": RULES[new_kind][0]})
    number = int(rest) if rest.isascii() and rest.isdigit() and len(rest) < 6 else -1
    if not 0 <= number < len(rules):
        return
    if word == "remove":
        del rules[number]
    elif word == "up" and number > 0:
        rules[number - 1], rules[number] = rules[number], rules[number - 1]
    elif word == "down" and number + 1 < len(rules):
        rules[number + 1], rules[number] = rules[number], rules[number + 1]


def _show(each: Field, value: Any, name: str) -> Shown:
    shown = Shown(each, name)
    match each.shape:
        case "rows":
            rows = [row if isinstance(row, dict) else {} for row in _list_of(value)]
            # One more than there are, to be filled in.
            for number, row in enumerate([*rows, {}]):
                shown.inside.append([_show(part, row.get(part.name), f"{name}-{number}-{part.name}") for part in each.inside])
        case "block":
            block = value if isinstance(value, dict) else {}
            shown.inside.append([_show(part, block.get(part.name), f"{name}-{part.name}") for part in each.inside])
        case "items" | "checks":
            shown.texts = [_text_of(item) for item in _list_of(value)] + ([""] if each.shape == ITEMS else [])
        case "lines":
            shown.text = "\n".join(_text_of(item) for item in _list_of(value))
            shown.is_none = value == [] and each.may_be_none
        case _:
            shown.text = _text_of(value)
    return shown


def _read_all(fields: Sequence[Field], post: QueryDict, prefix: str) -> dict[str, Any]:
    read = {each.name: _read(each, post, f"{prefix}{each.name}") for each in fields}
    return {name: value for name, value in read.items() if value is not None}


def _read(each: Field, post: QueryDict, name: str) -> Any:
    """Return what stands in a posted field, or None where it is empty."""
    given = post.get(name, "").replace("\r\n", "\n")
    if each.shape == ROWS:
        rows = [_read_all(each.inside, post, f"{name}-{number}-") for number in range(_count(post, f"{name}-count"))]
        return [row for row in rows if row] or None
    if each.shape == BLOCK:
        return _read_all(each.inside, post, f"{name}-") or None
    if each.shape in (ITEMS, CHECKS):
        return [item.strip() for item in post.getlist(name) if item.strip()] or None
    if each.shape == LINES:
        lines = [line.strip() for line in given.split("\n") if line.strip()]
        return lines or ([] if f"{name}-none" in post else None)
    if each.shape == FLAG:
        return _FLAGS.get(given, given.strip() or None)
    if each.shape == WHOLE and given.strip().isascii() and given.strip().isdigit() and len(given.strip()) < 16:
        return int(given.strip())
    # The end of the last line is part of a text of several lines, and so of what is stored.
    return given if each.shape == AREA and given.strip() else given.strip() or None


def _count(post: QueryDict, name: str) -> int:
    given = post.get(name, "")
    return min(int(given), MOST_ROWS) if given.isascii() and given.isdigit() and len(given) < 6 else 0


def _list_of(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text_of(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (str, int, float)) else ""
