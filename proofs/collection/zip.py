"""Read the files of a zip archive that somebody else made.

Refuses links, encryption and any packing but stored and deflated. Sizes and counts that the archive states are its maker's word: what
comes out is counted while it comes, and members are counted before they are listed.
"""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from collections.abc import Iterator

from proofs.errors import Malformed, TooLarge

ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")

_CENTRAL_HEADER = b"PK\x01\x02"
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_CHUNK = 64 * 1024


def read_zip(content: bytes, *, members: int, item_bytes: int, total_bytes: int) -> Iterator[tuple[str, bytes | None]]:
    """Yield the name, as it stands, and the bytes of each file; None for one of more than `item_bytes`, whose rest is not unpacked.

    Refuses with `collection.link`, `collection.encrypted`, `collection.bad_entry`, `collection.too_many_items`, `collection.too_large`
    or `collection.unreadable`.
    """
    # The library builds an object for each member before it can be asked how many there are.
    if content.count(_CENTRAL_HEADER) > members:
        raise TooLarge("collection.too_many_items", f"got more than {members} members, expected at most that many")
    used = 0
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            if entries and min(entry.header_offset for entry in entries) != 0:
                raise Malformed("collection.unreadable", "something stands in front of the zip archive; expected nothing but the archive")
            for entry in entries:
                _refuse_entry(entry)
                unpacked = b"" if entry.is_dir() else _unpack(archive, entry, item_bytes)
                used += item_bytes if unpacked is None else len(unpacked)
                if used > total_bytes:
                    raise TooLarge("collection.too_large", f"got an archive that unpacks to more than {total_bytes} bytes")
                yield entry.orig_filename, unpacked
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OverflowError) as error:
        raise Malformed("collection.unreadable", f"the zip archive is damaged ({error}); expected a whole archive") from error


def _refuse_entry(entry: zipfile.ZipInfo) -> None:
    name = entry.orig_filename[:120]
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise Malformed("collection.link", f"{name!r} is a link or a device, expected plain files")
    if entry.flag_bits & 0x1:
        raise Malformed("collection.encrypted", f"{name!r} is encrypted, expected plain content")
    if entry.compress_type not in _METHODS or (entry.is_dir() and entry.file_size):
        raise Malformed("collection.bad_entry", f"{name!r} is packed in a way we do not read, expected stored or deflated files")


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int) -> bytes | None:
    content = bytearray()
    with archive.open(entry) as stream:
        while chunk := stream.read(_CHUNK):
            content += chunk
            if len(content) > limit:
                return None
    return bytes(content)
