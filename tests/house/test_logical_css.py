"""Pages run from left to right and from right to left: the style sheets name no side of the screen, only where a line begins and ends."""

from __future__ import annotations

import re

import pytest

from tests.live import ROOT

SHEETS = sorted((ROOT / "static" / "css").glob("*.css"))
PHYSICAL = re.compile(
    r"\b(?:margin|padding|border)-(?:left|right)\b|(?:^|[;{\s])(?:left|right)\s*:|\b(?:text-align|float|clear)\s*:\s*(?:left|right)\b"
)


def test_no_sheet_names_a_side() -> None:
    assert len(SHEETS) > 15
    found = {sheet.name: PHYSICAL.findall(sheet.read_text(encoding="utf-8")) for sheet in SHEETS}
    assert {name: sides for name, sides in found.items() if sides} == {}


def test_no_shorthand_is_wider_on_one_side() -> None:
    assert {
        sheet.name: lopsided(sheet.read_text(encoding="utf-8")) for sheet in SHEETS if lopsided(sheet.read_text(encoding="utf-8"))
    } == {}
    assert lopsided("a { padding: 0 7px 0 5px } b { margin: 1px 2px 3px 2px } c { inset: 0 }") == ["padding: 0 7px 0 5px"]


def lopsided(sheet: str) -> list[str]:
    """Return the shorthands of four values whose second, the right, is not the fourth, the left."""
    found = re.finditer(r"\b(?:margin|padding|inset)\s*:\s*([^\s;}]+)\s+([^\s;}]+)\s+([^\s;}]+)\s+([^\s;}]+)\s*(?=[;}])", sheet)
    return [" ".join(shorthand[0].split()) for shorthand in found if shorthand[2] != shorthand[4]]


@pytest.mark.parametrize("physical", ["margin-left: 4px", "a { left: 0 }", "padding-right: 1em", "text-align: right", "border-left: 0"])
def test_a_side_is_found(physical: str) -> None:
    assert PHYSICAL.search(physical)


@pytest.mark.parametrize(
    "logical", ["margin-inline-start: 4px", "inset-inline: 0", "text-align: start", "--left: 3", "border-start-start-radius: 2px"]
)
def test_where_a_line_begins_is_no_side(logical: str) -> None:
    assert not PHYSICAL.search(logical)
