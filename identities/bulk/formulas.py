"""Cells that no spreadsheet runs: an apostrophe before what begins a formula makes it text, and is taken off again when it comes back.

A formula also begins after `;`, a tab or a line's end, because a spreadsheet may split there whatever stands in quotes.
"""

from __future__ import annotations

import re

_PLACE, _BEGINS = r"(^|[;\t\r\n])( *)", "('*[=+\\-@\uff1d\uff0b\uff0d\uff20])"
_FORMULA = re.compile(_PLACE + _BEGINS)
_DISARMED = re.compile(_PLACE + "'" + _BEGINS)


def disarm(cell: str) -> str:
    """Return the cell with an apostrophe before whatever may begin a formula."""
    return _FORMULA.sub(r"\1\2'\3", cell)


def rearm(cell: str) -> str:
    """Return what `disarm` was given."""
    return _DISARMED.sub(r"\1\2\3", cell)


def disarm_key(pem: str) -> str:
    """Return a public key in PEM with an apostrophe before it; its lines are base64, which is no formula that does anything."""
    return f"'{pem}" if pem.startswith("-") else disarm(pem)
