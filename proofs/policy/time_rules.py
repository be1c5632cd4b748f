"""Rules about the clock: a freeze, and the hours in which something may go. Judged where promotion asks, at that moment.

Windows and hours are half-open and on the wall clock of their zone. Where a clock is put forward or back, a freeze takes the longer of
two readings. A zone that is not known here denies.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from proofs.policy.document import Policy
from proofs.policy.outcome import TIME_MISSING, RuleOutcome, as_document
from proofs.policy.rules import DAYS, FreezeRule, HoursRule, TimeRule
from proofs.policy.waive import waive
from proofs.policy.zones import find_zone

_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)


def evaluate_times(policy: Policy, kind: str, at: datetime | None, *, policy_input: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """Return the outcome of every rule about the clock for this kind of request, in the policy's order, as rule documents.

    `policy_input` brings the waivers that are alive; without it nothing is waived. Without a moment every such rule fails.
    """
    rules = [rule for rule in policy.for_kind(kind).rules if isinstance(rule, (FreezeRule, HoursRule))]
    facts = policy_input or {}
    return [as_document(rule, waive(policy, rule, _evaluate(rule, at), facts, at)) for rule in rules]


def describe_times(rule: TimeRule) -> RuleOutcome:
    """Return what stands of such a rule in a result that people sign: it awaits the moment."""
    return RuleOutcome("awaiting", "", f"{rule.title}: judged at the moment of promotion, on the clocks of {rule.zone}.")


def _evaluate(rule: TimeRule, at: datetime | None) -> RuleOutcome:
    if at is None:
        return RuleOutcome("fail", TIME_MISSING, f"{rule.title} cannot be shown: no moment is named.")
    zone = find_zone(rule.zone)
    if zone is None:
        return RuleOutcome("fail", "policy.zone_unknown", f"{rule.title} cannot be shown: the time zone {rule.zone} is not known here.")
    try:
        return _frozen(rule, zone, at) if isinstance(rule, FreezeRule) else _within_hours(rule, zone, at)
    except OverflowError:
        return RuleOutcome("fail", TIME_MISSING, f"{rule.title} cannot be shown: the moment is beyond what can be reckoned.")


def _frozen(rule: FreezeRule, zone: ZoneInfo, at: datetime) -> RuleOutcome:
    spans = sorted((min(_readings(window.start, zone)), max(_readings(window.end, zone)), window.why) for window in rule.windows)
    reasons = [why for start, end, why in spans if start <= at < end]
    if not reasons:
        return RuleOutcome("pass", "", f"{rule.title}: no freeze at {_shown(at, zone)}.")
    opens = at
    for start, end, _ in spans:
        if start <= opens < end:
            opens = end
    return RuleOutcome(
        "fail", "policy.frozen", f"{rule.title}: frozen at {_shown(at, zone)} ({reasons[0]!r}). It opens at {_shown(opens, zone)}."
    )


def _within_hours(rule: HoursRule, zone: ZoneInfo, at: datetime) -> RuleOutcome:
    if _is_open(rule, zone, at):
        return RuleOutcome("pass", "", f"{rule.title}: {_shown(at, zone)} is within the hours.")
    sentence = f"{rule.title}: {_shown(at, zone)} is outside the hours. It opens at {_shown(_next_opening(rule, zone, at), zone)}."
    return RuleOutcome("fail", "policy.outside_hours", sentence)


def _is_open(rule: HoursRule, zone: ZoneInfo, at: datetime) -> bool:
    local = at.astimezone(zone)
    minutes = local.hour * 60 + local.minute
    today, before = DAYS[local.weekday()] in rule.days, DAYS[local.weekday() - 1] in rule.days
    if rule.start < rule.end:
        return today and rule.start <= minutes < rule.end
    return (today and minutes >= rule.start) or (before and minutes < rule.end)


def _next_opening(rule: HoursRule, zone: ZoneInfo, at: datetime) -> datetime:
    midnight = at.astimezone(zone).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
    for ahead in range(9):
        # Where the clock is put forward over the beginning, it opens at the first minute that there is.
        first, last = sorted(_readings(midnight + ahead * _DAY + rule.start * _MINUTE, zone))
        for minute in range(int((last - first) / _MINUTE) + 1):
            opens = first + minute * _MINUTE
            if opens > at and _is_open(rule, zone, opens):
                return opens
    return at + 7 * _DAY


def _readings(wall: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return both moments that a wall-clock time can mean: one, but for the hour in which the clock is put forward or back."""
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return first, second


def _shown(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{DAYS[local.weekday()]} {local:%Y-%m-%d %H:%M} ({zone.key})"
