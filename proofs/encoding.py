"""Strict base64 in both alphabets: nothing is skipped, nothing is repaired."""

from __future__ import annotations

import base64
import binascii

from proofs.errors import Malformed


def b64_encode(data: bytes) -> str:
    """Return standard base64 with padding."""
    return base64.b64encode(data).decode()


def b64_decode(unverified_text: object, *, code: str, what: str) -> bytes:
    """Decode standard padded base64; refuses with `code` for any other character, padding or type."""
    if not isinstance(unverified_text, str):
        raise Malformed(code, f"got {type(unverified_text).__name__} for {what}, expected base64 text")
    try:
        encoded = unverified_text.encode("ascii")
        decoded = binascii.a2b_base64(encoded)
    except (binascii.Error, ValueError) as error:
        raise Malformed(code, f"got {what} that is not base64 ({error}), expected standard padded base64") from error
    # The library skips what is no base64 and stray bits of the last character. Bytes have one spelling, and only that one comes back.
    if binascii.b2a_base64(decoded, newline=False) != encoded:
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
