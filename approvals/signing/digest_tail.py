"""At the highest tier, whoever approves types the end of each artifact's digest: best read off where the artifact lies, not off this page.

It makes somebody look at the one thing that says which artifact it is, and catches a portal that shows another one. It authenticates
nobody and is no part of the statement, which names every digest whole. Of up to `MOST_ASKED` artifacts each is asked for; of more, the end of
the SHA-256 over all their digests, which anybody can make where they lie: `printf '%s\\n' DIGEST… | LC_ALL=C sort | sha256sum`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from approvals.models import Approval, Ceremony, Request, Revision
from approvals.requests.snapshot import read_snapshot
from attestations.blobs import bytes_of
from proofs.digest import parse_digest, sha256_hex
from proofs.errors import Malformed
from proofs.pack.check_signer import HIGHEST_TIER

CHARACTERS = 4
# Who types more than a few types them off the page.
MOST_ASKED = 4
# A whole digest with its algorithm may be pasted.
MOST_CHARACTERS = 140
CODE = "approval.digest_tail"
# What has an artifact that lies somewhere; the others are about a document that only the portal holds.
KINDS = (Request.Kind.RELEASE, Request.Kind.PROMOTION)


class WrongTail(Malformed):
    """What was typed for the `number`th thing asked for (from 0) is not the end of its digest."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(CODE, reason)
        self.number = number


@dataclass(frozen=True)
class AskedTail:
    """A digest whose end is asked for: what it is called, and of how many artifacts it is the digest over all, 0 where it is of one."""

    name: str
    digest: str
    over: int = 0


def asks_for_tail(request: Request) -> bool:
    """Say whether to approve this takes the end of a digest."""
    return request.environment.tier >= HIGHEST_TIER and request.kind in KINDS


def list_asked(artifacts: Sequence[Mapping[str, Any]]) -> list[AskedTail]:
    """Return the digests of a snapshot's artifacts whose ends are asked for, in the order of the page."""
    if len(artifacts) > MOST_ASKED:
        return [AskedTail(f"all {len(artifacts)} artifacts together", digest_over(artifacts), len(artifacts))]
    return [AskedTail(item["name"] or "the artifact", str(parse_digest(item["digest"]))) for item in artifacts]


def digest_over(artifacts: Sequence[Mapping[str, Any]]) -> str:
    """Return the digest over the digests of all artifacts: the SHA-256 of them, sorted, each on a line."""
    lines = sorted(str(parse_digest(item["digest"])) for item in artifacts)
    return f"sha256:{sha256_hex(''.join(line + chr(10) for line in lines).encode())}"


def take_tails(revision: Revision, decision: str, typed: Sequence[str]) -> list[str]:
    """Return the typed ends of the digests, none where none is asked for. Refuses with `approval.digest_tail` for none, a short or another one."""
    if decision != Approval.Decision.APPROVE or not asks_for_tail(revision.request):
        return []
    taken = []
    for number, asked in enumerate(list_asked(read_snapshot(bytes_of(revision.snapshot))["artifacts"])):
        given = (typed[number] if number < len(typed) else "").strip().lower()
        if len(given) < CHARACTERS:
            raise WrongTail(number, f"got {len(given)} characters, expected at least the last {CHARACTERS} of the digest of {asked.name}")
        if not asked.digest.endswith(given):
            words = f"got {given[:20]!r}, expected the last {CHARACTERS} characters of the digest of {asked.name}; look where it lies"
            raise WrongTail(number, words)
        taken.append(given[-CHARACTERS:])
    return taken


def tail_columns(tails: Sequence[str]) -> dict[str, str | None]:
    """Return what a ceremony keeps of the ends that were typed."""
    return {"digest_tail": tails[0] if tails else None, "more_tails": " ".join(tails[1:]) or None}


def typed_in(ceremony: Ceremony) -> list[str]:
    """Return the ends that a ceremony kept, in their order."""
    return [ceremony.digest_tail or "", *(ceremony.more_tails or "").split()]
