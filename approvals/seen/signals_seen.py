"""Which signals somebody saw on pages they decided, so that the next page puts first what is new to them. Theirs alone, and gone after a while.

The same words, about the same thing, in the same project and environment: anything else is new. Nothing is decided by it, and nothing of it is
signed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import OuterRef, Subquery

from approvals.models import Approval, SignalsSeen
from approvals.requests.snapshot import read_snapshot
from attestations.blobs import bytes_of
from identities.models import Identity
from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex

KEPT = timedelta(days=365)
# Of one place, the newest: a page has a handful.
MOST_KEPT = 200
BATCH = 500


@transaction.atomic
def note_seen(*, answer: Approval, now: datetime) -> None:
    """Keep that whoever gave this answer saw every signal of the page it is about. Twice is as good as once."""
    revision, request = answer.revision, answer.revision.request
    comparison = read_snapshot(bytes_of(revision.snapshot)).get("comparison")
    told = {_words_of(signal): int(now.timestamp()) for signal in (comparison or {"signals": []})["signals"]}
    if not told:
        return
    place = {"identity_id": answer.identity_id, "project_id": request.project_id, "environment_id": request.environment_id}
    SignalsSeen.objects.bulk_create([SignalsSeen(**place, words={}, seen_at=now)], ignore_conflicts=True)
    row = SignalsSeen.objects.select_for_update(no_key=True, of=("self",)).get(**place)
    newest = sorted({**row.words, **told}.items(), key=lambda item: (-item[1], item[0]))
    row.words, row.seen_at = dict(newest[:MOST_KEPT]), now
    row.save(update_fields=["words", "seen_at"])


def seen_by(reader: Identity) -> Subquery:
    """Return, for a query of requests, what `reader` saw where each of them asks: given to `read_seen`. So it takes no query of its own."""
    rows = SignalsSeen.objects.filter(identity=reader, project=OuterRef("project"), environment=OuterRef("environment"))
    return Subquery(rows.values("words")[:1])


def read_seen(words: Mapping[str, int] | None, *, signals: Sequence[Mapping[str, Any]], now: datetime) -> dict[str, datetime]:
    """Return when each of these signals was last on a page that was decided, by the signal's digest; what never was is absent, and so is what was
    longer ago than `KEPT`. `words` is what `seen_by` gave, `signals` are as `approvals.pages.comparison_words` describes them."""
    found = {signal["digest"]: (words or {}).get(_words_of(signal)) for signal in signals}
    seen = {digest: datetime.fromtimestamp(at, UTC) for digest, at in found.items() if at is not None}
    return {digest: at for digest, at in seen.items() if at >= now - KEPT}


def forget_seen(*, now: datetime, limit: int = BATCH) -> int:
    """Delete what was last seen longer ago than `KEPT`, at most `limit` rows of it; return how many that were."""
    old = list(SignalsSeen.objects.filter(seen_at__lt=now - KEPT).order_by("seen_at").values_list("pk", flat=True)[:limit])
    return SignalsSeen.objects.filter(pk__in=old).delete()[0] if old else 0


def _words_of(signal: Mapping[str, Any]) -> str:
    """Return a digest (half a SHA-256, in hex) of what is said and of what. Not of how grave it is, or whether it is asked: that hangs on the others."""
    return sha256_hex(canonical_bytes({name: str(signal[name]) for name in ("id", "about", "sentence")}))[:32]
