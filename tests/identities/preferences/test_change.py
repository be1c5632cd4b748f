"""Preferences through their pages and acts: kept, shown, and refused where they are none."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from identities.models import Preferences
from identities.preferences.change import change_appearance, change_away, change_mailing
from identities.preferences.current import list_away, preferences_of
from proofs.errors import Malformed, NotAllowed
from tests import cast

pytestmark = pytest.mark.django_db
LOOK: dict[str, Any] = {"theme": "dark", "density": "compact", "language": "en-us", "time_zone": "America/New_York", "shortcuts": False}


def signed_in(username: str = "alice") -> Client:
    client = Client()
    client.force_login(cast.account_of(getattr(cast, username)()))
    return client


class TestAppearance:
    def test_is_kept_and_drawn_by_the_server(self) -> None:
        client = signed_in()
        assert 'data-theme="system" data-density="comfortable" data-shortcuts="on"' in client.get("/settings").content.decode()
        assert client.post("/settings/appearance", {**LOOK, "shortcuts": ""}).status_code == 302
        page = client.get("/settings/keys").content.decode()
        assert '<html lang="en" data-theme="dark" data-density="compact" data-shortcuts="off">' in page

    def test_moments_are_written_in_the_zone_and_order_of_whoever_reads(self) -> None:
        client, alice = signed_in(), cast.alice()
        other = signed_in("dave")
        change_appearance(**LOOK, by=alice, now=cast.NOW)
        path = f"/identities/{cast.runner().pk}"
        assert 'title="March 2, 2026, 4:00:00 AM EST"' in client.get(path).content.decode()
        assert 'title="2 March 2026, 09:00:00 UTC"' in other.get(path).content.decode()

    @pytest.mark.parametrize("name", ["theme", "density", "language", "time_zone"])
    def test_refuses_what_nobody_offered(self, name: str) -> None:
        with pytest.raises(Malformed) as refusal:
            change_appearance(**{**LOOK, name: "../etc"}, by=cast.alice(), now=cast.NOW)
        assert refusal.value.code == "preferences.unknown_choice"
        assert signed_in().post("/settings/appearance", {**LOOK, name: "../etc"}).status_code == 200
        assert not Preferences.objects.exists()

    def test_a_person_without_a_role_keeps_settings_and_a_suspended_one_does_not(self) -> None:
        mallory = cast.mallory()
        change_appearance(**LOOK, by=mallory, now=cast.NOW)
        mallory.status = "suspended"
        with pytest.raises(NotAllowed):
            change_appearance(**LOOK, by=mallory, now=cast.NOW)


class TestMailing:
    def test_what_is_not_ticked_is_not_mailed(self) -> None:
        client, alice = signed_in(), cast.alice()
        client.post("/settings/notifications", {"mailed": ["program.compromised"]})
        assert "approval.recorded" in preferences_of(alice).unmailed
        assert "program.compromised" not in preferences_of(alice).unmailed
        client.post("/settings/notifications", {})
        assert "program.compromised" in preferences_of(alice).unmailed

    def test_what_is_about_keys_and_roles_cannot_be_chosen(self) -> None:
        with pytest.raises(Malformed):
            change_mailing(mailed=["key.revoked"], by=cast.alice(), now=cast.NOW)
        change_mailing(mailed=[], by=cast.alice(), now=cast.NOW)
        assert not {"key.revoked", "role.granted"} & set(preferences_of(cast.alice()).unmailed)


class TestAway:
    def test_others_read_it_where_they_look_for_somebody(self) -> None:
        today = timezone.localdate()
        client = signed_in()
        client.post(
            "/settings/away", {"away_from": today.isoformat(), "away_until": (today + timedelta(days=3)).isoformat(), "note": "Ask Erin"}
        )
        words = list_away([cast.alice().pk], now=timezone.now())[cast.alice().pk]
        assert words.startswith("away until ") and words.endswith(": Ask Erin")
        for path in (f"/identities/{cast.alice().pk}", "/identities"):
            assert "way until" in signed_in("bob").get(path).content.decode()
        client.post("/settings/away", {"back": "yes"})
        assert list_away([cast.alice().pk], now=timezone.now()) == {}

    def test_is_told_by_the_day_where_the_person_is(self) -> None:
        alice = cast.alice()
        change_appearance(**{**LOOK, "time_zone": "Pacific/Auckland"}, by=alice, now=cast.NOW)
        change_away(away_from=date(2026, 3, 3), away_until=date(2026, 3, 3), note="", by=alice, now=cast.NOW)
        assert list_away([alice.pk], now=cast.NOW) == {}
        assert list_away([alice.pk], now=cast.NOW + timedelta(hours=3)) == {alice.pk: "away until 3 March 2026"}
        assert list_away([alice.pk], now=cast.NOW + timedelta(hours=27)) == {}

    @pytest.mark.parametrize(
        ("first", "last", "note", "code"),
        [
            (None, date(2026, 3, 3), "", "preferences.away_order"),
            (date(2026, 3, 4), date(2026, 3, 3), "", "preferences.away_order"),
            (date(2026, 3, 4), None, "x" * 201, "preferences.away_note"),
            (date(2026, 3, 4), None, "a\u202eb", "preferences.away_note"),
        ],
    )
    def test_refuses_days_in_the_wrong_order_and_hidden_text(self, first: date | None, last: date | None, note: str, code: str) -> None:
        with pytest.raises(Malformed) as refusal:
            change_away(away_from=first, away_until=last, note=note, by=cast.alice(), now=cast.NOW)
        assert refusal.value.code == code
