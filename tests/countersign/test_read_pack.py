"""Zip archives made by somebody else: whatever a pack has no need of is refused before it is unpacked."""

from __future__ import annotations

import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from countersign.read_pack import Limits, read_pack
from proofs.errors import Refusal


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "pack.zip"


def write(path: Path, *entries: tuple[zipfile.ZipInfo | str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as made:
        for name, content in entries:
            made.writestr(name, content)
    return path


def code_of(path: Path, **limits: int) -> str:
    with pytest.raises(Refusal) as refused:
        read_pack(path, limits=Limits(**limits))
    return refused.value.code


def entry(name: str, mode: int = 0, *, flags: int = 0) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    info.flag_bits |= flags
    return info


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_reads_plain_files_and_passes_over_folders(archive: Path, method: int) -> None:
    write(archive, ("evidence/", b""), ("evidence/ab", b"one"), ("pack.json", b"{}"), method=method)
    assert read_pack(archive) == {"evidence/ab": b"one", "pack.json": b"{}"}


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../pack.json",
        "evidence/../../x",
        "a//b",
        "./pack.json",
        "C:/x",
        "a\\b",
        "pack.json ",
        "päck.json",
        "a\x00b",
        "x" * 201,
        "-\n",
    ],
)
def test_refuses_names_that_are_no_plain_relative_paths(archive: Path, name: str) -> None:
    # The writer rewrites some names, so the wanted one is put into the bytes afterwards.
    stand_in = "z" * len(name.encode())
    write(archive, (stand_in, b"x"))
    archive.write_bytes(archive.read_bytes().replace(stand_in.encode(), name.encode()))
    assert code_of(archive) in ("pack.bad_name", "pack.not_zip")


def test_refuses_a_name_twice(archive: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        write(archive, ("pack.json", b"{}"), ("pack.json", b"{ }"))
    assert code_of(archive) == "pack.duplicate_name"


@pytest.mark.parametrize("mode", [stat.S_IFLNK | 0o777, stat.S_IFCHR | 0o600, stat.S_IFIFO | 0o600])
def test_refuses_links_and_devices(archive: Path, mode: int) -> None:
    write(archive, (entry("pack.json", mode), b"/etc/passwd"))
    assert code_of(archive) == "pack.link"


def test_refuses_encrypted_entries(archive: Path) -> None:
    write(archive, ("pack.json", b"{}"), method=zipfile.ZIP_STORED)
    content = bytearray(archive.read_bytes())
    central = content.index(b"PK\x01\x02")
    content[6] |= 1
    content[central + 8] |= 1
    archive.write_bytes(bytes(content))
    assert code_of(archive) == "pack.encrypted"


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_refuses_other_compressions(archive: Path, method: int) -> None:
    write(archive, ("pack.json", b"{}"), method=method)
    assert code_of(archive) == "pack.bad_entry"


def test_refuses_a_folder_with_content(archive: Path) -> None:
    write(archive, ("evidence/", b"x"))
    assert code_of(archive) == "pack.bad_entry"


def test_refuses_a_bomb_by_what_comes_out_of_it(archive: Path) -> None:
    write(archive, ("pack.json", bytes(1001)))
    assert code_of(archive, file_bytes=1000) == "pack.too_large"


def test_refuses_many_files_that_are_too_much_together(archive: Path) -> None:
    write(archive, ("a", bytes(1000)), ("b", bytes(1000)))
    assert code_of(archive, total_bytes=1500) == "pack.too_large"


def test_refuses_a_size_that_is_a_lie(archive: Path) -> None:
    write(archive, ("pack.json", bytes(5000)))
    content = bytearray(archive.read_bytes())
    central = content.index(b"PK\x01\x02")
    for offset in (22, central + 24):
        content[offset : offset + 4] = struct.pack("<I", 10)
    archive.write_bytes(bytes(content))
    assert code_of(archive, file_bytes=1000) in ("pack.not_zip", "pack.too_large")


def test_refuses_too_many_entries(archive: Path) -> None:
    write(archive, *((f"f{number}", b"") for number in range(4)))
    assert code_of(archive, files=3) == "pack.too_many_files"


def test_refuses_an_archive_beyond_measure(archive: Path) -> None:
    write(archive, ("pack.json", b"{}"))
    assert code_of(archive, archive_bytes=10) == "pack.too_large"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: b"",
        lambda content: b"not a zip",
        lambda content: content[:-10],
        lambda content: content[:40] + b"\xff" * 8 + content[48:],
    ],
)
def test_refuses_what_is_not_a_whole_zip(archive: Path, spoil: Callable[[bytes], bytes]) -> None:
    write(archive, ("pack.json", b"{}" * 50))
    archive.write_bytes(spoil(archive.read_bytes()))
    assert code_of(archive) in ("pack.not_zip", "pack.bad_name")


def test_refuses_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert code_of(tmp_path / "nothing.zip") == "pack.unreadable"
    assert code_of(tmp_path) == "pack.unreadable"
