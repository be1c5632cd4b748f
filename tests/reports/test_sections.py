"""The sections of a passport: environments, names, contents, log entries, downloads, banners, and two artifacts side by side."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from attestations.models import Attestation
from proofs.comparison.packages import read_packages
from proofs.statement import STATEMENT_V1
from reports.passport.build import Passport, build_passport
from reports.passport.contents import compare_packages, read_bills, search_packages
from reports.passport.rows import list_banners, list_entries, list_environments, list_names
from reports.passport.side_by_side import Line, compare_artifacts
from tests import cast
from tests import make_approvals as make
from tests.make_observations import observe, runs, said

pytestmark = pytest.mark.django_db

CYCLONEDX, SPDX = "https://cyclonedx.org/bom/v1.6", "https://spdx.dev/Document/v2.3"
LATER = make.NOW + timedelta(minutes=10)
OTHER = make.image("something else")
LEFT_PAD, LODASH, DEBIAN = "pkg:npm/left-pad@1.3.0", "pkg:npm/%40types/lodash@4.17.21", "pkg:deb/debian/openssl@3.0.11"


def bill(*packages: str) -> dict[str, Any]:
    return {"specVersion": "1.6", "components": [{"bom-ref": url, "name": url, "purl": url} for url in packages]}


def spdx(*packages: str) -> dict[str, Any]:
    listed = [
        {"SPDXID": f"SPDXRef-{n}", "externalRefs": [{"referenceType": "purl", "referenceLocator": url}]} for n, url in enumerate(packages)
    ]
    return {"spdxVersion": "SPDX-2.3", "packages": listed}


def send_bill_at(stage: make.Stage, *packages: str, now: datetime, tag: str = "1.4.2", kind: str = CYCLONEDX) -> Attestation:
    cast.let_attest(cast.runner(now=now), kind, now=now)
    statement = {
        "_type": STATEMENT_V1,
        "subject": [{"name": f"payments/api:{tag}", "digest": {"sha256": make.image(tag).partition(":")[2]}}],
        "predicateType": kind,
        "predicate": bill(*packages) if kind == CYCLONEDX else spdx(*packages),
    }
    return make.send(stage.instance.sign_as(stage.workload, statement, at=now), now=now)


def send_bill(stage: make.Stage, *packages: str, tag: str = "1.4.2", kind: str = CYCLONEDX) -> Attestation:
    return send_bill_at(stage, *packages, now=make.NOW, tag=tag, kind=kind)


def passport(digest: str | None = None) -> Passport:
    return build_passport(digest or make.image(), reader=cast.carol(), now=LATER)


def page(client: Client, path: str, **query: str) -> Any:
    client.force_login(cast.account_of(cast.carol()))
    return client.get(path, query)


def approved() -> make.Stage:
    stage = make.set_stage()
    make.send_provenance(stage)
    make.approve(make.ask(), cast.alice())
    return stage


class TestEnvironments:
    def test_what_was_asked_and_what_is_seen_stand_in_one_row(self) -> None:
        approved()
        observe(runs(at=LATER), now=LATER)
        (row,) = list_environments(passport())
        assert (row.words, row.is_approved, len(row.places)) == ("Production", True, 1)

    def test_two_projects_in_one_environment_are_both_told_where_it_is_seen(self) -> None:
        approved()
        observe(runs(at=LATER), now=LATER)
        found = passport()
        (target,) = found.targets
        rows = list_environments(replace(found, targets=(target, replace(target, words="Production, for web"))))
        assert [(row.words, len(row.places)) for row in rows] == [("Production", 1), ("Production, for web", 1)]

    def test_where_it_runs_without_approval_is_said(self, client: Client) -> None:
        make.set_stage()
        observe(runs(at=LATER), now=LATER)
        (row,) = list_environments(passport())
        assert row.target is None and row.is_running_unapproved
        assert "There without approval" in page(client, f"/artifacts/{make.image()}").content.decode()


class TestNames:
    def test_a_name_that_leads_here_and_one_that_did(self) -> None:
        approved()
        observe(said(at=LATER), said(at=LATER, location="mirror.example/payments/api"), now=LATER)
        observe(said(at=LATER + timedelta(minutes=1), digest=OTHER), now=LATER + timedelta(minutes=1))
        here, before = list_names(passport())
        assert (here.words, here.now) == ("mirror.example/payments/api:1.4.2", "")
        assert (before.words, before.now) == ("registry.example/payments/api:1.4.2", OTHER)

    def test_where_something_runs_is_no_name(self) -> None:
        approved()
        observe(runs(at=LATER), now=LATER)
        assert list_names(passport()) == []


class TestBanners:
    def test_altered_downstream(self, client: Client) -> None:
        approved()
        observe(said(at=LATER, digest=OTHER), now=LATER)
        (banner,) = list_banners(passport())
        assert (banner.tone, banner.title) == ("bad", "Altered downstream, at registry.example/payments/api:1.4.2")
        assert "Altered downstream" in page(client, f"/artifacts/{make.image()}").content.decode()

    def test_seen_in_the_place_of_another(self) -> None:
        approved()
        observe(said(at=LATER, digest=OTHER), now=LATER)
        assert [banner.title for banner in list_banners(passport(OTHER))] == ["Out of place, at registry.example/payments/api:1.4.2"]

    def test_only_claimed(self) -> None:
        make.send_of_a_stranger(make.set_stage(), by=make.other_teams_bot())
        assert [banner.title for banner in list_banners(passport())] == ["Where it comes from is only claimed"]

    def test_nothing_to_say(self) -> None:
        approved()
        assert list_banners(passport()) == []


class TestEntries:
    def test_what_people_answered_is_listed_with_its_entry(self) -> None:
        approved()
        found = passport()
        (row,) = list_entries(found)
        assert (row.index, row.words) == (found.approvals[0].record.entry_id, "Alice Chen answered: approve")


class TestContents:
    def test_packages_of_both_formats_are_listed_once(self) -> None:
        stage = make.set_stage()
        send_bill(stage, LEFT_PAD, LODASH)
        send_bill(stage, LEFT_PAD, DEBIAN, kind=SPDX)
        bills = read_bills(make.image())
        assert [package.words for package in bills.contents.packages] == [
            "debian/openssl 3.0.11",
            "@types/lodash 4.17.21",
            "left-pad 1.3.0",
        ]
        assert (len(bills.documents), bills.left_out) == (2, 0)

    @pytest.mark.parametrize(
        ("query", "count"), [("", 3), ("left", 1), ("pkg:npm", 2), ("npm lodash", 1), ("LEFT-PAD@1.3.0", 1), ("nothing", 0)]
    )
    def test_every_word_of_a_search_must_be_there(self, query: str, count: int) -> None:
        contents = read_packages([bill(LEFT_PAD, LODASH, DEBIAN)])
        assert search_packages(contents, query).count == count

    def test_a_bill_that_nobody_registered_answers_for_is_not_read(self) -> None:
        stage = make.set_stage()
        send_bill(stage, LEFT_PAD)
        assert read_bills(make.image()).is_known
        assert not read_bills(OTHER).is_known

    def test_the_page_searches_and_says_what_no_match_means(self, client: Client) -> None:
        stage = make.set_stage()
        send_bill(stage, LEFT_PAD, LODASH)
        path = f"/artifacts/{make.image()}/contents"
        assert "left-pad" in page(client, path).content.decode()
        assert "1 of 2 packages matches" in page(client, path, q="left").content.decode()
        assert "That says only that no verified bill" in page(client, path, q="openssl").content.decode()
        assert "what is in this artifact is not known" in page(client, f"/artifacts/{OTHER}/contents").content.decode()
        assert "Search its packages" in page(client, f"/artifacts/{make.image()}").content.decode()


class TestSideBySide:
    def test_packages_are_told_as_changes_to_this_one(self) -> None:
        before = read_packages([bill("pkg:npm/a@1.0.0", "pkg:npm/b@2.0.0", "pkg:npm/gone@1", "pkg:npm/same@1")])
        after = read_packages([bill("pkg:npm/a@1.1.0", "pkg:npm/b@1.9.0", "pkg:npm/new@1", "pkg:npm/same@1")])
        moved = compare_packages(before, after)
        assert moved.upgraded == (("pkg:npm/a", "1.0.0", "1.1.0"),)
        assert moved.downgraded == (("pkg:npm/b", "2.0.0", "1.9.0"),)
        assert (moved.added, moved.removed, moved.same) == ((("pkg:npm/new", "1"),), (("pkg:npm/gone", "1"),), 1)

    def test_source_builder_signers_and_approvals_side_by_side(self, client: Client) -> None:
        stage = approved()
        make.send_provenance(stage, tag="1.5.0")
        send_bill(stage, LEFT_PAD)
        send_bill(stage, "pkg:npm/left-pad@1.2.0", tag="1.5.0")
        both = compare_artifacts(make.image(), make.image("1.5.0"), reader=cast.carol(), now=LATER)
        rows = {row.words: row for row in both.rows}
        assert rows["Builder"].is_same and rows["Approvals"].right == (Line(said="nobody asked"),) and not rows["Approvals"].is_same
        assert both.packages is not None and both.packages.upgraded == (("pkg:npm/left-pad", "1.2.0", "1.3.0"),)
        html = page(client, f"/artifacts/{make.image()}/compare", **{"with": make.image("1.5.0")}).content.decode()
        assert "Side by side" in html and "<bdi>1.2.0</bdi> → <bdi>1.3.0</bdi>" in html

    @pytest.mark.parametrize(("listed", "is_said"), [("pkg:npm/left-pad@1.2.0", False), ("left-pad 1.2.0", True)])
    def test_packages_that_could_not_be_read_are_said(self, client: Client, listed: str, is_said: bool) -> None:
        stage = approved()
        send_bill(stage, LEFT_PAD)
        make.send_provenance(stage, tag="1.5.0")
        send_bill(stage, LEFT_PAD, listed, tag="1.5.0")
        html = page(client, f"/artifacts/{make.image()}/compare", **{"with": make.image("1.5.0")}).content.decode()
        assert ("Not every package could be read here" in html) == is_said

    def test_what_is_no_digest_is_refused_with_the_form_again(self, client: Client) -> None:
        make.set_stage()
        answer = page(client, f"/artifacts/{make.image()}/compare", **{"with": "latest"})
        assert (answer.status_code, 'value="latest"' in answer.content.decode()) == (400, True)
        assert page(client, f"/artifacts/{make.image()}/compare").status_code == 200

    def test_without_bills_it_says_whose_is_missing(self, client: Client) -> None:
        approved()
        html = page(client, f"/artifacts/{make.image()}/compare", **{"with": OTHER}).content.decode()
        assert "Neither has a verified bill of materials" in html
