"""Search: what is found, by whom, and in how many queries."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from identities.models import Identity, Team
from reports.search.find import MOST, search
from tests import cast
from tests import make_approvals as make
from tests.reports.test_sections import LEFT_PAD, send_bill

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> make.Stage:
    made = make.set_stage()
    make.send_provenance(made)
    make.approve(make.ask(), cast.alice())
    return made


def found(query: str, reader: Identity | None = None) -> dict[str, list[str]]:
    results = search(query, reader=reader or cast.carol())
    return {group.name: [hit.words for hit in group.hits] for group in results.found}


def outsider() -> Identity:
    return cast.person("olga", "Olga Berg", "auditor", team=Team.objects.create(slug="others", name="Others"))


@pytest.mark.usefixtures("stage")
class TestFound:
    def test_an_artifact_by_name_and_a_request_by_title(self) -> None:
        assert found("payments/api")["Artifacts"] == ["payments/api:1.4.2"]
        assert found("PAYMENTS/API 1.4")["Requests"] == ["payments/api 1.4.2"]

    @pytest.mark.parametrize("length", [6, 12, 63])
    @pytest.mark.parametrize("prefix", ["", "sha256:", "SHA256:"])
    def test_an_artifact_by_the_beginning_of_its_digest(self, prefix: str, length: int) -> None:
        assert found(prefix + make.image().partition(":")[2][:length])["Artifacts"] == ["payments/api:1.4.2"]

    def test_five_characters_of_a_digest_are_a_name(self) -> None:
        assert "Artifacts" not in found(make.image().partition(":")[2][:5])

    def test_people_and_programs_apart(self) -> None:
        assert found("alice") == {"People": ["Alice Chen"]}
        assert found("release workflow")["Identities"] == [cast.runner().name]

    def test_a_commit_by_its_beginning(self) -> None:
        assert found("b7e2f4a")["Commits"] == ["payments/api:1.4.2"]
        assert "Commits" not in found("b7e2f4")
        assert found("0000000") == {}

    def test_a_request_by_its_id(self) -> None:
        request = make.ask()
        assert found(request.pk)["Requests"] == ["payments/api 1.4.2"]

    def test_a_package_by_package_url_of_any_version_or_one(self, stage: make.Stage) -> None:
        send_bill(stage, LEFT_PAD)
        assert found("pkg:npm/left-pad")["Packages"] == [LEFT_PAD]
        assert found(LEFT_PAD)["Packages"] == [LEFT_PAD]
        assert found("pkg:npm/left-pad@9") == {} and found("pkg:") == {}

    def test_no_more_than_a_few_of_a_kind_and_a_way_to_the_rest(self) -> None:
        for number in range(MOST + 2):
            cast.person(f"extra{number}", f"Extra Person {number}", "auditor")
        (group,) = search("Extra Person", reader=cast.carol()).found
        assert (len(group.hits), group.more) == (MOST, "/identities?kind=person&q=Extra%20Person")


@pytest.mark.usefixtures("stage")
class TestWhoReads:
    def test_another_teams_requests_are_not_found(self) -> None:
        stranger = outsider()
        assert "Requests" not in found("payments/api", stranger)
        assert found("payments/api", stranger)["Artifacts"] == ["payments/api:1.4.2"]

    def test_a_name_that_only_a_request_gave_is_not_found_by_others(self) -> None:
        make.ask(tag="9.9")
        assert found("api:9.9")["Artifacts"] == ["payments/api:9.9"]
        assert found("api:9.9", outsider()) == {}

    def test_who_is_not_active_finds_nothing(self) -> None:
        Identity.objects.filter(pk=cast.carol().pk).update(status="suspended")
        assert found("payments", Identity.objects.get(pk=cast.carol().pk)) == {}


@pytest.mark.usefixtures("stage")
class TestPage:
    def get(self, client: Client, query: str = "") -> Any:
        client.force_login(cast.account_of(cast.carol()))
        return client.get("/search", {"q": query} if query else {})

    def test_groups_what_it_found(self, client: Client) -> None:
        html = self.get(client, "payments").content.decode()
        assert ">Artifacts</h2>" in html and ">Requests</h2>" in html and 'value="payments"' in html

    def test_a_whole_digest_leads_to_its_passport(self, client: Client) -> None:
        assert self.get(client, make.image())["Location"] == f"/artifacts/{make.image()}"

    def test_says_what_can_be_found_and_what_a_miss_means(self, client: Client) -> None:
        assert "Find artifacts by name" in self.get(client).content.decode()
        assert "too short" in self.get(client, "a").content.decode()
        html = self.get(client, "<b>nothing</b>").content.decode()
        assert "Nothing matches “<bdi>&lt;b&gt;nothing&lt;/b&gt;</bdi>”" in html and "See all artifacts" in html

    def test_as_many_queries_for_fifty_as_for_one(self) -> None:
        def count() -> int:
            with CaptureQueriesContext(connection) as asked:
                search("payments", reader=cast.carol())
            return len(asked)

        count()
        before = count()
        for number in range(50):
            cast.person(f"payments{number}", f"Payments Person {number}", "auditor")
        assert count() == before <= 8
