"""Granted beside observed: one row for each right that was held, and one for each kind of deed that no right covered. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from reports.identity_use.use import (
    ANYTHING,
    API,
    READ_SCOPE,
    SECRET,
    TOOL,
    Deed,
    Held,
    Record,
    Use,
    UseFinding,
    listed,
)

USED, UNUSED, UNKNOWN, NOT_GRANTED = "used", "unused", "unknown", "not_granted"


@dataclass(frozen=True, slots=True)
class Row:
    """A right and its use. `deeds` is None where nothing tells; `granted` is None where no right was held."""

    words: str
    right: str
    object: str
    project: str
    environment: str
    source: str
    granted: Record | None
    since: datetime | None
    until: datetime | None
    state: str
    deeds: int | None
    last_used: Record | None
    suggestion: str


def compare_use(use: Use, findings: Iterable[UseFinding]) -> tuple[Row, ...]:
    """Return the rows, what was held first. A right that nothing reports on is `unknown`, never unused."""
    unused = {
        record.id for finding in findings if finding.code == "use.unused_grant" for record in finding.records if finding.outcome == "fail"
    }
    rows = [_row(held, use, unused) for held in use.held_then]
    missing: dict[tuple[str, str, str, str], list[Deed]] = {}
    for deed in use.deeds:
        if not any(held.counts_for(deed) for held in use.held):
            missing.setdefault((deed.right, deed.object, deed.project, deed.environment), []).append(deed)
    return (*rows, *(_missing(deeds) for _, deeds in sorted(missing.items())))


def _row(held: Held, use: Use, unused: set[str]) -> Row:
    deeds = [deed for deed in use.deeds if held.counts_for(deed)]
    last = max(deeds, key=lambda deed: deed.at, default=None)
    state = USED if deeds else UNUSED if _is_told(held, use) else UNKNOWN
    return Row(
        words=held.words,
        right=held.right,
        object=held.object,
        project=held.project,
        environment=held.environment,
        source=held.source,
        granted=held.record,
        since=held.since,
        until=held.until,
        state=state,
        deeds=None if state == UNKNOWN else len(deeds),
        last_used=last.record if last else None,
        suggestion=_suggest(held, deeds, state, held.record.id in unused),
    )


def _is_told(held: Held, use: Use) -> bool:
    if held.right in (TOOL, SECRET):
        return any(deed.right == held.right for deed in use.deeds)
    if held.right == API and held.may_have_called_in(use.window):
        return False
    return use.has_telemetry and (not use.cut_off or (held.right == API and held.object == READ_SCOPE))


def _suggest(held: Held, deeds: list[Deed], state: str, was_idle: bool) -> str:
    if held.object == ANYTHING:
        used = listed((deed.object for deed in deeds), most=3)
        return f"Grant what it uses instead: {used}." if used else "Grant what it needs by name instead of anything."
    if state == UNKNOWN:
        return "Ask its owner: no record tells."
    if was_idle and state == UNUSED:
        return "Take it away, unless its owner says what for."
    return "Keep." if state == USED else "Too early to tell: not held for the whole of the window."


def _missing(deeds: list[Deed]) -> Row:
    last = max(deeds, key=lambda deed: deed.at)
    return Row(
        words=last.words,
        right=last.right,
        object=last.object,
        project=last.project,
        environment=last.environment,
        source="",
        granted=None,
        since=None,
        until=None,
        state=NOT_GRANTED,
        deeds=len(deeds),
        last_used=last.record,
        suggestion="Find out how it came in: the API asks for a credential."
        if last.right == API
        else "Look at the record; grant it, if it is meant.",
    )
