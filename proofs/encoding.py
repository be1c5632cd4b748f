"""Strict base64 in both alphabets: nothing is skipped, nothing is repaired."""

from __future__ import annotations

import base64
import binascii

import pybase64

from proofs.errors import Malformed

# Up to here the standard library is the quicker of the two; beyond, the other one by up to twenty times.
_SHORT = 256
# How base64 ends after a last group of three bytes, of one, and of two: bits that belong to no byte are zero.
_ENDS = (("",), tuple(f"{last}==" for last in "AQgw"), tuple(f"{last}=" for last in "AEIMQUYcgkosw048"))


def b64_encode(data: bytes) -> str:
    """Return standard base64 with padding."""
    return pybase64.b64encode_as_string(data)


def b64_decode(unverified_text: object, *, code: str, what: str) -> bytes:
    """Decode standard padded base64; refuses with `code` for any other character, padding or type."""
    if not isinstance(unverified_text, str):
        raise Malformed(code, f"got {type(unverified_text).__name__} for {what}, expected base64 text")
    try:
        short = len(unverified_text) <= _SHORT
        decoded = binascii.a2b_base64(unverified_text) if short else pybase64.b64decode(unverified_text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed(code, f"got {what} that is not base64 ({error}), expected standard padded base64") from error
    # The standard library skips what is no base64 and stray bits of the last character. Bytes have one spelling. It has just this many characters,
    # which leaves no room for one that is skipped, and its end has no stray bits and all padding.
    size = len(decoded)
    if len(unverified_text) != (size + 2) // 3 * 4 or not unverified_text.endswith(_ENDS[size % 3]):
        raise Malformed(code, f"got {what} with characters or bits that do not belong there, expected the one spelling of standard base64")
    return decoded


def b64url_encode(data: bytes) -> str:
    """Return URL-safe base64 without padding (RFC 4648 section 5)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def b64url_decode(unverified_text: object, *, code: str, what: str) -> bytes:
    """Decode unpadded URL-safe base64; refuses with `code` for any other character, padding or type."""
    if not isinstance(unverified_text, str) or not unverified_text.isascii() or set(unverified_text) & set("+/=\r\n"):
        raise Malformed(code, f"got {what} that is not base64url, expected unpadded URL-safe base64 text")
    standard = unverified_text.translate(str.maketrans("-_", "+/")) + "=" * (-len(unverified_text) % 4)
    return b64_decode(standard, code=code, what=what)
