"""Two made-up languages that show what is not translated and what a longer word breaks: en-XA, and ar-XB, which runs from right to left.

Whatever a catalogue has a German word for comes out between `[!!!` and `!!!]`, forty per cent longer, its placeholders as they were;
whatever no catalogue knows comes out as it stands in the code. For tests and for people who write pages; nobody is offered either.
"""

from __future__ import annotations

import math
from itertools import cycle

from django.utils.translation import trans_real

BEGINS, ENDS = "[!!! ", " !!!]"
LONGER = 0.4
# Words, so that lines break between them as they do in any language.
FILLING = ("lorem", "ipsum", "dolor", "amet")
CONTEXT_ENDS = "\x04"
LEFT_TO_RIGHT, RIGHT_TO_LEFT = "en-xa", "ar-xb"
CODES = (LEFT_TO_RIGHT, RIGHT_TO_LEFT)


def stretched(message: str) -> str:
    """Return a message between the marks, with filling after it that makes it forty per cent longer."""
    wanted, filling = math.ceil(len(message) * LONGER), ""
    words = cycle(FILLING)
    while len(filling) < wanted:
        filling = f"{filling} {next(words)}"
    return f"{BEGINS}{message}{filling[: max(wanted, 2)].rstrip()}{ENDS}"


class PseudoTranslation:
    """Answers what Django asks a catalogue, from the messages that German has a translation for."""

    def __init__(self, code: str) -> None:
        self._code = code
        self._known = trans_real.DjangoTranslation("de")

    def gettext(self, message: str) -> str:
        """Return the message stretched where it is known; as it is where it is not. Django puts a context before the message."""
        return stretched(message.rpartition(CONTEXT_ENDS)[2]) if self._is_known(message) else message

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        """Return the form for the number, as English chooses it."""
        chosen = singular if number == 1 else plural
        return stretched(chosen) if self._is_known((singular, 0)) else chosen

    def pgettext(self, context: str, message: str) -> str:
        """Return the message of a context."""
        return stretched(message) if self._is_known(f"{context}{CONTEXT_ENDS}{message}") else message

    def npgettext(self, context: str, singular: str, plural: str, number: int) -> str:
        """Return the form for the number, of a context."""
        chosen = singular if number == 1 else plural
        return stretched(chosen) if self._is_known((f"{context}{CONTEXT_ENDS}{singular}", 0)) else chosen

    def language(self) -> str:
        """Return the code."""
        return self._code

    def to_language(self) -> str:
        """Return the code, under the name that Django asks for it."""
        return self._code

    def _is_known(self, key: object) -> bool:
        return self._known._catalog.get(key) is not None  # type: ignore[attr-defined]


def install() -> None:
    """Have Django find both languages when one of them is activated; without this, neither exists."""
    for code in CODES:
        trans_real._translations[code] = PseudoTranslation(code)  # type: ignore[attr-defined]
