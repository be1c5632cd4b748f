"""Reading the objects of a signed document field by field: the wanted type or a refusal that names the place.

Texts are checked for what would deceive a reader (control characters, direction overrides, unnormalised letters).
Whether the values are true is for the caller to decide.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from datetime import datetime
from typing import Any, NoReturn

from proofs.canonical import MAX_INTEGER
from proofs.encoding import b64_decode, b64url_decode
from proofs.errors import Malformed
from proofs.moment import parse_moment

MAX_TEXT = 1000

_SHA256 = re.compile(r"[0-9a-f]{64}")
# Control, format, surrogate and private characters: they can hide letters or make a line read differently from what it says.
_DECEPTIVE = ("Cc", "Cf", "Cs", "Co")


class Fields:
    """One JSON object being read. Every refusal has the code given here and the path of the field."""

    __slots__ = ("_code", "_path", "_value")

    def __init__(self, value: object, *, path: str, code: str) -> None:
        if not isinstance(value, dict):
            raise Malformed(code, f"got {type(value).__name__} for {path}, expected an object", path=path)
        self._value, self._path, self._code = value, path, code

    def refuse(self, name: str, expected: str) -> NoReturn:
        """Refuse the field `name`, saying what was expected."""
        got = self._value.get(name, "nothing")
        place = f"{self._path}.{name}"
        raise Malformed(self._code, f"got {str(got)[:80]!r} for {place}, expected {expected}", path=place)

    def only(self, *known: str) -> Fields:
        """Return self when the object has no field but `known`."""
        for name in self._value:
            if name not in known:
                unknown = f"{self._path}.{name[:60]}"
                raise Malformed(self._code, f"got the unknown field {unknown}, expected only {', '.join(known)}", path=unknown)
        return self

    def has(self, name: str) -> bool:
        """Return whether the field is there and not null."""
        return self._value.get(name) is not None

    @property
    def path(self) -> str:
        """The place of the object in its document."""
        return self._path

    @property
    def value(self) -> dict[str, Any]:
        """The object itself."""
        return self._value

    def raw(self, name: str) -> object:
        """Return the field as it is."""
        return self._value.get(name)

    def text(self, name: str, *, limit: int = MAX_TEXT, empty: bool = False, lines: bool = False) -> str:
        """Return a text of at most `limit` characters in NFC, without control or direction characters (`lines` allows newlines)."""
        value = self._value.get(name)
        if not isinstance(value, str) or len(value) > limit or not (value or empty):
            self.refuse(name, f"a text of {0 if empty else 1} to {limit} characters")
        for character in value:
            if unicodedata.category(character) in _DECEPTIVE and not (lines and character == "\n"):
                self.refuse(name, f"a text without control or invisible characters, not with U+{ord(character):04X}")
        if not unicodedata.is_normalized("NFC", value):
            self.refuse(name, "a text in Unicode normal form C")
        return value

    def optional_text(self, name: str, *, limit: int = MAX_TEXT) -> str | None:
        """Return the text, or None where the field is missing or null."""
        return self.text(name, limit=limit) if self.has(name) else None

    def choice(self, name: str, options: Collection[str]) -> str:
        """Return the text when it is one of `options`."""
        value = self._value.get(name)
        if not isinstance(value, str) or value not in options:
            self.refuse(name, f"one of {', '.join(sorted(options))}")
        return value

    def integer(self, name: str, *, low: int, high: int = MAX_INTEGER) -> int:
        """Return the whole number when it lies in [low, high]."""
        value = self._value.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            self.refuse(name, f"a whole number from {low} to {high}")
        return value

    def flag(self, name: str) -> bool:
        """Return true or false."""
        value = self._value.get(name)
        if not isinstance(value, bool):
            self.refuse(name, "true or false")
        return value

    def time(self, name: str) -> datetime:
        """Return the time."""
        return parse_moment(self._value.get(name), code=self._code, what=f"{self._path}.{name}")

    def optional_time(self, name: str) -> datetime | None:
        """Return the time, or None where the field is missing or null."""
        return self.time(name) if self.has(name) else None

    def sha256(self, name: str = "digest") -> str:
        """Return the hex of a digest object that holds exactly one SHA-256."""
        value = self._value.get(name)
        hex_text = value.get("sha256") if isinstance(value, dict) and len(value) == 1 else None
        if not isinstance(hex_text, str) or not _SHA256.fullmatch(hex_text):
            self.refuse(name, "an object with one sha256 of 64 lowercase hex characters")
        return hex_text

    def hex_sha256(self, name: str) -> str:
        """Return a SHA-256 written as plain hex."""
        value = self._value.get(name)
        if not isinstance(value, str) or not _SHA256.fullmatch(value):
            self.refuse(name, "64 lowercase hex characters")
        return value

    def base64(self, name: str) -> bytes:
        """Return the bytes of standard base64."""
        return b64_decode(self._value.get(name), code=self._code, what=f"{self._path}.{name}")

    def base64url(self, name: str) -> bytes:
        """Return the bytes of unpadded URL-safe base64."""
        return b64url_decode(self._value.get(name), code=self._code, what=f"{self._path}.{name}")

    def fields(self, name: str) -> Fields:
        """Return the object inside."""
        return Fields(self._value.get(name), path=f"{self._path}.{name}", code=self._code)

    def each(self, name: str, *, low: int = 0, high: int = 1024) -> list[Fields]:
        """Return the objects of a list that has from `low` to `high` of them."""
        items = self._list(name, low, high)
        return [Fields(item, path=f"{self._path}.{name}[{index}]", code=self._code) for index, item in enumerate(items)]

    def texts(self, name: str, *, low: int = 0, high: int = 64, limit: int = MAX_TEXT) -> tuple[str, ...]:
        """Return the texts of a list that has from `low` to `high` of them, none twice, each of at most `limit` characters."""
        items = self._list(name, low, high)
        read = tuple(Fields({"item": item}, path=f"{self._path}.{name}", code=self._code).text("item", limit=limit) for item in items)
        if len(set(read)) != len(read):
            self.refuse(name, "no item twice")
        return read

    def _list(self, name: str, low: int, high: int) -> list[object]:
        value = self._value.get(name)
        if not isinstance(value, list) or not low <= len(value) <= high:
            self.refuse(name, f"a list of {low} to {high} items")
        return value
