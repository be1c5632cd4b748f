"""Policies as they are parsed, kept in this process for lists: a version is named by the digest of its bytes, so what was read once stays true.

For showing only. Whoever decides reads the bytes and holds them against their digest anew.
"""

from __future__ import annotations

from collections.abc import Collection
from threading import Lock

from approvals.models import PolicyVersion
from attestations.blobs import bytes_of
from proofs.policy.evaluate import Policy, parse_policy

MOST_KEPT = 256

_KEPT: dict[str, Policy] = {}
_LOCK = Lock()


def parsed_policies(digests: Collection[str]) -> dict[str, Policy]:
    """Return the policies with these digests that are stored. One query for those that this process has not read before, and none where it has."""
    with _LOCK:
        found = {digest: _KEPT[digest] for digest in digests if digest in _KEPT}
    missing = [digest for digest in digests if digest not in found]
    if missing:
        rows = PolicyVersion.objects.filter(pk__in=missing).select_related("document")
        read = {row.pk: parse_policy(bytes_of(row.document)) for row in rows}
        found |= read
        with _LOCK:
            # The oldest give way. Those of one page are far fewer than are kept.
            for digest in list(_KEPT)[: max(0, len(_KEPT) + len(read) - MOST_KEPT)]:
                del _KEPT[digest]
            _KEPT.update(read)
    return found
