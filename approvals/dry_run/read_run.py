"""What the page of a dry run shows: how far it came, what would change, and what that means for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_noop as noop

from approvals.dry_run.weigh import CANNOT_TELL, NEWLY_ALLOWED, NEWLY_DENIED, OUTCOMES, STILL_ALLOWED, STILL_DENIED
from approvals.models import DryRun, Request
from proofs.digest import sha256_hex

# outcome → label, tone, what it means.
WORDS = {
    NEWLY_ALLOWED: (noop("Newly allowed"), "bad", noop("Denied then, and the draft would let it through. Look at every one.")),
    NEWLY_DENIED: (noop("Newly denied"), "warn", noop("Allowed then, and the draft would stop it.")),
    CANNOT_TELL: (noop("Cannot tell"), "unknown", noop("The draft asks what was not recorded with the request. It counts as no yes.")),
    STILL_ALLOWED: (noop("Still allowed"), "ok", noop("Both let it through.")),
    STILL_DENIED: (noop("Still denied"), "plain", noop("Neither lets it through, or people have not agreed yet.")),
}
PAGE = 50


@dataclass(frozen=True, slots=True)
class RunShown:
    """A dry run as its page shows it; `rows` are one page of those with the chosen outcome."""

    run: DryRun
    counts: list[dict[str, Any]]
    rows: list[Mapping[str, Any]]
    chosen: str
    page: int
    pages: int
    is_outdated: bool
    is_open: bool
    per_week: tuple[float, float]
    in_use: int
    stranded: int
    unsure: int

    @property
    def total(self) -> int:
        """How many requests it is about."""
        return len(self.run.request_ids)


def read_run(run: DryRun, *, show: str, page: int) -> RunShown:
    """Return what a dry run shows of one outcome. One query, for the titles of the rows."""
    by_outcome = {name: [row for row in run.outcomes if row["outcome"] == name] for name in OUTCOMES}
    chosen = show if show in WORDS else next((name for name in OUTCOMES if by_outcome[name]), NEWLY_ALLOWED)
    counts = [
        {"name": name, "count": len(rows), "label": WORDS[name][0], "tone": WORDS[name][1], "words": WORDS[name][2], "here": name == chosen}
        for name, rows in by_outcome.items()
    ]
    pages = max(1, -(-len(by_outcome[chosen]) // PAGE))
    page = min(max(page, 1), pages)
    rows = by_outcome[chosen][(page - 1) * PAGE : page * PAGE]
    requests = Request.objects.in_bulk([row["request"] for row in rows])
    weeks = run.days / 7
    used = [row for row in run.outcomes if row["inUse"]]
    return RunShown(
        run=run,
        counts=counts,
        rows=[{**row, "asked": requests[row["request"]]} for row in rows],
        chosen=chosen,
        page=page,
        pages=pages,
        is_outdated=sha256_hex(run.draft.source.encode()) != run.source_digest,
        is_open=run.state in (DryRun.State.WAITING, DryRun.State.CLAIMED),
        per_week=(_per_week(run, "then", weeks), _per_week(run, "after", weeks)),
        in_use=len(used),
        stranded=sum(row["outcome"] == NEWLY_DENIED for row in used),
        unsure=sum(row["outcome"] not in (NEWLY_DENIED, STILL_ALLOWED) for row in used),
    )


def _per_week(run: DryRun, name: str, weeks: float) -> float:
    return round(sum(int(row[name]) for row in run.outcomes if row["recent"]) / weeks, 1)
