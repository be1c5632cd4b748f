"""What a policy allows beside its rules, and within which bounds: waivers of a rule, and going past it by breaking the glass.

A policy that says nothing of them allows neither.
"""

from __future__ import annotations

from dataclasses import dataclass

from proofs.fields import Fields

MAX_WAIVER_DAYS = 90
MAX_BREAK_GLASS_HOURS = 4
MAX_BREAK_GLASS_USES = 10
MAX_REVIEW_HOURS = 72


@dataclass(frozen=True, slots=True)
class Share:
    """So many different people with this role."""

    role: str
    count: int


@dataclass(frozen=True, slots=True)
class Waivers:
    """For how many days a rule may be waived at most, and who has to agree."""

    max_days: int
    approvals: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """Who may break the glass, for how long and how often, and who has to review it within how many hours."""

    roles: tuple[str, ...]
    validity_hours: int
    max_uses: int
    review_hours: int
    reviewers: Share


def read_waivers(item: Fields) -> Waivers:
    """Read what a policy says of waivers; each role once."""
    item.only("maxDays", "approvals")
    approvals = tuple(_share(share) for share in item.each("approvals", low=1, high=16))
    if len({share.role for share in approvals}) != len(approvals):
        item.refuse("approvals", "every role once")
    return Waivers(item.integer("maxDays", low=1, high=MAX_WAIVER_DAYS), approvals)


def read_break_glass(item: Fields) -> BreakGlass:
    """Read what a policy says of breaking the glass."""
    item.only("roles", "validityHours", "maxUses", "reviewHours", "reviewers")
    return BreakGlass(
        roles=item.texts("roles", low=1, high=16, limit=80),
        validity_hours=item.integer("validityHours", low=1, high=MAX_BREAK_GLASS_HOURS),
        max_uses=item.integer("maxUses", low=1, high=MAX_BREAK_GLASS_USES),
        review_hours=item.integer("reviewHours", low=1, high=MAX_REVIEW_HOURS),
        reviewers=_share(item.fields("reviewers")),
    )


def _share(item: Fields) -> Share:
    item.only("role", "count")
    return Share(item.text("role", limit=80), item.integer("count", low=1, high=32))
