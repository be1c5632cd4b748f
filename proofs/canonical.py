"""The one way to turn a value into bytes to be signed, and the one way back.

Writing follows RFC 8785 (JCS). Reading is strict: UTF-8 only, no duplicate keys, no floats in canonical documents,
bounded depth. Reading does not check any schema; the caller does.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from typing import Any

import rfc8785

from proofs.errors import Malformed, TooLarge

MAX_DEPTH = 64
MAX_INTEGER = 2**53 - 1
# Digits of an integer that is read at all: turning digits into a number costs the square of how many there are.
MAX_DIGITS = 64
# Empty objects are the dearest JSON there is, byte by byte. Real documents hold fewer of them: this many, or one for so many bytes.
MAX_PARTS, BYTES_A_PART = 16 * 1024, 32

# By its SHA-256, what was found to be in canonical form: one answer reads the same documents many times, and writing each anew to compare
# costs more than reading it. The oldest give way.
MOST_KEPT = 4096
_CANONICAL: dict[bytes, None] = {}

# Half of a surrogate pair can only come from an escape like this one.
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_SHORT = 2048
_TEXT = frozenset({str})
# Half of a surrogate pair, or a character that the two orders may put elsewhere.
_MAY_DIFFER = re.compile("[\ud800-\U0010ffff]")
_ENCODER = json.JSONEncoder(ensure_ascii=False, check_circular=False, sort_keys=True, separators=(",", ":"))
_NO_BRACKET = bytes(sorted(set(range(256)) - set(b"[]{}")))


def canonical_bytes(value: Any) -> bytes:
    """Return the RFC 8785 bytes of `value` (dict, list, str, int, bool or None; no floats).

    Refuses with `json.float` or `json.unrepresentable` for what has no canonical form.
    """
    plain = _write_plain(value)
    if plain is not None:
        return plain
    _refuse_floats(value)
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError as error:
        raise Malformed("json.unrepresentable", f"the value has no canonical JSON form: {error}") from error


def parse_json(unverified_bytes: bytes, *, allow_floats: bool = True, max_members: int | None = None) -> Any:
    """Parse JSON strictly: UTF-8, no duplicate keys, no NaN, no number beyond every float, no integer of more than `MAX_DIGITS` digits, no half of a
    surrogate pair, at most `MAX_DEPTH` levels, and not more objects and lists than a document of its size has. `max_members` limits what stands in all of them together, for
    who knows how little a genuine document has.

    Refuses with `json.too_deep`, `json.too_many_parts`, `json.duplicate_key`, `json.float` or `json.invalid`. Does not check any schema.
    """
    _refuse_depth(unverified_bytes)
    # A member takes two bytes at least, so short documents need no counting.
    if max_members is not None and len(unverified_bytes) > 2 * max_members and unverified_bytes.count(b",") > max_members:
        _refuse_members(unverified_bytes, max_members)
    try:
        value = (_DECODER if allow_floats else _DECODER_WITHOUT_FLOATS).decode(unverified_bytes.decode("utf-8"))
        # Most documents hold no backslash at all, which is told many times sooner than that they hold no such pair.
        if b"\\" in unverified_bytes and b"\\u" in unverified_bytes and _SURROGATE.search(unverified_bytes):
            _refuse_lone_surrogates(value)
        return value
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise Malformed("json.invalid", f"got bytes that are not JSON ({error}), expected UTF-8 JSON") from error


def parse_canonical(unverified_bytes: bytes) -> Any:
    """Parse a document that must be its own RFC 8785 form, byte for byte (kills parser-differential attacks).

    Refuses as `parse_json` does, and with `json.not_canonical` when the bytes are not the canonical form.
    """
    value = parse_json(unverified_bytes, allow_floats=False)
    digest = hashlib.sha256(unverified_bytes).digest()
    if digest in _CANONICAL:
        return value
    if canonical_bytes(value) != unverified_bytes:
        raise Malformed("json.not_canonical", "got JSON that is not in canonical form, expected the RFC 8785 bytes")
    while len(_CANONICAL) >= MOST_KEPT:
        _CANONICAL.pop(next(iter(_CANONICAL), digest), None)
    _CANONICAL[digest] = None
    return value


def _write_plain(value: Any) -> bytes | None:
    """Return the canonical bytes of a value in which Python's own encoder and RFC 8785 cannot differ; None for any other.

    They can in how keys are sorted (by code point here, by UTF-16 unit there), which characters from U+E000 on can show; in numbers that
    are too long; and in what is no plain JSON value. The encoder takes a quarter of the time, and most of what is signed here is plain.
    """
    stack: list[Any] = [(value,)]
    while stack:
        members = stack.pop()
        if type(members) is dict:
            if not _TEXT.issuperset(map(type, members)):
                return None
            members = members.values()
        for member in members:
            kind = type(member)
            if kind is dict or kind is list or kind is tuple:
                stack.append(member)
            elif kind is int:
                if not -MAX_INTEGER <= member <= MAX_INTEGER:
                    return None
            elif kind is not str and kind is not bool and member is not None:
                return None
    text = _ENCODER.encode(value)
    return None if not text.isascii() and _MAY_DIFFER.search(text) else text.encode()


def _unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        # One pass, however many there are: the doubled key may be the last of a hundred thousand.
        seen: set[str] = set()
        doubled = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise Malformed("json.duplicate_key", f"got the key {doubled[:80]!r} twice in one object, expected it once")
    return result


def _refuse_lone_surrogates(value: Any) -> None:
    # JSON can escape half a surrogate pair; such text has no UTF-8 form, so it could be neither hashed nor stored later.
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            item.encode("utf-8")
        elif isinstance(item, dict):
            stack.extend(item.keys())
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)


def _refuse_number(text: str) -> Any:
    raise Malformed("json.float", f"got the number {text[:40]}, expected an integer below 2^53")


def _short(text: str) -> int:
    if len(text) > MAX_DIGITS and len(text.lstrip("-")) > MAX_DIGITS:
        raise Malformed("json.invalid", f"got an integer of {len(text)} digits, expected at most {MAX_DIGITS}")
    return int(text)


def _finite(text: str) -> float:
    # What is too large for a float is read as infinity, which JSON has no number for either.
    number = float(text)
    if math.isinf(number):
        raise Malformed("json.float", f"got the number {text[:40]}, expected one that is finite")
    return number


def _refuse_floats(value: Any) -> None:
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, float):
            raise Malformed("json.float", f"got the number {item}, expected an integer below 2^53")
        if isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, list | tuple):
            stack.extend(item)


def _refuse_depth(unverified_bytes: bytes) -> None:
    # What has few brackets cannot be deep, wherever they stand; nearly everything real ends here.
    if _has_at_most(unverified_bytes, b"[", MAX_DEPTH // 2) and _has_at_most(unverified_bytes, b"{", MAX_DEPTH // 2):
        return
    brackets = _outside_strings(unverified_bytes).translate(None, _NO_BRACKET)
    parts, most = brackets.count(b"[") + brackets.count(b"{"), max(MAX_PARTS, len(unverified_bytes) // BYTES_A_PART)
    depth = 0
    # What has too many parts is refused anyway; only its beginning is looked at, to say so where it is deep as well.
    for bracket in brackets if parts <= most else brackets[: 2 * MAX_DEPTH]:
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            raise TooLarge("json.too_deep", f"got JSON nested deeper than {MAX_DEPTH} levels")
    if parts > most:
        raise TooLarge("json.too_many_parts", f"got JSON of {parts} objects and lists, expected at most {most} for its size")


def _refuse_members(unverified_bytes: bytes, most: int) -> None:
    members = _outside_strings(unverified_bytes).count(b",")
    if members > most:
        raise TooLarge("json.too_many_parts", f"got JSON of more than {members} members, expected at most {most}")


def _outside_strings(unverified_bytes: bytes) -> bytes:
    # Without its escapes, every second piece between quotes is a string; a quote too few or too many leaves one without an end.
    pieces = unverified_bytes.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')
    if len(pieces) % 2 == 0:
        raise Malformed("json.invalid", "got a JSON string without an end, expected UTF-8 JSON")
    return b"".join(pieces[::2])


def _has_at_most(unverified_bytes: bytes, bracket: bytes, most: int) -> bool:
    if len(unverified_bytes) <= _SHORT:
        return unverified_bytes.count(bracket) <= most
    # Each search runs at the speed of memory and there are few; in what is long, counting them all is slower by far.
    position = unverified_bytes.find(bracket)
    while position >= 0 and most > 0:
        position = unverified_bytes.find(bracket, position + 1)
        most -= 1
    return position < 0


# Made once: the standard library makes one for every call that has hooks.
_DECODER = json.JSONDecoder(object_pairs_hook=_unique_pairs, parse_constant=_refuse_number, parse_float=_finite, parse_int=_short)
_DECODER_WITHOUT_FLOATS = json.JSONDecoder(
    object_pairs_hook=_unique_pairs, parse_constant=_refuse_number, parse_float=_refuse_number, parse_int=_short
)
