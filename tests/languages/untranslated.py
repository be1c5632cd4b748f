"""Find, in a page written in a pseudo-locale, what nobody translated: words outside of the marks that every translated message carries.

What may stand outside: what is marked as English (signed, kept, or said by a program), names that people gave (`bdi`), times, code, keys
of the keyboard, an option whose words are its value, and the names of languages. Numbers and punctuation are no words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html.parser import HTMLParser

from portal.languages.pseudo import BEGINS, ENDS

ALLOWED = frozenset({"code", "pre", "bdi", "time", "kbd", "script", "style", "textarea"})
VOID = frozenset({"input", "br", "img", "meta", "link", "hr", "rect", "path", "use", "circle", "col", "wbr", "line", "polyline"})
SPOKEN = ("title", "aria-label", "placeholder", "alt", "data-label", "aria-description")
# The product's name, its levels, and what has no other name in any language.
NAMES = frozenset({"Countersign", "API", "JSON", "CSV", "UTC", "English (UK)", "English (US)", "Deutsch"})
MARK = re.compile(f"{re.escape(BEGINS.strip())}|{re.escape(ENDS.strip())}")
A_WORD = re.compile(r"[^\W\d_]{2,}")


class Looker(HTMLParser):
    """Walks a document and keeps every piece of text and every spoken attribute that is neither marked nor allowed."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(convert_charrefs=True)
        self.names = NAMES | set(names)
        self.found: list[str] = []
        self.seen = 0
        self._open: list[tuple[str, bool]] = []
        self._depth = 0
        self._value: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        is_allowed = self._is_allowed or tag in ALLOWED or (given.get("lang") == "en" and tag != "html")
        if not (given.get("lang") == "en" or self._is_allowed):
            for name in SPOKEN if tag not in ALLOWED else ():
                self._look(given.get(name) or "", f"{tag} {name}")
            if tag == "input" and given.get("type") in ("submit", "button", "reset"):
                self._look(given.get("value") or "", "input value")
        if tag == "option":
            self._value = given.get("value")
        if tag not in VOID:
            self._open.append((tag, is_allowed))

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            closed, _ = self._open.pop()
            if closed == tag:
                break

    def handle_data(self, data: str) -> None:
        """Look at one piece of text, of which an earlier piece may have opened the mark and a later one may close it."""
        outside, self._depth = _outside(data, self._depth)
        self.seen += data.count(BEGINS.strip())
        if self._is_allowed or (self._open and self._open[-1][0] == "option" and _plain(outside) == _plain(self._value or "")):
            return
        self._keep(outside, self._open[-1][0] if self._open else "")

    @property
    def _is_allowed(self) -> bool:
        return bool(self._open) and self._open[-1][1]

    def _look(self, value: str, where: str) -> None:
        self._keep(_outside(value, 0)[0], where)

    def _keep(self, words: str, where: str) -> None:
        said = " ".join(words.split())
        for name in sorted(self.names, key=len, reverse=True):
            said = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", " ", said)
        if A_WORD.search(said):
            self.found.append(f"<{where}> {' '.join(words.split())[:160]}")


def find_untranslated(page: str, names: Iterable[str] = ()) -> list[str]:
    """Return what in the page is not translated, each with the element it stands in; `names` are what people called things."""
    looker = Looker(names)
    looker.feed(page)
    looker.close()
    return looker.found


def _outside(text: str, depth: int) -> tuple[str, int]:
    """Return what of a text stands outside of the marks, and how many marks are open after it; a message may hold another one."""
    outside, at = "", 0
    for mark in MARK.finditer(text):
        if depth == 0:
            outside += text[at : mark.start()] + " "
        depth = max(0, depth + (1 if mark[0] == BEGINS.strip() else -1))
        at = mark.end()
    return outside + (text[at:] if depth == 0 else ""), depth


def _plain(words: str) -> str:
    return words.replace("_", " ").strip()
