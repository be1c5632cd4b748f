"""The words of a comparison: an area with what changed in it, and a signal that somebody has to see."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.statement import is_plain_name

SAME, CHANGED, NEW, UNKNOWN = "same", "changed", "new", "unknown"
HIGH, MEDIUM, NOTICE, NONE = "high", "medium", "notice", "none"
SEVERITIES = (HIGH, MEDIUM, NOTICE, NONE)
BLOCK, ACK, NOTE = "block", "ack", "notice"
LEVELS = (BLOCK, ACK, NOTE)
# What the areas are called on pages and in text.
AREA_WORDS = {
    "source": "Source",
    "builder": "Builder",
    "inputs": "Inputs",
    "packages": "Dependencies",
    "signer": "Signers",
    "identities": "Identities",
    "secrets": "Secrets",
    "policy": "Policy",
    "vulnerabilities": "Vulnerabilities",
    "plan": "Plan",
    "tests": "Tests",
    "agent": "Agent",
    "rotation": "Rotation",
}
MAX_ITEMS = 60
MAX_WORDS = 300

# Greek, Cyrillic, Armenian, Cherokee, Coptic and wide letters look like Latin ones; in one word with them they stand for nothing else.
_LATIN, _OTHERS = re.compile("[A-Za-z]"), re.compile("[\u0370-\u058f\u13a0-\u13ff\u2c80-\u2cff\uab70-\uabbf\uff21-\uff5a]")
_LETTERS = re.compile("[A-Za-z\u00c0-\u058f\u13a0-\u13ff\u2c80-\u2cff\uab70-\uabbf\uff21-\uff5a]+")
MIXED = "letters of two alphabets"

ADDED, REMOVED, UP, DOWN, OTHER = "added", "removed", "upgraded", "downgraded", "changed"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is otherwise than before: what became of it, and what it is."""

    change: str
    words: str

    def as_dict(self) -> dict[str, str]:
        """Return it as it stands in a snapshot."""
        return {"change": self.change, "words": plain(self.words)}


@dataclass(frozen=True, slots=True)
class Area:
    """One row of the table: the area, its state, how grave it is, a token of a few words, a sentence, and each change."""

    area: str
    state: str
    severity: str
    token: str
    sentence: str
    changes: Sequence[Change] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as it stands in a snapshot: of many changes the first `MAX_ITEMS`, and how many more there are."""
        return {
            "area": self.area,
            "state": self.state,
            "severity": self.severity,
            "token": plain(self.token),
            "sentence": plain(self.sentence, 600),
            "changes": [change.as_dict() for change in self.changes[:MAX_ITEMS]],
            "more": max(0, len(self.changes) - MAX_ITEMS),
        }


@dataclass(frozen=True, slots=True)
class Signal:
    """Something about this one request that an approver has to see: its id, its level, a sentence, and the words of its checkbox.

    `about` is what it is about (a program, a package), so that the same thing can be told from another of its kind.
    """

    id: str
    level: str
    area: str
    sentence: str
    agree: str = ""
    about: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it as it stands in a snapshot, but for whether it is asked."""
        return {
            "id": self.id,
            "level": self.level,
            "area": self.area,
            "sentence": plain(self.sentence, 600),
            "agree": plain(self.agree),
            "about": plain(self.about),
        }


def signal_digest(signal: Mapping[str, Any]) -> str:
    """Return the SHA-256 (hex) of a signal as a snapshot holds it: what somebody acknowledged cannot get other words later."""
    return sha256_hex(canonical_bytes(dict(signal)))


def same(area: str, sentence: str, *, mark: str = "No change") -> Area:
    """Return an area in which nothing is otherwise."""
    return Area(area, SAME, NONE, mark, sentence)


def unknown(area: str, sentence: str) -> Area:
    """Return an area of which the evidence says nothing."""
    return Area(area, UNKNOWN, NONE, "Not known", sentence)


def plain(words: str, limit: int = MAX_WORDS) -> str:
    """Return words that may hold text from evidence, shortened, without what nobody sees, and with a mark where a word only looks like another."""
    shown = "".join(letter if is_plain_name(letter) else "�" for letter in words)
    if not shown.isascii():
        shown = _LETTERS.sub(_marked, shown)
    return shown if len(shown) <= limit else f"{shown[: limit - 1]}…"


def _marked(found: re.Match[str]) -> str:
    word = found[0]
    return f"{word} ({MIXED})" if _LATIN.search(word) and _OTHERS.search(word) else word


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listed(names: Sequence[str], most: int = 3, word: str = "and") -> str:
    """Return a few names as a sentence lists them, and how many more there are."""
    shown = list(names[:most])
    if len(names) > most:
        return f"{', '.join(shown)} {word} {len(names) - most:,} more"
    return f" {word} ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))


def series(clauses: Sequence[str], most: int = 3) -> str:
    """Return names or clauses as `listed` does, with semicolons where a comma or an "and" within one would blur where it ends."""
    if len(clauses) < 2 or not any(", " in clause or " and " in clause for clause in clauses):
        return listed(clauses, most)
    more = [f"and {len(clauses) - most:,} more"] if len(clauses) > most else []
    return "; ".join([*clauses[:most], *more])


def grouped(*groups: tuple[str, Sequence[str]]) -> str:
    """Return one short sentence a group: its heading and what stands under it; nothing for a group that is empty."""
    return " ".join(f"{heading}: {series(found)}." for heading, found in groups if found)


def either(number: int, one: str, many: str) -> str:
    """Return the word that goes with so many."""
    return one if number == 1 else many
