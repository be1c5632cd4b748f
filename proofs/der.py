"""DER (X.690) read strictly: minimal lengths, exact tags, nothing behind the end. Every byte is either read or refused.

Only what RFC 3161 timestamps need. Verifies nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from proofs.errors import Malformed

INTEGER, BIT_STRING, OCTET_STRING, NULL, OID, UTF8_STRING = 0x02, 0x03, 0x04, 0x05, 0x06, 0x0C
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18
SEQUENCE, SET = 0x30, 0x31
BOOLEAN = 0x01
MAX_ITEMS = 256


def context(number: int, *, constructed: bool = True) -> int:
    """Return the tag of a context-specific element, `[number]` in ASN.1."""
    return (0xA0 if constructed else 0x80) | number


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its tag, its content, and its whole encoding."""

    tag: int
    content: bytes
    encoded: bytes
    code: str

    def refuse(self, reason: str) -> Malformed:
        """Return the refusal, with the caller's code, for this element."""
        return Malformed(self.code, reason)

    def demand(self, tag: int, what: str) -> Element:
        """Return this element when it has `tag`; refuse otherwise."""
        if self.tag != tag:
            raise self.refuse(f"got tag 0x{self.tag:02x} for {what}, expected 0x{tag:02x}")
        return self

    def children(self) -> list[Element]:
        """Return the elements this one consists of, all of its content."""
        found, rest = [], self.content
        while rest:
            element, rest = _read(rest, self.code)
            found.append(element)
            if len(found) > MAX_ITEMS:
                raise self.refuse(f"got more than {MAX_ITEMS} elements in one")
        return found

    def integer(self, what: str) -> int:
        """Return the value of an INTEGER in its shortest form."""
        content = self.demand(INTEGER, what).content
        if not content or (len(content) > 1 and content[0] in (0x00, 0xFF) and (content[0] ^ content[1]) < 0x80):
            raise self.refuse(f"got {what} that is not a shortest integer")
        return int.from_bytes(content, "big", signed=True)


def read_der(data: bytes, *, code: str) -> Element:
    """Read the one element that `data` is; refuses with `code`."""
    element, rest = _read(data, code)
    if rest:
        raise Malformed(code, f"got {len(rest)} bytes behind the end, expected none")
    return element


def _read(data: bytes, code: str) -> tuple[Element, bytes]:
    if len(data) < 2 or data[0] & 0x1F == 0x1F:
        raise Malformed(code, "got DER that is cut short or has a long tag")
    length, start = data[1], 2
    if length & 0x80:
        size = length & 0x7F
        start = 2 + size
        length = int.from_bytes(data[2:start], "big")
        if not 1 <= size <= 4 or len(data) < start or data[2] == 0 or length < 0x80:
            raise Malformed(code, "got DER with a length that is not the shortest")
    if len(data) < start + length:
        raise Malformed(code, "got DER that is cut short")
    end = start + length
    return Element(data[0], data[start:end], data[:end], code), data[end:]
