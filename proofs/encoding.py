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
        decoded = binascii.a2b_base64(encoded, strict_mode=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed(code, f"got {what} that is not base64 ({error}), expected standard padded base64") from error
    # The last character may carry bits that no byte uses: two texts for the same bytes, so only one of them is accepted.
    if binascii.b2a_base64(decoded, newline=False) != encoded:
        raise Malformed(code, f"got {what} whose last base64 character carries stray bits, expected the one canonical spelling")
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
