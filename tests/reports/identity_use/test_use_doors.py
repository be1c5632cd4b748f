"""The page and the API: who may look, which windows they take, and that both say the same."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from identities.models import Identity
from proofs.errors import Malformed
from reports.identity_use.use import TITLES, Window
from reports.identity_use.window import read_window
from tests import cast
from tests import make_approvals as make
from tests.make_observations import watcher

AT = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)


def signed_in(client: Client, person: Identity) -> Client:
    client.force_login(cast.account_of(person))
    return client


def page_of(identity: Identity) -> str:
    return f"/identities/{identity.pk}/use"


def ask_api(client: Client, identity: Identity, token: str = "", **query: str) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return client.get(f"/api/v1/identities/{identity.pk}/use", query, headers=headers)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("", ""), Window(AT - timedelta(days=90), AT)),
        (("2026-03-01", "2026-03-10"), Window(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 11, tzinfo=UTC))),
        (("2026-03-01", "2026-03-20"), Window(datetime(2026, 3, 1, tzinfo=UTC), AT)),
        (
            ("2026-03-01T06:30:00Z", "2026-03-01T07:00:00Z"),
            Window(datetime(2026, 3, 1, 6, 30, tzinfo=UTC), datetime(2026, 3, 1, 7, tzinfo=UTC)),
        ),
        (("", "2026-03-10T00:00:00Z"), Window(datetime(2025, 12, 10, tzinfo=UTC), datetime(2026, 3, 10, tzinfo=UTC))),
    ],
)
def test_a_window_is_two_days_or_two_moments(given: tuple[str, str], expected: Window) -> None:
    assert read_window(unverified_from=given[0], unverified_to=given[1], now=AT) == expected


@pytest.mark.parametrize(
    "given",
    [
        ("2026-03-10", "2026-03-01"),
        ("2026-03-21", ""),
        ("soon", ""),
        ("", "2026-02-30"),
        ("20260301", ""),
        ("2026-W10-1", ""),
        ("2026-03-01T00:00:00+01:00", ""),
        ("", "9999-12-32"),
        ("0001-01-01", "0001-01-01T00:00:00Z"),
    ],
)
def test_what_is_no_window_is_refused(given: tuple[str, str]) -> None:
    with pytest.raises(Malformed) as caught:
        read_window(unverified_from=given[0], unverified_to=given[1], now=AT)
    assert caught.value.code == "use.window"


def test_a_window_at_the_ends_of_the_calendar_breaks_nothing() -> None:
    assert read_window(unverified_from="0001-01-01", unverified_to="9999-12-31", now=AT).until == AT
    assert read_window(unverified_from="", unverified_to="0001-01-01", now=AT).until == datetime(1970, 1, 2, tzinfo=UTC)


@pytest.mark.django_db
def test_the_page_answers_in_words_with_a_link_to_each_record(client: Client) -> None:
    now = timezone.now().replace(microsecond=0)
    stage = make.set_stage(now=now - timedelta(hours=1))
    sent = make.send_provenance(stage, now=now - timedelta(minutes=30))
    response = signed_in(client, cast.carol()).get(page_of(cast.runner()))
    text = response.content.decode()
    assert response.status_code == 200
    assert "Was it overprivileged or misused?" in text
    assert "use.wildcard_grant" in text
    assert f"/attestations/{sent.pk}" in text
    assert "Overprivileged" in text


@pytest.mark.django_db
def test_without_any_record_the_page_says_so_and_shows_no_zero(client: Client) -> None:
    seen = watcher()
    cast.let_attest(seen, "https://example.test/check/v1")
    text = signed_in(client, cast.carol()).get(page_of(seen)).content.decode()
    assert "No telemetry." in text
    assert "Not known" in text
    assert "Not used" not in text
    shown = ask_api(client, seen).json()
    assert (shown["hasTelemetry"], shown["deeds"], shown["answers"]) == (False, None, ["cannot tell"])
    assert [row["deeds"] for row in shown["comparison"]] == [None]


@pytest.mark.django_db
def test_a_window_before_its_first_deed_says_nothing_of_what_came_after(client: Client) -> None:
    make.send_provenance(make.set_stage())
    signed_in(client, cast.carol())
    text = client.get(page_of(cast.runner()), {"from": "2026-02-01", "to": "2026-02-10"}).content.decode()
    assert "No telemetry." in text and "in or before this window" in text
    assert "ever." not in text and "No record of this portal" not in text


@pytest.mark.django_db
def test_a_wrong_window_is_explained_on_the_page_and_refused_by_the_api(client: Client) -> None:
    signed_in(client, cast.carol())
    response = client.get(page_of(cast.runner()), {"from": "2026-03-10", "to": "x"})
    assert response.status_code == 400
    assert "That is no window." in response.content.decode()
    assert ask_api(client, cast.runner(), to="x").json()["code"] == "use.window"


@pytest.mark.django_db
def test_the_json_says_what_the_page_says(client: Client) -> None:
    stage = make.set_stage()
    sent = make.send_provenance(stage)
    token = cast.token_of(cast.runner())
    shown = ask_api(client, cast.runner(), token, **{"from": "2026-01-01", "to": "2026-04-01"}).json()
    assert shown["since"] == "2026-01-01T00:00:00Z"
    assert shown["until"] == "2026-04-02T00:00:00Z"
    assert "overprivileged" in shown["answers"]
    wildcard = next(word for word in shown["because"] if word["code"] == "use.wildcard_grant")
    assert wildcard["records"][0]["kind"] == "grant"
    assert {(deed["right"], deed["record"]["id"]) for deed in shown["deeds"]} == {("attest", sent.pk), ("api", sent.pk)}
    assert {finding["outcome"] for finding in shown["findings"]} <= {"pass", "fail", "review", "not_applicable", "indeterminate"}


@pytest.mark.django_db
def test_other_teams_neither_see_the_page_nor_the_json(client: Client) -> None:
    runner, stranger = cast.runner(), make.other_teams_bot()
    assert ask_api(client, runner, cast.token_of(stranger)).json()["code"] == "identity.unknown"
    assert stranger.owner is not None
    signed_in(client, stranger.owner)
    assert client.get(page_of(runner)).status_code == 404
    assert ask_api(client, runner).status_code == 404
    assert client.get(page_of(stranger)).status_code == 200


@pytest.mark.django_db
def test_a_role_in_one_project_alone_does_not_open_it(client: Client) -> None:
    guest = cast.person("gil", "Gil Moss", "auditor", project=cast.payments_api())
    assert signed_in(client, guest).get(page_of(cast.runner())).status_code == 403


@pytest.mark.django_db
def test_a_program_needs_the_scope_to_read(client: Client) -> None:
    runner = cast.runner()
    assert ask_api(client, runner, cast.token_of(runner, "gates:decide")).json()["code"] == "permission.scope"
    assert ask_api(client, runner, cast.token_of(watcher(), "read")).status_code == 200


@pytest.mark.django_db
def test_people_have_no_such_report(client: Client) -> None:
    signed_in(client, cast.carol())
    assert client.get(page_of(cast.bob())).status_code == 403
    assert ask_api(client, cast.bob()).json()["code"] == "use.people"
    assert page_of(cast.bob()) not in client.get(f"/identities/{cast.bob().pk}").content.decode()
    assert client.get("/identities/idn_nobody/use").status_code == 404


@pytest.mark.django_db
def test_the_identitys_own_page_leads_there_for_its_team_alone(client: Client) -> None:
    runner = cast.runner()
    assert page_of(runner) in signed_in(client, cast.carol()).get(f"/identities/{runner.pk}").content.decode()
    zoe = make.other_teams_bot().owner
    assert zoe is not None
    assert page_of(runner) not in signed_in(client, zoe).get(f"/identities/{runner.pk}").content.decode()


def shape(value: Any) -> Any:
    """The keys of a JSON value, all the way down, by the first of each list."""
    if isinstance(value, dict):
        return {key: shape(part) for key, part in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value else None


@pytest.mark.django_db
def test_the_json_the_auditors_read_about_has_the_form_of_all(client: Client) -> None:
    stage = make.set_stage()
    make.send_provenance(stage)
    given = ask_api(client, cast.runner(), cast.token_of(cast.runner()), **{"from": "2026-01-01", "to": "2026-04-01"}).json()
    told = (Path(settings.BASE_DIR) / "docs" / "auditors.md").read_text()
    shown = json.loads(re.findall(r"```json\n(.*?)```", told, re.DOTALL)[0])
    assert set(shown) == set(given)
    for part in ("because", "comparison", "deeds"):
        assert shape(shown[part]) == shape(given[part])
    assert set(shown["findings"][0]) == set(given["findings"][0])
    for code in TITLES:
        assert f"| `{code}` |" in told
