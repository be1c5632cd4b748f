"""What a list says of a request's newest revision: what changed, in three tokens at most, and the gravest signal. Value in, value out.

It is kept beside the request's state and can be made again from the snapshot at any time; nothing signed rests on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import F

from approvals.models import RequestState, Revision
from approvals.requests.snapshot import read_snapshot
from attestations.blobs import bytes_of
from proofs.comparison.said import AREA_WORDS, CHANGED, NEW, SEVERITIES

MAX_TOKENS = 3
BATCH = 50


def top_changes(snapshot: Mapping[str, Any]) -> tuple[list[str], str]:
    """Return the tokens of at most three areas that changed, the gravest first, and the sentence of the first signal.

    A snapshot from before releases were compared, and one of which nothing is known, have none.
    """
    compared = snapshot.get("comparison") or {}
    # Where nothing was approved before, all is new: the sentence says so once, and a column of "New" says nothing.
    changed = [area for area in compared.get("areas", ()) if area["state"] in (CHANGED, NEW) and area["token"] not in ("", "New")]
    changed.sort(key=lambda area: SEVERITIES.index(area["severity"]))
    sentence = next((signal["sentence"] for signal in compared.get("signals", ())), "")
    return [_token(area) for area in changed[:MAX_TOKENS]], sentence


def _token(area: Mapping[str, Any]) -> str:
    token = str(area["token"])
    # A tool of an agent is called as it is called.
    lowered = token if area["area"] == "agent" else f"{token[:1].lower()}{token[1:]}"
    return f"{AREA_WORDS.get(area['area'], area['area'])} {lowered}"


def headline_of(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept of `top_changes`, with the level of the signal."""
    tokens, sentence = top_changes(snapshot)
    signals = (snapshot.get("comparison") or {}).get("signals", ())
    return {"tokens": tokens, "sentence": sentence, "level": signals[0]["level"] if signals else ""}


def rebuild_headlines() -> int:
    """Make every headline again from its snapshot, and return how many there are. Safe at any time."""
    count = 0
    newest = Revision.objects.filter(number=F("request__state__revision_number")).select_related("snapshot").order_by("pk")
    for revision in newest.iterator(chunk_size=BATCH):
        RequestState.objects.filter(request=revision.request_id, revision_number=revision.number).update(
            revision=revision, headline=headline_of(read_snapshot(bytes_of(revision.snapshot)))
        )
        count += 1
    return count
