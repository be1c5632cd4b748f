"""A signer's certificate in the form in which Fulcio writes them, taken apart by its bytes and not by the library.

Every part that says what the key may do is compared with the one spelling it has in this form, byte for byte; what differs between
two signers is cut out where it stands. Whatever is not exactly so is no "no": it is None, and the library reads and judges that
certificate (`certificate.py`). So this form may be too narrow and must never be too wide: a certificate of this form passes the
library's path validation too, and both ways read the same out of it, which tests try.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

_VERSION_3 = bytes.fromhex("a003020102")
_ECDSA = bytes.fromhex("300a06082a8648ce3d0403")
# The last byte of the signature algorithm's identifier, and how the library is told of it.
_SIGNING = {2: ec.ECDSA(hashes.SHA256()), 3: ec.ECDSA(hashes.SHA384()), 4: ec.ECDSA(hashes.SHA512())}
# Keys on P-256 and P-384, both coordinates written out: what stands before these, and how long the whole is.
_KEYS = {bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004"): 91}
_KEYS |= {bytes.fromhex("3076301006072a8648ce3d020106052b8104002203620004"): 120}

# Extensions by their whole encoded identifier, and their values where only one will do.
_USAGE, _DIGITAL_SIGNATURE = bytes.fromhex("0603551d0f"), bytes.fromhex("03020780")
_PURPOSES, _CODE_SIGNING = bytes.fromhex("0603551d25"), bytes.fromhex("300a06082b06010505070303")
_SUBJECT_KEY, _AUTHORITY_KEY = bytes.fromhex("0603551d0e"), bytes.fromhex("0603551d23")
_NAME, _PROMISES = bytes.fromhex("0603551d11"), bytes.fromhex("060a2b06010401d679020402")
_CLAIM = bytes.fromhex("060a2b0601040183bf3001")
_OTHERS = {_USAGE, _PURPOSES, _SUBJECT_KEY, _AUTHORITY_KEY, _NAME, _PROMISES}
_CRITICAL = {_USAGE, _NAME}
_TRUE = b"\x01\x01\xff"
_LAST_CLAIM = 24

_SHA256_ECDSA = b"\x04\x03"
_LAST_MILLISECOND = 253402300799999  # of the year 9999


class ListedAt(NamedTuple):
    """A certificate log's promise to list a certificate: who promised it, when, the signature, and what else it is over."""

    log_id: bytes
    milliseconds: int
    signature: bytes
    is_sha256: bool = True
    extensions: bytes = b""


class UsualSigner(NamedTuple):
    """What stands in a certificate of the usual form; `precertificate` is what its log signed, `claims` has DER or text by number."""

    tbs: bytes
    precertificate: bytes
    signature: bytes
    signing: ec.ECDSA
    issuer: bytes
    spki: bytes
    identity: str
    claims: Mapping[int, bytes]
    promise: ListedAt


class _Extensions(NamedTuple):
    """The values of claims by number, and of all others by identifier. `promises` is where that extension begins and ends."""

    values: Mapping[bytes, bytes]
    claims: Mapping[int, bytes]
    promises: tuple[int, int]


def read_usual_signer(der: bytes) -> UsualSigner | None:
    """Return the parts of a certificate that the library could load, or None where it is not of the usual form. Verifies nothing."""
    try:
        return _read(der)
    except (IndexError, UnicodeDecodeError):
        return None  # Cut short, or a name that is not ASCII.


def _read(der: bytes) -> UsualSigner | None:
    whole, end = _span(der, 0, 0x30)
    start, tbs_end = _span(der, whole, 0x30)
    algorithm = der[tbs_end : tbs_end + 12]
    signature, signature_end = _span(der, tbs_end + 12, 0x03)
    serial, at = _span(der, start + 5, 0x02)
    usual = (
        end == signature_end == len(der)
        and der.startswith(_VERSION_3, start)
        and _is_usual_serial(der[serial:at])
        and algorithm.startswith(_ECDSA)
        and algorithm[11] in _SIGNING
        and der.startswith(algorithm, at)
        and der[signature] == 0
    )
    if not usual:
        return None
    issuer = at + 12
    _, issuer_end = _span(der, issuer, 0x30)
    _, subject = _span(der, issuer_end, 0x30)  # Between them is the time it is valid, which the library reads.
    if der[subject : subject + 2] != b"\x30\x00":
        return None
    spki = subject + 2
    size = next((size for start_of_key, size in _KEYS.items() if der.startswith(start_of_key, spki)), 0)
    holder, holder_end = _span(der, spki + size, 0xA3)
    listed, listed_end = _span(der, holder, 0x30)
    if not size or not holder_end == listed_end == tbs_end:
        return None
    found = _extensions(der, listed, listed_end)
    if found is None or not _is_usual(found.values):
        return None
    identity, promise = _identity(found.values[_NAME]), _promise(found.values[_PROMISES])
    if identity is None or promise is None:
        return None
    first, last = found.promises
    # What the log signed is all of it but the log's own promise (RFC 6962 section 3.2).
    others = _encoded(0xA3, _encoded(0x30, der[listed:first] + der[last:listed_end]))
    return UsualSigner(
        tbs=der[whole:tbs_end],
        precertificate=_encoded(0x30, der[start : spki + size] + others),
        signature=der[signature + 1 : end],
        signing=_SIGNING[algorithm[11]],
        issuer=der[issuer:issuer_end],
        spki=der[spki : spki + size],
        identity=identity,
        claims=found.claims,
        promise=promise,
    )


