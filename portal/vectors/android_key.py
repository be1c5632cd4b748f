"""The extension of Android's key attestation: how a key was made, by the keystore's word (WebAuthn level 3, section 8.4.1).

Read by its own few lines, because its tags are longer than those of `proofs.der`. Whether a keystore in hardware speaks is not asked.
"""

from __future__ import annotations

from cryptography import x509

from proofs.errors import Malformed, Unproven

_CODE = "webauthn.attestation"
_EXTENSION = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.1.17")
_SEQUENCE, _OCTET_STRING = 0x10, 0x04
# Fields of an authorization list, and the values they must have.
_PURPOSE, _ALL_APPLICATIONS, _ORIGIN = 1, 600, 702
_GENERATED, _SIGN = 0, 2
_FIELDS, _CHALLENGE, _LISTS = 8, 4, (6, 7)


def check_android_key(certificate: x509.Certificate, *, challenge: bytes) -> None:
    """Return when the key was made for this challenge, in the keystore, to sign, and for one application; refuses with `webauthn.attestation`."""
    try:
        extension = certificate.extensions.get_extension_for_oid(_EXTENSION).value
    except x509.ExtensionNotFound as error:
        raise Unproven(_CODE, "the certificate does not say how the key was made") from error
    assert isinstance(extension, x509.UnrecognizedExtension)
    outer = _elements(extension.value)
    fields = _elements(outer[0][1]) if len(outer) == 1 and outer[0][0] == _SEQUENCE else []
    if len(fields) < _FIELDS or fields[_CHALLENGE][0] != _OCTET_STRING:
        raise Malformed(_CODE, "got a description of the key that cannot be read")
    if fields[_CHALLENGE][1] != challenge:
        raise Unproven(_CODE, "the key was made for another challenge")
    stated = [pair for number in _LISTS for pair in _elements(fields[number][1])]
    if any(tag == _ALL_APPLICATIONS for tag, _ in stated):
        raise Unproven(_CODE, "the key may be used by every application")
    for field, wanted in ((_ORIGIN, _GENERATED), (_PURPOSE, _SIGN)):
        # The specification's own example states neither, so that silence is no other answer.
        values = [_integers(content) for tag, content in stated if tag == field]
        if any(value != [wanted] for value in values):
            raise Unproven(_CODE, f"the keystore states {values} for the field {field}, expected {wanted}")


def _integers(content: bytes) -> list[int]:
    """Return the numbers of an explicitly tagged INTEGER, or of a SET of them."""
    inner = _elements(content)
    if len(inner) == 1 and inner[0][0] == 0x11:
        inner = _elements(inner[0][1])
    return [int.from_bytes(value, "big", signed=True) for _, value in inner]


def _elements(content: bytes) -> list[tuple[int, bytes]]:
    """Return tag number and content of each DER element."""
    found, position = [], 0
    while position < len(content):
        tag, position = content[position] & 0x1F, position + 1
        if tag == 0x1F:
            tag, more = 0, True
            while more:
                tag, more, position = tag << 7 | _byte(content, position) & 0x7F, _byte(content, position) >= 0x80, position + 1
        size, position = _byte(content, position), position + 1
        if size >= 0x80:
            count = size & 0x7F
            size, position = int.from_bytes(content[position : position + count], "big"), position + count
        if position + size > len(content):
            raise Malformed(_CODE, "got a description of the key that ends in the middle")
        found.append((tag, content[position : position + size]))
        position += size
    return found


def _byte(content: bytes, position: int) -> int:
    if position >= len(content):
        raise Malformed(_CODE, "got a description of the key that ends in the middle")
    return content[position]
