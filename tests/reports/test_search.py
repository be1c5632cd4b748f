"""Search: what is found, by whom, and in how many queries."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from approvals.requests.open_request import AskedArtifact, open_request
from attestations.listing import index_older
from attestations.models import Artifact, Listing, Verdict, VerdictSubject
from identities.models import Environment, Identity, Project, Team
from proofs.statement import STATEMENT_V1
from reports.search.find import MOST, search, whole_digest
from reports.search.in_evidence import BEHIND, CUT, find_package
from tests import cast
from tests import make_approvals as make
from tests.reports.test_sections import CYCLONEDX, LEFT_PAD, bill, send_bill

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

    def test_a_digest_as_pages_write_it(self) -> None:
        _, _, hexadecimal = make.image().partition(":")
        assert found(f"sha256:{hexadecimal[:4]} {hexadecimal[4:8]}")["Artifacts"] == ["payments/api:1.4.2"]

    def test_five_characters_of_a_digest_are_a_name(self) -> None:
        assert "Artifacts" not in found(make.image().partition(":")[2][:5])

    @pytest.mark.parametrize("prefix", ["", "sha512:", "SHA512:"])
    def test_the_beginning_of_a_digest_of_another_algorithm(self, prefix: str) -> None:
        digest = "sha512:" + "ab12cd99" * 16
        Artifact.objects.create(digest=digest, name="", first_seen_at=cast.NOW)
        assert found(f"{prefix}ab12cd99")["Artifacts"] == ["unnamed artifact"]
        assert whole_digest(digest) == whole_digest(digest.removeprefix("sha512:")) == digest

    def test_a_name_that_could_be_the_beginning_of_a_digest(self, stage: make.Stage) -> None:
        make.send_provenance(stage, tag="20261128")
        assert found("20261128")["Artifacts"] == ["payments/api:20261128"]

    def test_an_artifact_that_much_was_said_of_hides_no_other(self, stage: make.Stage) -> None:
        for number in range(MOST + 1):
            make.send_provenance(stage, tag=f"2.{number}")
        newest = VerdictSubject.objects.select_related("verdict").latest("pk")
        fields = {field.name: getattr(newest.verdict, field.name) for field in Verdict._meta.concrete_fields if field.name != "id"}
        for number in range(2, 62):
            again = Verdict.objects.create(**{**fields, "number": number})
            VerdictSubject.objects.create(verdict=again, artifact=newest.artifact, name=newest.name, claimed=False)
        (group,) = [group for group in search("payments/api", reader=cast.carol()).found if group.name == "Artifacts"]
        assert (len({hit.href for hit in group.hits}), group.more) == (MOST, "/artifacts?q=payments%2Fapi")

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

    def test_a_package_in_more_than_a_few_artifacts_and_a_way_to_all_of_them(self, stage: make.Stage) -> None:
        for number in range(MOST + 2):
            send_bill(stage, LEFT_PAD, tag=f"2.{number}")
        (group,) = [group for group in search(LEFT_PAD, reader=cast.carol()).found if group.name == "Packages"]
        assert (len(group.hits), group.more) == (MOST, "/packages?purl=pkg%3Anpm%2Fleft-pad%401.3.0")
        first, pages, after = find_package(LEFT_PAD, size=5), 1, ""
        found = []
        while first is not None:
            found += [item.digest for item in first.found]
            after = first.next
            first, pages = (find_package(LEFT_PAD, after=after, size=5), pages + 1) if after else (None, pages)
        assert (len(found), len(set(found)), pages) == (MOST + 2, MOST + 2, 3)

    def test_a_package_only_while_the_newest_verdict_holds(self, stage: make.Stage) -> None:
        sent = send_bill(stage, LEFT_PAD)
        last = sent.verdicts.latest("number")
        fields = {field.name: getattr(last, field.name) for field in last._meta.concrete_fields if field.name != "id"}
        Verdict.objects.create(**{**fields, "number": last.number + 1, "result": "rejected", "signer": None})
        assert found(LEFT_PAD) == {}

    def test_what_may_be_missing_is_said(self, stage: make.Stage) -> None:
        def notes() -> str:
            return " ".join(group.note for group in search(LEFT_PAD, reader=cast.carol()).groups).strip()

        send_bill(stage, LEFT_PAD)
        assert BEHIND in notes()
        while index_older():
            pass
        assert notes() == ""
        Listing.objects.update(left_out=3)
        assert CUT in notes()

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

    def test_packages_and_commits_say_nothing_of_another_teams_requests_and_projects(self, stage: make.Stage, client: Client) -> None:
        """Evidence is everybody's; for what, where and under which name it was asked about is not."""
        hushed = (
            "Hush of payments",
            "hushed/name",
            "Hidden note",
            "Hidden project",
            "hidden-slug",
            "Hidden place",
            "hidden-place",
            "Bob Lim",
        )
        title, name, note, *_ = hushed
        Project.objects.filter(slug="payments-api").update(name="Hidden project", slug="hidden-slug")
        Environment.objects.filter(slug="production").update(name="Hidden place", slug="hidden-place")
        for tag in ("1.4.2", "1.4.3"):
            open_request(
                title=title,
                note=note,
                project=Project.objects.get(slug="hidden-slug"),
                environment=Environment.objects.get(slug="hidden-place"),
                artifacts=[AskedArtifact(make.image(tag), name)],
                by=cast.bob(),
                now=make.NOW,
            )
        send_bill(stage, LEFT_PAD)
        # What a statement does not name has no name here either.
        nameless = {"digest": {"sha256": make.image("1.4.3").partition(":")[2]}}
        statement = {"_type": STATEMENT_V1, "subject": [nameless], "predicateType": CYCLONEDX, "predicate": bill(LEFT_PAD)}
        make.send(stage.instance.sign_as(stage.workload, statement, at=make.NOW))
        client.force_login(cast.account_of(outsider()))
        for address, query, told in (
            ("/packages", {"purl": "pkg:npm/left-pad"}, ("payments/api:1.4.2", "unnamed artifact", make.image("1.4.3"))),
            ("/search", {"q": LEFT_PAD}, ("payments/api:1.4.2", "an unnamed artifact")),
            ("/search", {"q": "b7e2f4a"}, ("payments/api:1.4.2",)),
        ):
            page = client.get(address, query).content.decode()
            assert all(words in page for words in told), address
            assert not [words for words in (*hushed, "req_") if words in page], address

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

    def test_every_artifact_that_holds_a_package_has_a_page(self, client: Client, stage: make.Stage) -> None:
        sent = send_bill(stage, LEFT_PAD)
        client.force_login(cast.account_of(cast.carol()))

        def read(**query: str) -> str:
            return str(client.get("/packages", query).content.decode())

        html = read(purl="pkg:npm/left-pad")
        assert LEFT_PAD in html and make.image() in html and f"/attestations/{sent.pk}" in html
        assert "No artifact is known to hold" in read(purl="pkg:npm/left-pad@9")
        assert "is no package URL" in read(purl="<b>left-pad</b>") and "&lt;b&gt;" in read(purl="<b>left-pad</b>")
        assert "Write a package URL" in read()
        assert "No artifact is known to hold" in read(purl=LEFT_PAD, after="1") and LEFT_PAD in read(purl=LEFT_PAD, after="x" * 99)

    def test_as_many_queries_for_many_bills_as_for_one(self, stage: make.Stage) -> None:
        def count() -> int:
            with CaptureQueriesContext(connection) as asked:
                find_package("pkg:npm/left-pad")
            return len(asked)

        send_bill(stage, LEFT_PAD)
        before = count()
        for number in range(5):
            send_bill(stage, LEFT_PAD, tag=f"2.{number}")
        assert count() == before <= 4

    def test_as_many_queries_for_fifty_as_for_one(self) -> None:
        reader = cast.carol()

        def count() -> int:
            with CaptureQueriesContext(connection) as asked:
                search("payments", reader=reader)
            return len(asked)

        count()
        before = count()
        for number in range(50):
            cast.person(f"payments{number}", f"Payments Person {number}", "auditor")
        assert count() == before <= 8
