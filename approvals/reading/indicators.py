"""How the answers of a team look as a whole: quick ones, late ones, noes, pairs. Reads only.

For at least `FEWEST` answers by at least `FEWEST_PEOPLE` people, so that no number is about one of them. No name stands in any of it.
In the reader's language, because nothing of it is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from django.utils.translation import gettext

from approvals.attention.due import due_at
from approvals.models import Approval, Reading
from identities.models import Preferences, Team
from identities.preferences.formats import zone_of
from proofs.approval.human_approval import parse_human_approval

WINDOW = timedelta(days=90)
FEWEST, FEWEST_PEOPLE = 20, 3
MOST = 2000
QUICK_SECONDS = 10
LAST_MINUTES = timedelta(minutes=10)
WORK_HOURS = range(7, 19)
PAIR_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class Indicator:
    """One number with what it is out of, in words; `is_notable` where it is worth talking about."""

    title: str
    words: str
    is_notable: bool = False


@dataclass(frozen=True, slots=True)
class TeamIndicators:
    """A team's indicators; none where there are too few `answers`, or they are by too few people."""

    team: Team
    answers: int
    indicators: tuple[Indicator, ...]


@dataclass(frozen=True, slots=True)
class _Facts:
    answer: Approval
    asked: int
    reading: Reading | None


def read_indicators(team: Team, *, now: datetime) -> TeamIndicators:
    """Return the indicators of `team` over `WINDOW`, with a number of queries that does not grow."""
    rows = Approval.objects.filter(revision__request__project__team=team, signed_at__gt=now - WINDOW, signed_at__lte=now)
    related = ("revision__request__environment", "revision__request__on_behalf_of", "revision__request__requester")
    answers = list(rows.select_related(*related).order_by("-signed_at", "-pk")[:MOST])
    if len(answers) < FEWEST or len({answer.identity_id for answer in answers}) < FEWEST_PEOPLE:
        return TeamIndicators(team, len(answers), ())
    readings = {
        (row.identity_id, row.revision_id): row for row in Reading.objects.filter(revision__in={answer.revision_id for answer in answers})
    }
    facts = [_Facts(answer, _asked(answer), readings.get((answer.identity_id, answer.revision_id))) for answer in answers]
    zones = dict(Preferences.objects.filter(identity__in={answer.identity_id for answer in answers}).values_list("identity", "time_zone"))
    found = (_noes(facts), _time(facts), _quick(facts), _unopened(facts), _late(facts), _pairs(facts), _hours(facts, zones))
    return TeamIndicators(team, len(answers), found)


def _asked(answer: Approval) -> int:
    return len(parse_human_approval(bytes(answer.payload)).review.acknowledged)


def _approving(facts: Sequence[_Facts]) -> list[_Facts]:
    return [item for item in facts if item.answer.decision == Approval.Decision.APPROVE]


def _noes(facts: Sequence[_Facts]) -> Indicator:
    noes = len(facts) - len(_approving(facts))
    notable = noes == 0
    share = _share(noes, len(facts))
    words = gettext("%(share)s; a gate that never says no may not be needed") % {"share": share} if notable else share
    return Indicator(gettext("Answers that were no"), words, notable)


def _time(facts: Sequence[_Facts]) -> Indicator:
    seconds = [item.reading.seconds for item in _approving(facts) if item.reading is not None]
    title = gettext("Time with the page before approving")
    if not seconds:
        return Indicator(title, gettext("not known: no browser told"))
    found = {"count": len(seconds), "seconds": f"{median(seconds):.0f}"}
    return Indicator(title, gettext("half of %(count)s took less than %(seconds)s s") % found)


def _quick(facts: Sequence[_Facts]) -> Indicator:
    asked = [item for item in _approving(facts) if item.asked and item.reading is not None]
    quick = sum(item.reading is not None and item.reading.seconds < QUICK_SECONDS for item in asked)
    title = gettext("Approved within %(seconds)s s although something was to be ticked") % {"seconds": QUICK_SECONDS}
    return Indicator(title, _share(quick, len(asked)), bool(quick))


def _unopened(facts: Sequence[_Facts]) -> Indicator:
    asked = [item for item in _approving(facts) if item.asked and item.reading is not None]
    unopened = sum(item.reading is not None and not item.reading.opened for item in asked)
    title = gettext("Approved without looking into any changed area, although something was to be ticked")
    return Indicator(title, _share(unopened, len(asked)), bool(unopened))


def _late(facts: Sequence[_Facts]) -> Indicator:
    def due(answer: Approval) -> datetime:
        request = answer.revision.request
        return due_at(kind=str(request.kind), tier=request.environment.tier, frozen_at=answer.revision.frozen_at)

    late = sum(due(item.answer) - LAST_MINUTES <= item.answer.signed_at <= due(item.answer) for item in _approving(facts))
    return Indicator(gettext("Approved in the last ten minutes before it was due"), _share(late, len(_approving(facts))))


def _pairs(facts: Sequence[_Facts]) -> Indicator:
    approving = _approving(facts)
    pairs = Counter(
        (item.answer.identity_id, item.answer.revision.request.on_behalf_of_id or item.answer.revision.request.requester_id)
        for item in approving
    )
    most = max(pairs.values(), default=0)
    return Indicator(
        gettext("Approvals by the one pair of people that is most often together"),
        _share(most, len(approving)),
        bool(approving) and most / len(approving) > PAIR_SHARE,
    )


def _hours(facts: Sequence[_Facts], zones: dict[str, str]) -> Indicator:
    def is_outside(answer: Approval) -> bool:
        local = answer.signed_at.astimezone(zone_of(zones.get(answer.identity_id, "UTC")))
        return local.weekday() > 4 or local.hour not in WORK_HOURS

    outside = sum(is_outside(item.answer) for item in _approving(facts))
    return Indicator(
        gettext("Approved at night or at the weekend, in the approver’s own time zone"), _share(outside, len(_approving(facts)))
    )


def _share(part: int, whole: int) -> str:
    return gettext("%(given)s of %(wanted)s") % {"given": part, "wanted": whole}