def _span(der: bytes, at: int, tag: int) -> tuple[int, int]:
    """Return where the content of the element at `at` begins and ends; an IndexError where it is another or cut short."""
    if der[at] != tag:
        raise IndexError
    length, start = der[at + 1], at + 2
    if length == 0x81:
        length, start = der[at + 2], at + 3
        if length < 0x80:
            raise IndexError
    elif length == 0x82:
        length, start = der[at + 2] << 8 | der[at + 3], at + 4
        if length < 0x100:
            raise IndexError
    elif length > 0x7F:
        raise IndexError
    if start + length > len(der):
        raise IndexError
    return start, start + length


def _encoded(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    return (bytes((tag, 0x81, size)) if size < 0x100 else bytes((tag, 0x82, size >> 8, size & 0xFF))) + content


def _is_usual_serial(content: bytes) -> bool:
    """Return whether an INTEGER is above zero, shortest and of at most 20 bytes (RFC 5280 section 4.1.2.2)."""
    if not 1 <= len(content) <= 20 or content[0] >= 0x80:
        return False
    return content[0] > 0 or (len(content) > 1 and content[1] >= 0x80)


def _extensions(der: bytes, at: int, stop: int) -> _Extensions | None:
    """Return the extensions between `at` and `stop`; None where one is unknown, doubled or critical in another way."""
    values: dict[bytes, bytes] = {}
    claims: dict[int, bytes] = {}
    promises = 0, 0
    while at < stop:
        # There are dozens of them, and nearly all are short: those are read on the spot.
        length = der[at + 1]
        inner, end = (at + 2, at + 2 + length) if length < 0x80 and der[at] == 0x30 else _span(der, at, 0x30)
        if der.startswith(_CLAIM, inner):
            number, value = der[inner + 11], inner + 14
            if length > 0x7F or der[inner + 12] != 0x04 or value + der[inner + 13] != end:
                value, value_end = _span(der, inner + 12, 0x04)
                if value_end != end:
                    return None
            if number in claims or not 1 <= number <= _LAST_CLAIM:
                return None
            claims[number] = der[value:end]
        else:
            named = inner + 2 + der[inner + 1]
            name = der[inner:named]
            if name not in _OTHERS or name in values or (name in _CRITICAL and not der.startswith(_TRUE, named)):
                return None
            value, value_end = _span(der, named + 3 if name in _CRITICAL else named, 0x04)
            if value_end != end:
                return None
            values[name] = der[value:end]
            if name == _PROMISES:
                promises = at, end
        at = end
    return _Extensions(values, claims, promises) if at == stop else None


def _is_usual(values: Mapping[bytes, bytes]) -> bool:
    """Return whether all that every signer has is there, and whether it says: code signing, and no authority of any kind."""
    if not values.keys() >= _OTHERS:
        return False
    own, above = values[_SUBJECT_KEY], values[_AUTHORITY_KEY]
    return (
        values[_USAGE] == _DIGITAL_SIGNATURE
        and values[_PURPOSES] == _CODE_SIGNING
        and len(own) == 22
        and own.startswith(b"\x04\x14")
        and len(above) == 24
        and above.startswith(b"\x30\x16\x80\x14")
    )


def _identity(value: bytes) -> str | None:
    """Return the one name, a URI or an e-mail address."""
    names, end = _span(value, 0, 0x30)
    name, name_end = _span(value, names, 0x86 if value[names] == 0x86 else 0x81)
    return value[name:].decode("ascii") if end == name_end == len(value) else None


def _promise(value: bytes) -> ListedAt | None:
    """Return the one promise of a certificate log (RFC 6962 section 3.3), of version 1, with SHA-256 and ECDSA."""
    start, end = _span(value, 0, 0x04)
    listed, promise = value[start : start + 4], value[start + 4 : end]
    size, extensions_end = len(promise), 43 + int.from_bytes(promise[41:43], "big")
    signed = promise[extensions_end + 4 :]
    milliseconds = int.from_bytes(promise[33:41], "big")
    usual = (
        end == len(value)
        and listed == (size + 2).to_bytes(2, "big") + size.to_bytes(2, "big")
        and promise[0] == 0
        and promise[extensions_end : extensions_end + 4] == _SHA256_ECDSA + len(signed).to_bytes(2, "big")
        and milliseconds <= _LAST_MILLISECOND
    )
    return ListedAt(promise[1:33], milliseconds, signed, extensions=promise[43:extensions_end]) if usual else None
