"""Printing text that came from elsewhere: what could move the cursor or hide words is shown as its code instead."""

from __future__ import annotations

import sys
import unicodedata


def plain(text: str) -> str:
    """Return `text` with control, format and unassigned characters written as U+XXXX."""
    return "".join(f"<U+{ord(character):04X}>" if unicodedata.category(character).startswith("C") else character for character in text)


def say(line: str = "") -> None:
    """Print one line, also where the terminal cannot show all of its letters."""
    encoding = sys.stdout.encoding or "utf-8"
    print(line.encode(encoding, errors="backslashreplace").decode(encoding))
