"""Read the files of a tar archive that somebody else made: plain, or packed with gzip.

A reader of our own, because the usual ones stop quietly at a damaged header and follow what no evidence needs. Every header is either
read or refused: plain files and folders, long names in the GNU and the pax way, and nothing else.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

from proofs.errors import Malformed, Refusal, TooLarge

GZIP_MAGIC = b"\x1f\x8b"

_BLOCK = 512
_CHUNK = 1024 * 1024
_MAX_EXTENSION = 64 * 1024
_OCTAL = re.compile(rb"[0-7]+")
_RECORD_LENGTH = re.compile(rb"[1-9][0-9]{0,5} ")
# What a pax header may say beside the name: facts about the file that no evidence rests on.
_IDLE_RECORDS = ("atime", "ctime", "mtime", "uid", "gid", "uname", "gname", "comment", "charset", "hdrcharset")
_IDLE_PREFIXES = ("SCHILY.", "LIBARCHIVE.", "RHT.", "APPLE.")


def is_tar(content: bytes) -> bool:
    """Say whether the first header carries the mark of the tar formats we read."""
    return content[257:262] == b"ustar"


def unpack_gzip(content: bytes, *, limit: int) -> bytes:
    """Return what is packed in one gzip stream. Refuses with `collection.unreadable`, or `collection.too_large` beyond `limit` bytes.

    What comes out is counted while it comes: the size a stream states is its maker's word.
    """
    stream = zlib.decompressobj(wbits=31)
    unpacked, waiting = bytearray(), content
    try:
        while waiting and not stream.eof:
            unpacked += stream.decompress(waiting, min(_CHUNK, limit + 1 - len(unpacked)))
            if len(unpacked) > limit:
                raise TooLarge("collection.too_large", f"got an archive that unpacks to more than {limit} bytes")
            waiting = stream.unconsumed_tail
    except zlib.error as error:
        raise _unreadable(f"the gzip stream is damaged ({error})") from error
    if not stream.eof:
        raise _unreadable("the gzip stream ends in the middle")
    if stream.unused_data:
        raise _unreadable("bytes follow the end of the gzip stream")
    return bytes(unpacked)


def read_tar(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the name, as it stands, and the bytes of each plain file.

    Refuses with `collection.link` for anything that is no plain file, and with `collection.unreadable`.
    """
    at, long_name = 0, ""
    while True:
        header = content[at : at + _BLOCK]
        if len(header) < _BLOCK:
            raise _unreadable("the tar archive ends without its end mark")
        if not any(header):
            if any(content[at:]) or len(content) - at < 2 * _BLOCK:
                raise _unreadable("something else than the end follows the first empty block of the tar archive")
            return
        name, kind, size = _read_header(header)
        body = content[at + _BLOCK : at + _BLOCK + size]
        if len(body) < size:
            raise _unreadable(f"the tar archive ends within {name[:80]!r}")
        at += _BLOCK + -(-size // _BLOCK) * _BLOCK
        if kind in (b"x", b"g", b"L"):
            long_name = _read_extension(kind, body) or long_name
            continue
        name, long_name = long_name or name, ""
        if kind == b"5" and size == 0:
            name = name.removesuffix("/") + "/"
        elif kind not in (b"0", b"\0") or name.endswith("/"):
            raise Malformed("collection.link", f"{name[:120]!r} is a link, a device or a sparse file, expected plain files")
        yield name, bytes(body)


def _read_header(header: bytes) -> tuple[str, bytes, int]:
    if not is_tar(header):
        raise _unreadable("a header of the tar archive lacks its mark")
    stated = _number(header[148:156], "checksum")
    if stated != sum(header[:148]) + 8 * 32 + sum(header[156:]):
        raise _unreadable("a header of the tar archive does not have its checksum")
    name = header[:100].partition(b"\0")[0]
    # Only the POSIX form has a prefix there; GNU's keeps times in these bytes.
    prefix = header[345:500].partition(b"\0")[0] if header[257:263] == b"ustar\0" else b""
    return _text(prefix + b"/" + name if prefix else name), header[156:157], _number(header[124:136], "size")


def _read_extension(kind: bytes, body: bytes) -> str:
    """Return the name that an extension gives to the next file, or nothing."""
    if len(body) > _MAX_EXTENSION:
        raise TooLarge("collection.unreadable", f"got an extended tar header of {len(body)} bytes, expected at most {_MAX_EXTENSION}")
    if kind == b"L":
        return _text(body.partition(b"\0")[0])
    name = ""
    while body:
        length_text = _RECORD_LENGTH.match(body)
        length = int(length_text.group()) if length_text else 0
        record, body = body[:length], body[length:]
        key, equals, value = record[length_text.end() if length_text else 0 : -1].partition(b"=")
        if len(record) != length or not length or not record.endswith(b"\n") or not equals:
            raise _unreadable("an extended header of the tar archive is malformed")
        word = _text(key)
        if word == "path" and kind == b"x":
            name = _text(value)
        elif word not in _IDLE_RECORDS and not word.startswith(_IDLE_PREFIXES):
            raise Malformed("collection.link", f"the tar archive says {word[:60]!r} about a file, expected a plain file with a name")
    return name


def _number(field: bytes, what: str) -> int:
    digits = field.strip(b" \0")
    if not _OCTAL.fullmatch(digits):
        raise _unreadable(f"the {what} in a header of the tar archive is no octal number")
    return int(digits, 8)


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed("collection.bad_name", f"got a member named {raw[:80]!r}, expected UTF-8") from error


def _unreadable(reason: str) -> Refusal:
    return Malformed("collection.unreadable", f"{reason}; expected a whole archive")
