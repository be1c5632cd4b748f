"""What was done is kept, one row a request and no secret in it, and shown to whom it concerns."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from identities.models import AuditEvent, Preferences, Team
from identities.sign_in.events import record_sign_in
from tests import cast
from tests.make_attestations import make_attestation, make_signer, make_statement
from tests.make_ledger import use_own_keys
from tests.make_scim import Provisioning

pytestmark = pytest.mark.django_db
AWAY = {"away_from": "", "away_until": "", "note": ""}


@pytest.fixture(autouse=True)
def own_keys(settings: Any, tmp_path: Path) -> None:
    use_own_keys(settings, tmp_path)


def signed_in(identity: Any) -> Client:
    client = Client()
    client.force_login(cast.account_of(identity))
    return client


def rows() -> list[tuple[str, str, int]]:
    return list(AuditEvent.objects.order_by("pk").values_list("username", "act", "status"))


class TestWhatIsKept:
    def test_a_change_is_one_row_with_who_what_and_from_where(self) -> None:
        signed_in(cast.alice()).post("/settings/away?next=secret", AWAY)
        assert rows() == [("alice", "identities:away", 302)]
        row = AuditEvent.objects.get()
        assert (row.identity, row.path, row.address) == (cast.alice(), "/settings/away", "127.0.0.1")

    def test_reading_leaves_none_and_taking_a_file_does(self) -> None:
        client = signed_in(cast.dave())
        client.get("/settings/away")
        client.get("/identities")
        assert rows() == []
        assert client.get("/audit/export.csv").status_code == 200
        assert client.get("/identities/export.csv").status_code == 200
        assert rows() == [("dave", "identities:audit_export", 200), ("dave", "identities:export", 200)]

    def test_refused_ones_too(self, settings: Any) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(cast.account_of(cast.alice()))
        client.post("/settings/away", AWAY)
        client.get("/audit/export.csv")
        client.post("/no/such/page")
        assert rows() == [
            ("alice", "identities:away", 403),
            ("alice", "identities:audit_export", 403),
            ("alice", "nowhere", 404),
        ]

    def test_a_program_by_its_credential_and_nobody_by_a_wrong_one(self) -> None:
        runner = cast.runner()
        token = cast.token_of(runner)
        for bearer in (token, f"{token}x"):
            Client().post("/api/v1/attestations", b"{}", content_type="application/json", headers={"Authorization": f"Bearer {bearer}"})
        row = AuditEvent.objects.get()
        assert (row.identity, row.username) == (runner, "")
        assert row.status >= 400

    def test_a_sign_out_is_still_theirs_and_a_strangers_attempt_nobodys(self) -> None:
        signed_in(cast.alice()).post("/accounts/logout/")
        Client().post("/accounts/login/", {"login": "alice", "password": "wrong"})
        assert rows() == [("alice", "account_logout", 302)]

    def test_what_waited_for_a_fresh_proof_is_kept_when_it_is_done(self) -> None:
        client = signed_in(cast.dave())
        path = f"/people/{cast.bob().pk}/roles/add"
        client.post(path, {"role": "requester", "where": "", "reason": "needed"})
        client.post("/accounts/reauthenticate/", {"password": "wrong", "next": path})
        client.post("/accounts/reauthenticate/", {"password": cast.PASSWORD, "next": path})
        kept = list(AuditEvent.objects.order_by("pk").values_list("act", "path"))
        again = ("account_reauthenticate", "/accounts/reauthenticate/")
        assert kept == [("identities:role_add", path), again, again, ("identities:role_add", path)]

    def test_no_secret_of_a_path_query_or_body(self) -> None:
        client = signed_in(cast.alice())
        client.post("/accounts/password/reset/key/3-se-cret/?token=se-cret", {"password1": "se-cret"})
        client.post("/accounts/password/change/", {"oldpassword": "se-cret"})
        for row in AuditEvent.objects.values_list("act", "path", "username", "address"):
            assert "cret" not in "".join(row)

    def test_the_proxies_in_front_and_no_others_are_believed(self, settings: Any) -> None:
        settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
        client = signed_in(cast.alice())
        client.post("/settings/away", AWAY, headers={"X-Forwarded-For": "203.0.113.9, 198.51.100.7"})
        assert AuditEvent.objects.get().address == "198.51.100.7"


class TestPages:
    def test_show_the_own_team_with_sign_ins_and_nothing_of_another(self) -> None:
        search = Team.objects.create(slug="search", name="Search")
        stranger = cast.person("sam", "Sam Search", "administrator", team=search)
        signed_in(cast.alice()).post("/settings/away", AWAY)
        signed_in(stranger).post("/settings/away", AWAY)
        record_sign_in(username="alice", outcome="failed", address="192.0.2.9", identity=None, now=cast.NOW)
        record_sign_in(username="sam", outcome="failed", address="192.0.2.77", identity=None, now=cast.NOW)
        for reader in (cast.carol(), cast.dave()):
            page = signed_in(reader).get("/audit").content.decode()
            assert "Alice Chen" in page and "192.0.2.9" in page and "Failed to sign in" in page
            assert "Sam Search" not in page and "192.0.2.77" not in page
            assert signed_in(reader).get(f"/audit?person={stranger.pk}").status_code == 404
            assert "sam" not in signed_in(reader).get("/audit/export.csv").content.decode().lower().replace("same", "")

    def test_are_for_auditors_and_administrators_of_a_whole_team(self) -> None:
        for nobody in (cast.alice(), cast.bob(), cast.mallory()):
            assert signed_in(nobody).get("/audit").status_code == 403
        narrow = cast.person("nora", "Nora", "auditor", project=cast.payments_api())
        assert signed_in(narrow).get("/audit").status_code == 403

    def test_narrow_by_person_kind_and_time(self) -> None:
        signed_in(cast.alice()).post("/settings/away", AWAY)
        signed_in(cast.bob()).post("/settings/away", AWAY)
        record_sign_in(username="alice", outcome="signed_in", address="", identity=cast.alice(), now=cast.NOW)
        carol = signed_in(cast.carol())
        listed = lambda query: carol.get(f"/audit?{query}").context["page"].object_list  # noqa: E731
        assert {line.name for line in listed(f"person={cast.bob().pk}")} == {"Bob Ruiz"}
        assert [line.did for line in listed("kind=sign-ins")] == ["sign-in:signed_in"]
        assert {line.did for line in listed("kind=changes")} == {"identities:away"}
        assert [line.did for line in listed("until=2026-03-02")] == ["sign-in:signed_in"]
        assert "Nothing fits" in carol.get("/audit?kind=exports&until=2020-01-01").content.decode()

    @pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
    @pytest.mark.parametrize("query", ["since=0001-01-01", "since=9999-12-31", "until=0001-01-01", "until=9999-12-31"])
    def test_any_day_of_the_calendar_in_any_zone(self, query: str, zone: str) -> None:
        Preferences.objects.create(identity=cast.carol(), time_zone=zone, changed_at=cast.NOW)
        assert signed_in(cast.carol()).get(f"/audit?{query}").status_code == 200

    def test_handed_out_evidence_is_an_export_and_no_change(self) -> None:
        sent = make_attestation(make_signer().sign(make_statement("app")))
        bob = signed_in(cast.bob())
        assert bob.get(f"/attestations/{sent.pk}/raw").status_code == 200
        listed = lambda kind: signed_in(cast.carol()).get(f"/audit?kind={kind}").context["page"].object_list  # noqa: E731
        assert [(line.name, line.did) for line in listed("exports")] == [("Bob Ruiz", "attestations:raw")]
        assert not listed("changes")

    def test_provisioning_is_shown_to_those_who_may_change_how_people_sign_in(self) -> None:
        Provisioning().add_user()
        names = lambda reader: [line.name for line in signed_in(reader).get("/audit").context["page"].object_list]  # noqa: E731
        assert names(cast.dave()) == ["provisioning by corp"]
        assert names(cast.carol()) == []
        assert "provisioning by corp" in signed_in(cast.dave()).get("/audit/export.csv").content.decode()

    def test_people_see_their_own_and_nobody_elses(self) -> None:
        signed_in(cast.bob()).post("/settings/away", AWAY)
        signed_in(cast.mallory()).post("/notices/read")
        page = signed_in(cast.mallory()).get("/settings/activity").content.decode()
        assert "Notices read" in page
        assert "/settings/away</code>" not in page

    def test_the_file_has_no_cell_that_a_spreadsheet_runs(self) -> None:
        alice = cast.alice()
        alice.name = '=HYPERLINK("https://evil.example")'
        alice.save(update_fields=["name"])
        signed_in(alice).post("/settings/away", AWAY)
        answer = signed_in(cast.carol()).get("/audit/export.csv")
        heading, line = csv.reader(io.StringIO(answer.content.decode()))
        assert heading == ["when", "who", "identity", "did", "what", "address", "answer"]
        assert line[1] == "'" + alice.name
        assert "attachment" in answer["Content-Disposition"]


def test_old_ones_are_forgotten_with_the_sign_ins() -> None:
    signed_in(cast.alice()).post("/settings/away", AWAY)
    signed_in(cast.bob()).post("/settings/away", AWAY)
    call_command("forget_sign_ins", "--days", "1")
    assert len(rows()) == 2
    call_command("forget_sign_ins", "--days", "0", "--username", "alice")
    assert [username for username, _, _ in rows()] == ["bob"]
