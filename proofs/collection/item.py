"""What a collection is made of, and how much of it there may be."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from proofs.errors import Malformed, Refusal

MAX_NAME = 200
MAX_LABEL = 300

# Control, format, surrogate and private characters: a name must not read differently from what it is.
_DECEPTIVE = ("Cc", "Cf", "Cs", "Co")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a collection may be and hold."""

    collection_bytes: int = 16 * 1024 * 1024
    item_bytes: int = 1024 * 1024
    total_bytes: int = 64 * 1024 * 1024
    items: int = 1000


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of evidence with its exact bytes, or the refusal that stands in its place.

    `label` is what the container says the evidence is. Nobody signed it: it may differ from the signed predicate type, and only a
    verifier that compares the two can tell.
    """

    name: str
    content: bytes = b""
    label: str = ""
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Collection:
    """The items in the order in which they stand in the file. `kind` is one of the `KINDS` of `proofs.collection.read`."""

    kind: str
    items: tuple[Item, ...]


def is_plain_text(text: str, limit: int) -> bool:
    """Say whether the text has 1 to `limit` characters and none that hides or turns others."""
    return 0 < len(text) <= limit and not any(unicodedata.category(character) in _DECEPTIVE for character in text)


def member_name(name: str) -> str:
    """Return an archive member's name without `./` in front and `/` at the end; empty for the folder itself.

    Refuses with `collection.bad_name` what is absolute, leads out of the folder or deceives a reader.
    """
    plain = name.removeprefix("./").removesuffix("/")
    if plain in ("", "."):
        return ""
    parts = plain.split("/")
    if not is_plain_text(plain, MAX_NAME) or "\\" in plain or ":" in parts[0] or any(part in ("", ".", "..") for part in parts):
        raise Malformed(
            "collection.bad_name", f"got a member named {name[:120]!r}, expected a plain relative path of at most {MAX_NAME} characters"
        )
    return plain
