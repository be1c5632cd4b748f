"""Archives as others make them, and as liars do."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Iterable

Files = Iterable[tuple[str, bytes]]


def tar_of(files: Files, *, form: int = tarfile.GNU_FORMAT) -> bytes:
    """Return a plain tar archive of these files."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=form) as archive:
        for name, content in files:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return written.getvalue()


def tar_with(kind: bytes, *, name: str = "x", linked: str = "/etc/passwd", size: int = 0) -> bytes:
    """Return a tar archive with one member of this kind."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.GNU_FORMAT) as archive:
        member = tarfile.TarInfo(name)
        member.type, member.linkname, member.size = kind, linked, size
        archive.addfile(member)
    return written.getvalue()


def tgz_of(files: Files) -> bytes:
    """Return the same, packed with gzip."""
    return gzip.compress(tar_of(files), mtime=0)


def zip_of(files: Files, *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip archive of these files."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", method) as archive:
        for name, content in files:
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return written.getvalue()


def zip_with(*, name: str = "x", mode: int = 0, flags: int = 0) -> bytes:
    """Return a zip archive whose one member has this Unix mode and these flags."""
    member = zipfile.ZipInfo(name)
    member.external_attr = mode << 16
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr(member, b"{}")
    raw = bytearray(written.getvalue())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.index(mark) + offset] |= flags
    return bytes(raw)
