"""Cut a file into the pieces of evidence it holds: told apart by its bytes, never by its name or the type it was sent as.

1. The bytes are within their limit, and are JSON, a tar archive (plain or gzip) or a zip archive.
2. An archive holds plain files under plain relative names, each name once, and unpacks within its limits.
3. A file in an archive is read as JSON like one by itself; an archive in an archive is not.
4. Every item is within its limit, and there are not more than the limit of them.

What breaks 1, 2 or the count refuses the whole; what breaks 3 or its own limit is an item with its own refusal. Not checked here:
whether an item is evidence, and whether a label is true.
"""

from __future__ import annotations

from collections.abc import Iterator

from proofs.collection.documents import (
    ATTESTATION_RESPONSE,
    JSON_LINES,
    PEP740_PROVENANCE,
    Room,
    looks_like_json,
    read_documents,
    too_large,
)
from proofs.collection.item import Collection, Item, Limits, member_name
from proofs.collection.tar import GZIP_MAGIC, is_tar, read_tar, unpack_gzip
from proofs.collection.zip import ZIP_MAGICS, read_zip
from proofs.errors import Malformed, TooLarge

TAR, ZIP = "tar", "zip"
KINDS = (JSON_LINES, ATTESTATION_RESPONSE, PEP740_PROVENANCE, TAR, ZIP)


def read_collection(unverified_bytes: bytes, *, limits: Limits) -> Collection:
    """Return the kind of collection and its items in order.

    Refuses the whole with `collection.empty`, `collection.unknown_format`, `collection.too_large`, `collection.too_many_items`,
    `collection.unreadable`, `collection.bad_name`, `collection.duplicate_name`, `collection.link`, `collection.encrypted` or
    `collection.bad_entry`. An item is refused with `collection.entry_malformed`, `collection.item_too_large` or `collection.nested`.
    """
    # 1. Within its limit, and of a kind we read.
    if len(unverified_bytes) > limits.collection_bytes:
        raise TooLarge("collection.too_large", f"got {len(unverified_bytes)} bytes, expected at most {limits.collection_bytes}")
    kind, items = _open(unverified_bytes, limits)
    # 4. Not too many, none too large.
    kept: list[Item] = []
    for item in items:
        if len(kept) == limits.items:
            raise TooLarge("collection.too_many_items", f"got more than {limits.items} items, expected at most that many")
        kept.append(too_large(item.name, limits.item_bytes) if len(item.content) > limits.item_bytes else item)
    if not kept:
        raise Malformed("collection.empty", "got a file without any item, expected at least one piece of evidence")
    return Collection(kind, tuple(kept))


def _open(content: bytes, limits: Limits) -> tuple[str, Iterator[Item]]:
    if content.startswith(ZIP_MAGICS):
        members = read_zip(content, members=limits.items, item_bytes=limits.item_bytes, total_bytes=limits.total_bytes)
        return ZIP, _items_of(members, limits)
    if content.startswith(GZIP_MAGIC):
        unpacked = unpack_gzip(content, limit=limits.total_bytes)
        if not is_tar(unpacked):
            raise Malformed("collection.unknown_format", "got a gzip stream of something else, expected a tar archive in it")
        return TAR, _items_of(read_tar(unpacked), limits)
    if is_tar(content):
        return TAR, _items_of(read_tar(content), limits)
    if looks_like_json(content):
        return read_documents(content)
    if not content.strip():
        raise Malformed("collection.empty", "got no bytes, expected at least one piece of evidence")
    raise Malformed(
        "collection.unknown_format",
        "got a file of another kind, expected JSON lines, an attestation response, a provenance object, or a tar or zip archive",
    )


def _items_of(members: Iterator[tuple[str, bytes | None]] | Iterator[tuple[str, bytes]], limits: Limits) -> Iterator[Item]:
    seen: set[str] = set()
    room = Room()
    for count, (name, content) in enumerate(members, start=1):
        # 2. Plain names, each once; folders count as members and hold nothing.
        plain = member_name(name)
        if count > limits.items:
            raise TooLarge("collection.too_many_items", f"got more than {limits.items} members, expected at most that many")
        if plain in seen:
            raise Malformed("collection.duplicate_name", f"got two members named {plain!r}, expected every name once")
        seen.add(plain)
        if not plain or name.endswith("/"):
            continue
        # 3. No archive in an archive.
        if content is None or len(content) > limits.item_bytes:
            yield too_large(plain, limits.item_bytes)
        elif content.startswith((*ZIP_MAGICS, GZIP_MAGIC)) or is_tar(content):
            refusal = Malformed("collection.nested", "got an archive in an archive, expected evidence; send it by itself")
            yield Item(plain, refusal=refusal)
        else:
            yield from _documents_in(plain, content, room)


def _documents_in(name: str, content: bytes, room: Room) -> Iterator[Item]:
    """A member that is no JSON at all stays one item: whoever reads items says why it is none."""
    if looks_like_json(content):
        return read_documents(content, prefix=name, room=room)[1]
    return iter([Item(name, content)])
