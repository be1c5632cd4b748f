"""What people and programs write in a request, made fit to be shown to others."""

from __future__ import annotations

import unicodedata

from proofs.errors import Malformed, TooLarge

MAX_TITLE = 200
MAX_NOTE = 2000
MAX_NAME = 300
# Control, format, surrogate and private characters, and the line and paragraph separators that only some readers show as such.
_DECEPTIVE = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def clean_text(unverified_text: str, what: str, limit: int, *, required: bool = False, lines: bool = False) -> str:
    """Normalise text for people: NFC, no control characters (they could hide or reorder what is read), and one line unless `lines` are allowed.

    A title stands in sentences of ours and in mails: a second line of it would look like ours. Refuses with `request.text`.
    """
    text = unicodedata.normalize("NFC", unverified_text).replace("\r\n", "\n").strip()
    if len(text) > limit:
        raise TooLarge("request.text", f"got {len(text)} characters for {what}, expected at most {limit}")
    if required and not text:
        raise Malformed("request.text", f"got nothing for {what}, expected a few words")
    if not lines and len(text.splitlines()) > 1:
        raise Malformed("request.text", f"got several lines for {what}, expected one")
    if any(unicodedata.category(character) in _DECEPTIVE and character != "\n" for character in text):
        raise Malformed("request.text", f"got invisible or control characters in {what}, expected plain text")
    return text
