"""Rows of a passport's sections, read out of what it holds: environments, names, log entries, and what is said before everything else.

Pure of queries; nothing is judged here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from reports.passport import sentence
from reports.passport.build import Passport, SeenPlace
from reports.passport.facts import Target

_APPROVED = (sentence.APPROVED, sentence.PROMOTED)
MAX_ENTRIES = 100


@dataclass(frozen=True, slots=True)
class EnvironmentRow:
    """One environment: what was asked there, and where the artifact is seen. Each may be nothing."""

    words: str
    target: Target | None
    places: tuple[SeenPlace, ...]

    @property
    def is_approved(self) -> bool:
        return self.target is not None and self.target.state in _APPROVED

    @property
    def is_running_unapproved(self) -> bool:
        """Whether it runs where it is not approved today."""
        return bool(self.places) and not self.is_approved


@dataclass(frozen=True, slots=True)
class NameRow:
    """A name under which the artifact was seen: since when, and what stands there now. `now` is empty while it still leads here."""

    words: str
    seen_at: datetime
    now: str
    changed_at: datetime | None


@dataclass(frozen=True, slots=True)
class LogRow:
    """One entry of the log about the artifact."""

    index: int
    words: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Banner:
    """What has to be known before anything else is read: bad or warn, a heading, and what to do."""

    tone: str
    title: str
    words: str
    anchor: str


def list_environments(passport: Passport) -> list[EnvironmentRow]:
    """Return every environment that the artifact was asked for, or is seen in."""
    places: dict[str, list[SeenPlace]] = {}
    names: dict[str, str] = {}
    for seen in passport.path.places:
        environment = seen.now.place.environment
        if environment is not None and seen.now.observation.digest == passport.digest:
            places.setdefault(environment.pk, []).append(seen)
            names[environment.pk] = environment.name
    # Of several projects that asked for one environment, each is told where it is seen there.
    rows = [EnvironmentRow(target.words, target, tuple(places.get(target.request.environment_id, ()))) for target in passport.targets]
    asked = {target.request.environment_id for target in passport.targets}
    return rows + [EnvironmentRow(names[pk], None, tuple(seen)) for pk, seen in places.items() if pk not in asked]


def list_names(passport: Passport) -> list[NameRow]:
    """Return the names in registries and indexes that lead, or led, to the artifact, those that still do first."""
    rows = []
    for seen in passport.path.places:
        place = seen.now.place
        here = [row for row in seen.now.seen if row.digest == passport.digest]
        if place.is_running or not here:
            continue
        newest = seen.now.seen[0]
        words = f"{place.location}:{place.reference}" if place.reference else place.location
        moved = newest.digest != passport.digest
        rows.append(NameRow(words, here[0].observed_at, newest.digest if moved else "", newest.observed_at if moved else None))
    return sorted(rows, key=lambda row: (bool(row.now), row.words))


def list_entries(passport: Passport) -> list[LogRow]:
    """Return the entries of the log that are about the artifact, as far as the page holds what they are about, the newest first."""
    rows = [
        LogRow(approval.record.entry_id, f"{approval.identity} answered: {approval.get_decision_display().lower()}", approval.signed_at)
        for approval in passport.approvals
    ]
    rows += [
        LogRow(approval.end.entry_id, f"The answer of {approval.identity} ended: {approval.end.sentence}", approval.end.ended_at)
        for approval in passport.approvals
        if hasattr(approval, "end")
    ]
    rows += [
        LogRow(item.row.entry_id, f"The glass was broken for {item.row.environment.name}", item.row.declared_at) for item in passport.glass
    ]
    return sorted(rows, key=lambda row: row.index, reverse=True)[:MAX_ENTRIES]


def list_banners(passport: Passport) -> list[Banner]:
    """Return what has to be known first: altered downstream, taken back, or proved by nobody. A broken glass has a banner of its own."""
    found = []
    wrong = [seen for seen in passport.path.places if seen.is_wrong_about(passport.digest)]
    altered = [seen for seen in wrong if seen.now.observation.digest != passport.digest]
    if altered:
        words = (
            "What a name leads to is not what was approved. Pull by digest, and find out who changed it, before anything starts from there."
        )
        found.append(Banner(sentence.BAD, f"Altered downstream, at {_places(altered)}", words, "places"))
    elif wrong:
        words = "It was seen where people approved something else, or nothing. Find out who put it there."
        found.append(Banner(sentence.BAD, f"Out of place, at {_places(wrong)}", words, "places"))
    revoked = [target.words for target in passport.targets if target.state == sentence.REVOKED]
    if revoked:
        words = "Gates deny it there. What runs already does not stop by itself."
        found.append(Banner(sentence.BAD, f"Approval revoked for {', '.join(revoked)}", words, "approvals"))
    states = {link.state for link in passport.chain if link.kind in ("source", "build")}
    if passport.verdicts and sentence.PROVED not in states:
        words = "No certificate of a registered signer proves where it comes from. What is told of it is what somebody says."
        found.append(Banner(sentence.WARN, "Where it comes from is only claimed", words, "evidence"))
    return found


def _places(seen: Sequence[SeenPlace]) -> str:
    words = [each.now.check.about.words for each in seen if each.now.check.about]
    return f"{words[0]} and {len(words) - 1} more" if len(words) > 1 else "".join(words)
