"""Collections that are JSON: lines, one document, an npm attestation response, a PEP 740 provenance object.

An item's bytes are cut out of the file as they stand, never written anew: what was signed inside and what anybody else holds of it keep
one digest. A line loses its end, a document that is the only one loses nothing. Whether an item is evidence is not asked here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from proofs import evidence
from proofs.canonical import parse_json
from proofs.collection.item import MAX_LABEL, Item, is_plain_text
from proofs.errors import Malformed, Refusal, TooLarge

JSON_LINES, ATTESTATION_RESPONSE, PEP740_PROVENANCE = "json-lines", "attestation-response", "pep740-provenance"
# More JSON than this in one document is read by nobody: it would have to be held several times over.
MAX_DOCUMENT_BYTES = 8 * 1024 * 1024
# Members of all documents of one file together, counted by their commas before anything is parsed. An attestation in a collection has about 60.
MAX_MEMBERS = 128 * 1024

_BLANK = b" \t\r\n"
_SPACE = re.compile(r"[ \t\r\n]*")
_BLANKS = re.compile(rb"[ \t\r\n]+")
_DECODER = json.JSONDecoder()


class Room:
    """How many members may still be parsed of one file."""

    def __init__(self, members: int = MAX_MEMBERS) -> None:
        self._left = members

    def takes(self, content: bytes, *, most: int = MAX_MEMBERS) -> bool:
        """Say whether there is room for `content`, and use it where there is."""
        commas = content.count(b",")
        if commas > min(self._left, most):
            return False
        self._left -= commas
        return True


def looks_like_json(content: bytes) -> bool:
    """Say whether the first character that is not blank opens an object or a list."""
    return content.lstrip(_BLANK)[:1] in (b"{", b"[")


def read_documents(content: bytes, *, prefix: str = "", room: Room | None = None) -> tuple[str, Iterator[Item]]:
    """Return the kind and the items of a file of JSON, each named by its place behind `prefix`. Where there is no `room` to parse it, it is lines.

    Never refuses: what cannot be read is an item, for whoever reads items to refuse.
    """
    whole = _parse_whole(content, Room() if room is None else room)
    if isinstance(whole, dict) and "mediaType" not in whole:
        if whole.get("attestations") and isinstance(whole["attestations"], list):
            return ATTESTATION_RESPONSE, _response_items(content.decode("utf-8"), prefix)
        if whole.get("attestation_bundles") and isinstance(whole["attestation_bundles"], list):
            return PEP740_PROVENANCE, _provenance_items(content.decode("utf-8"), prefix)
    if whole is not None:
        return JSON_LINES, iter([Item(prefix or "document", content)])
    return JSON_LINES, _lines(content, prefix)


def _parse_whole(content: bytes, room: Room) -> Any:
    """Return the one value the bytes are, or None when they are lines. Lines are known by the first one being a value by itself."""
    first, _, rest = content.lstrip(_BLANK).partition(b"\n")
    if rest.strip(_BLANK) and room.takes(first, most=evidence.MAX_MEMBERS) and _parses(first):
        return None
    if len(content) > MAX_DOCUMENT_BYTES or not room.takes(content):
        return None
    try:
        return parse_json(content)
    except Refusal:
        return None


def _parses(line: bytes) -> bool:
    try:
        parse_json(line)
    except Refusal:
        return False
    return True


def _lines(content: bytes, prefix: str) -> Iterator[Item]:
    start, number = 0, 0
    while start < len(content):
        # Blank lines cost their sender nothing, so a whole run of them is one step. Blanks before a line's first character are its own.
        if blanks := _BLANKS.match(content, start):
            after = content.rfind(b"\n", start, blanks.end()) + 1
            number += content.count(b"\n", start, after) if after else 0
            start = max(start, after)
        end = content.find(b"\n", start)
        end = len(content) if end < 0 else end
        number += 1
        line = content[start:end].removesuffix(b"\r")
        start = end + 1
        if line.strip(_BLANK):
            yield Item(_place(prefix, f"line {number}"), line)


def _response_items(text: str, prefix: str) -> Iterator[Item]:
    """Cut out the bundles of `{"attestations": [{"predicateType": …, "bundle": {…}}]}`."""
    for number, (start, end) in enumerate(_elements(text, _members(text, 0)["attestations"][0]), start=1):
        name = _place(prefix, f"attestation {number}")
        value = json.loads(text[start:end])
        if not isinstance(value, dict) or not isinstance(value.get("bundle"), dict):
            yield _refused(name, "got an entry without a bundle, expected an object with predicateType and bundle")
            continue
        label = value.get("predicateType", "")
        if label != "" and not (isinstance(label, str) and is_plain_text(label, MAX_LABEL)):
            yield _refused(name, f"got the predicateType {str(label)[:80]!r}, expected a text of at most {MAX_LABEL} plain characters")
            continue
        inner_start, inner_end = _members(text, start)["bundle"]
        yield Item(name, text[inner_start:inner_end].encode(), label)


def _provenance_items(text: str, prefix: str) -> Iterator[Item]:
    """Cut out the attestations of `{"version": 1, "attestation_bundles": [{"publisher": …, "attestations": [{…}]}]}`."""
    number = 0
    for start, end in _elements(text, _members(text, 0)["attestation_bundles"][0]):
        value = json.loads(text[start:end])
        if not isinstance(value, dict) or not isinstance(value.get("attestations"), list) or not value["attestations"]:
            number += 1
            yield _refused(_place(prefix, f"attestation {number}"), "got a bundle without a list of attestations, expected one")
            continue
        for inner_start, inner_end in _elements(text, _members(text, start)["attestations"][0]):
            number += 1
            yield Item(_place(prefix, f"attestation {number}"), text[inner_start:inner_end].encode())


def _members(text: str, start: int) -> dict[str, tuple[int, int]]:
    """Return where each value of the object at `start` begins and ends. The text was parsed strictly before."""
    places: dict[str, tuple[int, int]] = {}
    at = _skip(text, text.index("{", start) + 1)
    while text[at] != "}":
        key, at = _DECODER.raw_decode(text, at)
        value_at = _skip(text, _skip(text, at) + 1)
        _, at = _DECODER.raw_decode(text, value_at)
        places[key] = (value_at, at)
        at = _skip(text, at)
        at = _skip(text, at + 1) if text[at] == "," else at
    return places


def _elements(text: str, start: int) -> Iterator[tuple[int, int]]:
    """Yield where each element of the list at `start` begins and ends."""
    at = _skip(text, start + 1)
    while text[at] != "]":
        begin = at
        _, end = _DECODER.raw_decode(text, begin)
        yield begin, end
        at = _skip(text, end)
        at = _skip(text, at + 1) if text[at] == "," else at


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _place(prefix: str, place: str) -> str:
    return f"{prefix}, {place}" if prefix else place


def _refused(name: str, reason: str) -> Item:
    return Item(name, refusal=Malformed("collection.entry_malformed", reason))


def too_large(name: str, limit: int) -> Item:
    """Return the item that stands for one over the limit of bytes."""
    return Item(name, refusal=TooLarge("collection.item_too_large", f"got more than {limit} bytes, expected at most that many in one item"))
