"""The command palette: what it offers, to whom, and that it is away where shortcuts are off."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from identities.models import Identity, Preferences
from portal.palette.offer import offer
from tests import cast
from tests import make_approvals as make
from tests.make_ledger import use_own_keys

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def portal_keys(settings: Any, tmp_path: Any) -> None:
    use_own_keys(settings, tmp_path)


def offered(query: str, reader: Identity) -> dict[str, list[str]]:
    return {group.name: [hit.words for hit in group.hits] for group in offer(query, reader=reader).groups}


def test_without_a_word_it_offers_pages() -> None:
    assert offered("", cast.carol())["Pages"][:3] == ["Queue", "Artifacts", "Identities"]


def test_what_begins_with_the_letters_comes_first() -> None:
    assert offered("a", cast.carol())["Pages"][:2] == ["Artifacts", "Audit"]


def test_a_page_that_one_may_not_open_is_not_offered() -> None:
    assert "Write a policy" not in str(offered("write", cast.carol()))
    assert "Ask for a release" in offered("release", cast.bob())["Pages"]
    assert "Pages" not in offered("ask for a release", cast.carol())


def test_search_results_come_after_the_pages() -> None:
    stage = make.set_stage()
    make.send_provenance(stage)
    found = offered("payments", cast.carol())
    assert found["Artifacts"] == ["payments/api:1.4.2"]


def test_what_is_found_is_told_in_the_readers_language() -> None:
    make.send_provenance(make.set_stage())
    request = make.ask()
    with translation.override("de"):
        groups = {group.name: group.hits for group in offer("payments", reader=cast.carol()).groups}
    (hit,) = (hit for hit in groups["Anträge"] if hit.words == request.title)
    assert hit.line == f"{request.project.name} nach {request.environment.name}: Bereit zur Prüfung"


def test_the_answer_is_json_for_whoever_is_signed_in(client: Client) -> None:
    assert client.get("/palette").status_code == 302
    client.force_login(cast.account_of(cast.carol()))
    body = client.get("/palette", {"q": "queue"}).json()
    assert body["groups"][0]["hits"][0] == {"words": "Queue", "line": "", "href": "/queue"}
    assert client.post("/palette").status_code == 405


def test_it_follows_the_switch_for_shortcuts_and_the_link_stays(client: Client) -> None:
    carol = cast.carol()
    client.force_login(cast.account_of(carol))
    html = client.get("/artifacts").content.decode()
    assert 'id="palette"' in html and 'href="/search"' in html
    Preferences.objects.update_or_create(identity=carol, defaults={"shortcuts": False, "changed_at": make.NOW})
    html = client.get("/artifacts").content.decode()
    assert 'id="palette"' not in html and 'href="/search"' in html
