"""Recovery: the person asks, two others agree, one key is enrolled; then everybody who must not, and every moment that is too late."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.template.loader import render_to_string

from identities.actors import actor_of
from identities.keys.describe import is_recovery_shown
from identities.keys.introduce import enrollment_of
from identities.keys.recoveries import EXPIRED, GRANTED, OPEN, USED, standing_of
from identities.models import KeyRecovery, RoleAssignment, SigningKey
from identities.people.recovery.consent_to_recovery import consent_to_recovery
from identities.people.recovery.end_recovery import end_recovery
from identities.people.recovery.open_recovery import open_recovery
from identities.people.roles import end_role
from ledger.models import Entry
from tests import cast, make_recoveries
from tests import make_approvals as make
from tests.identities.test_register import refused
from tests.make_ledger import use_own_keys

pytestmark = pytest.mark.django_db
NOW = cast.NOW


@pytest.fixture(autouse=True)
def keys(settings: Any, tmp_path: Path) -> None:
    use_own_keys(settings, tmp_path)


def events() -> list[str]:
    return [event for event in Entry.objects.order_by("index").values_list("event", flat=True) if event.startswith("recovery.")]


class TestTheWholeWay:
    def test_two_officers_agree_and_she_enrols_one_key(self, settings: Any) -> None:
        settings.RECOVERED_KEY_COOLING_HOURS = 72
        recovery = make_recoveries.granted()
        _, key = make.enrol(cast.alice(), now=NOW + timedelta(hours=1))
        said = enrollment_of(key)
        assert key.recovery == recovery
        assert key.matures_at == NOW + timedelta(hours=73) == said.matures_at
        assert said.recovery is not None
        assert set(said.recovery.officers) == {actor_of(cast.olga()), actor_of(cast.omar())}
        assert standing_of(KeyRecovery.objects.get(), now=NOW).state == USED
        assert events() == ["recovery.opened", "recovery.consented", "recovery.consented", "recovery.used"]
        assert is_recovery_shown(key, now=NOW + timedelta(days=29))
        assert not is_recovery_shown(key, now=NOW + timedelta(days=31))

    def test_it_gives_one_key_and_the_next_is_introduced(self) -> None:
        make_recoveries.granted()
        make.enrol(cast.alice())
        _, second = make.enrol(cast.alice())
        assert second.introduced_by is not None
        assert second.recovery is None

    def test_until_the_second_agrees_nothing_is_enrolled(self) -> None:
        recovery = make_recoveries.opened()
        refused("enrolment.not_introduced", make.enrol, person=cast.alice())
        consent_to_recovery(recovery=recovery, by=cast.olga(), now=NOW)
        refused("enrolment.not_introduced", make.enrol, person=cast.alice())
        assert SigningKey.objects.filter(revoked_at__isnull=True).count() == 0

    def test_the_key_comes_too_late_after_it_ran_out(self, settings: Any) -> None:
        recovery = make_recoveries.granted()
        late = NOW + timedelta(hours=settings.RECOVERY_HOURS)
        assert standing_of(recovery, now=late).state == EXPIRED
        refused("enrolment.not_introduced", make.enrol, person=cast.alice(), now=late)

    def test_an_officer_who_left_carries_it_no_longer(self) -> None:
        recovery = make_recoveries.granted()
        end_role(assignment=RoleAssignment.objects.get(identity=cast.omar()), by=None, now=NOW)
        standing = standing_of(recovery, now=NOW)
        assert (standing.state, standing.missing) == (OPEN, 1)
        refused("enrolment.not_introduced", make.enrol, person=cast.alice())


class TestOpenRecovery:
    def test_asking_twice_is_asking_once(self) -> None:
        first = make_recoveries.opened()
        assert open_recovery(reason="Again", by=cast.alice(), now=NOW) == first
        assert events() == ["recovery.opened"]

    def test_after_it_ran_out_another_can_be_opened(self, settings: Any) -> None:
        first = make_recoveries.opened()
        second = open_recovery(reason="Again", by=cast.alice(), now=NOW + timedelta(hours=settings.RECOVERY_HOURS))
        assert second != first
        assert events() == ["recovery.opened", "recovery.ended", "recovery.opened"]

    def test_refuses_whoever_holds_a_live_key(self) -> None:
        make.enrol(cast.alice())
        refused("recovery.has_key", open_recovery, reason="Forgot it", by=cast.alice(), now=NOW)

    def test_refuses_whoever_never_had_one(self) -> None:
        refused("recovery.first_key", open_recovery, reason="New here", by=cast.alice(), now=NOW)

    @pytest.mark.parametrize("reason", ["", "  ", "x" * 201])
    def test_refuses_without_a_short_reason(self, reason: str) -> None:
        make_recoveries.lose_every_key()
        refused("recovery.reason", open_recovery, reason=reason, by=cast.alice(), now=NOW)

    @pytest.mark.parametrize("who", ["runner", "mallory"])
    def test_refuses_programs_and_whoever_holds_no_role(self, who: str) -> None:
        refused("permission.missing", open_recovery, reason="Lost", by=getattr(cast, who)(), now=NOW)


class TestConsentToRecovery:
    def test_one_officer_twice_is_one_officer(self) -> None:
        recovery = make_recoveries.opened()
        for _ in range(2):
            standing = consent_to_recovery(recovery=recovery, by=cast.olga(), now=NOW)
        assert (standing.state, standing.missing) == (OPEN, 1)
        assert events() == ["recovery.opened", "recovery.consented"]

    def test_refuses_the_person_even_as_an_officer(self) -> None:
        cast.grant_role(identity=cast.alice(), role="officer", team=cast.payments(), by=None, now=NOW)
        refused("recovery.own", consent_to_recovery, recovery=make_recoveries.opened(), by=cast.alice(), now=NOW)

    @pytest.mark.parametrize("who", ["bob", "dave", "carol", "mallory"])
    def test_refuses_whoever_is_no_officer(self, who: str) -> None:
        recovery = make_recoveries.opened()
        refused("permission.missing", consent_to_recovery, recovery=recovery, by=getattr(cast, who)(), now=NOW)

    def test_the_operator_stands_in_for_one_of_two_that_there_are_not(self) -> None:
        recovery = make_recoveries.opened()
        consent_to_recovery(recovery=recovery, by=cast.olga(), now=NOW)
        standing = consent_to_recovery(recovery=recovery, by=None, now=NOW)
        assert standing.state == GRANTED
        _, key = make.enrol(cast.alice())
        said = enrollment_of(key).recovery
        assert said is not None
        assert set(said.officers) == {actor_of(cast.olga()), actor_of(None)}
        shown = render_to_string("identities/_recovered_key.html", {"shown": True, "key": key, "short": False})
        assert "an officer and the operator of this portal agreed" in shown

    def test_the_operator_alone_is_never_enough(self) -> None:
        recovery = make_recoveries.opened()
        for _ in range(2):
            standing = consent_to_recovery(recovery=recovery, by=None, now=NOW)
        assert (standing.state, standing.missing) == (OPEN, 1)

    def test_refuses_the_operator_where_two_can_be_asked(self) -> None:
        recovery = make_recoveries.opened()
        cast.olga(), cast.omar()
        refused("recovery.officers_decide", consent_to_recovery, recovery=recovery, by=None, now=NOW)

    def test_the_operator_may_where_one_of_two_officers_is_the_person(self) -> None:
        cast.grant_role(identity=cast.alice(), role="officer", team=cast.payments(), by=None, now=NOW)
        recovery = make_recoveries.opened()
        consent_to_recovery(recovery=recovery, by=cast.olga(), now=NOW)
        assert consent_to_recovery(recovery=recovery, by=None, now=NOW).state == GRANTED

    def test_refuses_what_is_over(self, settings: Any) -> None:
        recovery = make_recoveries.granted()
        late = NOW + timedelta(hours=settings.RECOVERY_HOURS)
        refused("recovery.expired", consent_to_recovery, recovery=recovery, by=cast.olga(), now=late)
        make.enrol(cast.alice())
        refused("recovery.used", consent_to_recovery, recovery=recovery, by=cast.olga(), now=NOW)


class TestEndRecovery:
    @pytest.mark.parametrize("who", ["alice", "olga"])
    def test_the_person_or_an_officer_ends_it_and_nothing_is_enrolled(self, who: str) -> None:
        recovery = make_recoveries.granted()
        by = getattr(cast, who)()
        for _ in range(2):
            ended = end_recovery(recovery=recovery, by=by, now=NOW)
        assert (ended.ended_at, ended.ended_by) == (NOW, by)
        assert events().count("recovery.ended") == 1
        refused("enrolment.not_introduced", make.enrol, person=cast.alice())
        refused("recovery.ended", consent_to_recovery, recovery=recovery, by=cast.olga(), now=NOW)

    def test_refuses_anybody_else(self) -> None:
        refused("permission.missing", end_recovery, recovery=make_recoveries.opened(), by=cast.dave(), now=NOW)

    def test_refuses_once_the_key_is_there(self) -> None:
        recovery = make_recoveries.granted()
        make.enrol(cast.alice())
        refused("recovery.used", end_recovery, recovery=recovery, by=cast.olga(), now=NOW)
