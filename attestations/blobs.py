"""Bytes by their SHA-256, in the database and in the caller's transaction: what was acknowledged is stored, or neither is.

This is the one place that knows where the bytes live. It checks nothing about what they say.
"""

from __future__ import annotations

from datetime import datetime

from attestations.models import Blob
from proofs.digest import sha256_hex
from proofs.errors import NotFound, Unproven


def store_blob(content: bytes, now: datetime) -> Blob:
    """Return the blob of these bytes, storing them when they are new. Does not limit their size."""
    digest = sha256_hex(content)
    found = Blob.objects.filter(pk=digest).first()
    if found is not None:
        return found
    # Two transactions may store the same bytes at once; the second waits, then both have the one row, which says what both brought.
    new = Blob(digest=digest, size=len(content), content=content, stored_at=now)
    Blob.objects.bulk_create([new], ignore_conflicts=True)
    return new


def read_blob(digest: str) -> bytes:
    """Return the bytes with this SHA-256. Refuses with `blob.unknown`, or `blob.altered` when the stored bytes no longer fit."""
    found = Blob.objects.filter(pk=digest).first()
    if found is None:
        raise NotFound("blob.unknown", f"nothing is stored under {digest[:80]}")
    return bytes_of(found)


def bytes_of(blob: Blob) -> bytes:
    """Return a blob's bytes. Refuses with `blob.altered` when they no longer have the digest they were stored under."""
    content = bytes(blob.content)
    if sha256_hex(content) != blob.digest:
        raise Unproven("blob.altered", f"the bytes stored under {blob.digest} have another digest: they were altered in the database")
    return content
