"""What authenticator data says of a credential just made (WebAuthn level 3, section 6.5.1), read strictly.

Whether it is for the right site, and who made it, is for the caller to decide.
"""

from __future__ import annotations

from dataclasses import dataclass

from proofs.approval.cose import parse_cbor
from proofs.approval.passkey import AT, ED
from proofs.errors import Malformed

_LONGEST_ID = 1023
# The authenticator data before what it says of a new credential, and that up to the credential's id.
_HEAD, _AAGUID = 37, 16
# An RSA key of 8192 bits has less.
_LONGEST_KEY = 1200


@dataclass(frozen=True, slots=True)
class AttestedCredential:
    """A new credential: the model of its authenticator, its id, and its COSE key as written."""

    aaguid: bytes
    credential_id: bytes
    cose_key: bytes

    @property
    def model(self) -> str:
        """The AAGUID as it is usually written: 36 lowercase characters with hyphens."""
        digits = self.aaguid.hex()
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def read_attested_credential(data: bytes, *, code: str) -> AttestedCredential:
    """Return the credential that authenticator data attests; refuses with `code`."""
    if len(data) < _HEAD + _AAGUID + 2 or not data[32] & AT:
        raise Malformed(code, "got a registration without attested credential data")
    begin = _HEAD + _AAGUID + 2
    size = int.from_bytes(data[begin - 2 : begin], "big")
    if not 0 < size <= _LONGEST_ID or len(data) < begin + size:
        raise Malformed(code, f"got a credential id of {size} bytes, expected 1 to {_LONGEST_ID} that are there")
    rest = data[begin + size :]
    key = _first_item(rest, code)
    extensions = rest[len(key) :]
    if bool(extensions) != bool(data[32] & ED) or (extensions and not isinstance(parse_cbor(extensions, code=code), dict)):
        raise Malformed(code, "the extension flag does not agree with the bytes behind the credential's key")
    return AttestedCredential(data[_HEAD : _HEAD + _AAGUID], data[begin : begin + size], key)


def _first_item(content: bytes, code: str) -> bytes:
    """Return the CBOR item that `content` begins with: no item is the beginning of another."""
    for end in range(1, min(len(content), _LONGEST_KEY) + 1):
        try:
            parse_cbor(content[:end], code=code)
        except Malformed:
            continue
        return content[:end]
    raise Malformed(code, "got attested credential data without a key that can be read")
