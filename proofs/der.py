"""DER (X.690) read strictly: minimal lengths, exact tags, nothing behind the end. Every byte is either read or refused.

Only what RFC 3161 timestamps need. Verifies nothing.
"""

from __future__ import annotations

from typing import NamedTuple

from proofs.errors import Malformed

INTEGER, BIT_STRING, OCTET_STRING, NULL, OID, UTF8_STRING = 0x02, 0x03, 0x04, 0x05, 0x06, 0x0C
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18
SEQUENCE, SET = 0x30, 0x31
BOOLEAN = 0x01
MAX_ITEMS = 256


def context(number: int, *, constructed: bool = True) -> int:
    """Return the tag of a context-specific element, `[number]` in ASN.1."""
    return (0xA0 if constructed else 0x80) | number


class Element(NamedTuple):
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
        found: list[Element] = []
        position, content, code = 0, self.content, self.code
        size = len(content)
        while position < size:
            # Most are short and their tags too: those are read on the spot, all else and every refusal is left to `_read`.
            end = position + 2 + content[position + 1] if position + 1 < size else size + 1
            if end <= size and content[position + 1] < 0x80 and content[position] & 0x1F != 0x1F:
                found.append(Element(content[position], content[position + 2 : end], content[position:end], code))
                position = end
            else:
                element, position = _read(content, position, code)
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
    element, end = _read(data, 0, code)
    if end != len(data):
        raise Malformed(code, f"got {len(data) - end} bytes behind the end, expected none")
    return element


def _read(data: bytes, begin: int, code: str) -> tuple[Element, int]:
    """Return the element that begins at `begin`, and where it ends."""
    available = len(data)
    if available < begin + 2 or data[begin] & 0x1F == 0x1F:
        raise Malformed(code, "got DER that is cut short or has a long tag")
    length, start = data[begin + 1], begin + 2
    if length & 0x80:
        size = length & 0x7F
        start += size
        length = int.from_bytes(data[begin + 2 : start], "big")
        if not 1 <= size <= 4 or available < start or data[begin + 2] == 0 or length < 0x80:
            raise Malformed(code, "got DER with a length that is not the shortest")
    end = start + length
    if available < end:
        raise Malformed(code, "got DER that is cut short")
    return Element(data[begin], data[start:end], data[begin:end], code), end
