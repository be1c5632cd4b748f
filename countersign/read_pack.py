"""Read the files of a pack out of a zip archive that somebody else made.

Refuses whatever a pack has no need of: sizes beyond bounds, names that leave the folder, a name twice, links, encryption.
Nothing is written to disk. What the files say is not looked at.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from proofs.errors import Malformed, TooLarge
from proofs.pack.layout import MAX_FILE_BYTES, MAX_FILES, MAX_TOTAL_BYTES

MAX_NAME = 200

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_CHUNK = 1024 * 1024
_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much an archive may be and hold."""

    archive_bytes: int = 256 * 1024 * 1024
    files: int = MAX_FILES
    file_bytes: int = MAX_FILE_BYTES
    total_bytes: int = MAX_TOTAL_BYTES


def read_pack(path: Path, *, limits: Limits = Limits()) -> dict[str, bytes]:
    """Return the files of the archive by name.

    Refuses with `pack.unreadable`, `pack.not_zip`, `pack.too_large`, `pack.too_many_files`, `pack.bad_name`, `pack.duplicate_name`,
    `pack.link`, `pack.encrypted` or `pack.bad_entry`.
    """
    try:
        size = path.stat().st_size
        if size > limits.archive_bytes:
            raise TooLarge("pack.too_large", f"got an archive of {size} bytes, expected at most {limits.archive_bytes}")
        with zipfile.ZipFile(path) as archive:
            return _read_entries(archive, limits)
    except OSError as error:
        raise Malformed("pack.unreadable", f"{path} cannot be read: {error.strerror or error}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise Malformed("pack.not_zip", f"{path} is not a whole zip archive ({error}), expected a pack exported by the portal") from error


def _read_entries(archive: zipfile.ZipFile, limits: Limits) -> dict[str, bytes]:
    entries = archive.infolist()
    if len(entries) > limits.files:
        raise TooLarge("pack.too_many_files", f"got {len(entries)} entries, expected at most {limits.files}")
    seen: set[str] = set()
    files: dict[str, bytes] = {}
    remaining = limits.total_bytes
    for entry in entries:
        _refuse_entry(entry, seen)
        seen.add(entry.orig_filename)
        if entry.is_dir():
            continue
        content = _read_entry(archive, entry, min(remaining, limits.file_bytes))
        remaining -= len(content)
        files[entry.orig_filename] = content
    return files


def _refuse_entry(entry: zipfile.ZipInfo, seen: set[str]) -> None:
    # The name as it stands in the archive: zipfile shortens and rewrites some names, and two may become one.
    name = entry.orig_filename
    parts = name.removesuffix("/").split("/")
    if len(name) > MAX_NAME or not set(name) <= _NAME_CHARACTERS or any(part in ("", ".", "..") for part in parts):
        raise Malformed("pack.bad_name", f"got an entry named {name[:120]!r}, expected a plain relative path")
    if name in seen:
        raise Malformed("pack.duplicate_name", f"got two entries named {name}, expected every name once")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise Malformed("pack.link", f"{name} is a link or a device, expected a plain file")
    if entry.flag_bits & 0x1:
        raise Malformed("pack.encrypted", f"{name} is encrypted, expected plain content")
    if entry.compress_type not in _METHODS or (entry.is_dir() and entry.file_size):
        raise Malformed("pack.bad_entry", f"{name} is packed in a way no pack is, expected stored or deflated files")


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int) -> bytes:
    # Count what really comes out: the sizes an archive states are its maker's word.
    content = bytearray()
    with archive.open(entry) as stream:
        while chunk := stream.read(_CHUNK):
            content += chunk
            if len(content) > limit:
                raise TooLarge("pack.too_large", f"{entry.orig_filename} unpacks to more than {limit} bytes")
    return bytes(content)
