"""Putting a request off: out of one's own list until a day, and nothing else."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from approvals.attention.renew import rebuild_attention
from approvals.desk.read_queue import read_queue
from approvals.desk.snooze import snooze_requests, unsnooze_requests, until_of
from approvals.models import Attention, Request, Snooze
from approvals.requests.status import compute_standing
from identities.models import Identity
from ledger.models import Entry
from proofs.errors import Conflict, Malformed, NotAllowed
from tests import cast
from tests import make_approvals as make

pytestmark = pytest.mark.django_db
UNTIL = make.NOW + timedelta(days=1)


def ready() -> Request:
    cast.alice()
    cast.person("anna", "Anna Berg", "approver:release")
    make.send_provenance(make.set_stage())
    return make.ask()


def tabs_of(person: Identity, *, now: datetime = make.NOW) -> list[str]:
    return [tab for tab in ("mine", "snoozed", "others") if read_queue(person, show=tab, now=now).rows]


class TestSnooze:
    def test_it_is_hidden_from_ones_own_turn_and_comes_back_by_itself(self) -> None:
        request = ready()
        assert snooze_requests(requests=[request.pk], until=UNTIL, by=cast.alice(), now=make.NOW) == 1
        assert tabs_of(cast.alice()) == ["snoozed"]
        assert tabs_of(cast.person("anna", "Anna Berg")) == ["mine"]
        (row,) = read_queue(cast.alice(), show="snoozed", now=make.NOW).rows
        assert row.snoozed_until == UNTIL
        assert tabs_of(cast.alice(), now=UNTIL) == ["mine"]

    def test_it_stays_ones_turn_and_nothing_is_decided_or_written_down(self) -> None:
        request, entries = ready(), Entry.objects.count()
        before = compute_standing(request, now=make.NOW)
        snooze_requests(requests=[request.pk], until=UNTIL, by=cast.alice(), now=make.NOW)
        assert Entry.objects.count() == entries
        assert compute_standing(request, now=make.NOW).status == before.status
        rebuild_attention(now=make.NOW)
        assert Attention.objects.filter(request=request, identity=cast.alice()).exists()
        make.approve(request, cast.alice())

    def test_another_day_takes_the_place_of_the_first(self) -> None:
        request = ready()
        for until in (UNTIL, UNTIL + timedelta(days=3)):
            snooze_requests(requests=[request.pk], until=until, by=cast.alice(), now=make.NOW)
        assert [row.until for row in Snooze.objects.all()] == [UNTIL + timedelta(days=3)]

    def test_it_is_seen_again_when_one_wants(self) -> None:
        request = ready()
        snooze_requests(requests=[request.pk], until=UNTIL, by=cast.alice(), now=make.NOW)
        assert unsnooze_requests(requests=[request.pk], by=cast.person("anna", "Anna Berg")) == 0
        assert unsnooze_requests(requests=[request.pk], by=cast.alice()) == 1
        assert tabs_of(cast.alice()) == ["mine"]

    def test_not_what_waits_for_others(self) -> None:
        request = ready()
        with pytest.raises(Conflict) as refused:
            snooze_requests(requests=[request.pk, "req_none"], until=UNTIL, by=cast.carol(), now=make.NOW)
        assert (refused.value.code, Snooze.objects.count()) == ("attention.not_yours", 0)

    def test_not_without_a_role(self) -> None:
        request = ready()
        for act in (
            lambda: snooze_requests(requests=[request.pk], until=UNTIL, by=cast.mallory(), now=make.NOW),
            lambda: unsnooze_requests(requests=[request.pk], by=cast.mallory()),
        ):
            with pytest.raises(NotAllowed):
                act()


class TestUntil:
    # The story begins on a Monday at nine in UTC.
    def test_is_the_beginning_of_a_day_where_the_reader_is(self) -> None:
        assert until_of("tomorrow", None, zone=UTC, now=make.NOW) == datetime(2026, 3, 3, tzinfo=UTC)
        assert until_of("next-week", None, zone=UTC, now=make.NOW) == datetime(2026, 3, 9, tzinfo=UTC)
        assert until_of("day", date(2026, 3, 5), zone=UTC, now=make.NOW) == datetime(2026, 3, 5, tzinfo=UTC)
        auckland = ZoneInfo("Pacific/Auckland")
        assert until_of("tomorrow", None, zone=auckland, now=make.NOW + timedelta(hours=3)) == datetime(2026, 3, 4, tzinfo=auckland)

    def test_next_week_begins_on_its_monday(self) -> None:
        for days in range(7):
            until = until_of("next-week", None, zone=UTC, now=make.NOW + timedelta(days=days))
            assert until == datetime(2026, 3, 9, tzinfo=UTC)

    @pytest.mark.parametrize("day", [None, date(2026, 3, 2), date(2026, 3, 1), date(2026, 6, 1), date.max, date.min])
    def test_not_a_day_that_is_over_or_far_away(self, day: date | None) -> None:
        with pytest.raises(Malformed) as refused:
            until_of("day", day, zone=UTC, now=make.NOW)
        assert refused.value.code == "snooze.day"
