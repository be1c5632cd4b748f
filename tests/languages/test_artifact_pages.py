"""The pages about artifacts, what is in them, and a review held against another baseline: every word translated, with something on them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from attestations.models import Listing
from identities.models import Identity
from portal.languages.pseudo import LEFT_TO_RIGHT
from tests import cast
from tests import make_approvals as make
from tests import make_releases as of
from tests.languages import stories
from tests.languages.test_own_keys import untranslated
from tests.make_ledger import use_own_keys
from tests.make_observations import observe, runs, said
from tests.reports.test_sections import DEBIAN, LEFT_PAD, LODASH, OTHER, send_bill

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pseudo_locales")]
LATER = make.NOW + timedelta(minutes=10)


@pytest.fixture(autouse=True)
def portal_keys(settings: Any, tmp_path: Path) -> None:
    use_own_keys(settings, tmp_path)


def reader(identity: Identity | None = None) -> Client:
    client = stories.client_of(identity or cast.carol())
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = LEFT_TO_RIGHT
    return client


@pytest.fixture
def stage() -> make.Stage:
    """An approved release with a list of contents that is seen running, and another artifact with another list."""
    made = make.set_stage()
    make.send_provenance(made)
    make.send_provenance(made, tag="1.5.0")
    send_bill(made, LEFT_PAD, LODASH)
    send_bill(made, "pkg:npm/left-pad@1.2.0", DEBIAN, tag="1.5.0")
    make.approve(make.ask(), cast.alice())
    observe(runs(at=LATER, location="cluster-1/payments/api"), now=LATER)
    observe(said(at=LATER, location="registry.example/payments/api"), now=LATER)
    return made


@pytest.mark.parametrize("query", ["", "?q=payments", "?q=nothing-like-this"])
def test_the_list_of_artifacts(stage: make.Stage, query: str) -> None:
    assert untranslated(reader().get(f"/artifacts{query}")) == []


@pytest.mark.parametrize("who", [cast.carol, cast.dave])
def test_no_artifact_yet(who: Any) -> None:
    assert untranslated(reader(who()).get("/artifacts")) == []


@pytest.mark.parametrize("query", ["", "?q=left", "?q=openssl", "?q=pkg:npm"])
def test_the_packages_of_an_artifact(stage: make.Stage, query: str) -> None:
    assert untranslated(reader().get(f"/artifacts/{make.image()}/contents{query}")) == []


def test_packages_that_nobody_told_of(stage: make.Stage) -> None:
    assert untranslated(reader().get(f"/artifacts/{OTHER}/contents")) == []


@pytest.mark.parametrize("other", ["", make.image("1.5.0"), make.image(), OTHER, "latest"])
def test_two_artifacts_side_by_side(stage: make.Stage, other: str) -> None:
    for one in (make.image(), make.image("1.5.0")):
        assert untranslated(reader().get(f"/artifacts/{one}/compare", {"with": other})) == []


@pytest.mark.parametrize("written", ["", "pkg:npm/left-pad", "pkg:npm/left-pad@9", "no package URL"])
def test_which_artifacts_hold_a_package(stage: make.Stage, written: str) -> None:
    assert untranslated(reader().get("/packages", {"purl": written})) == []
    Listing.objects.update(left_out=7)
    assert untranslated(reader().get("/packages", {"purl": written})) == []
    Listing.objects.all().delete()
    assert untranslated(reader().get("/packages", {"purl": written})) == []


@pytest.mark.parametrize("baseline", ["", "nothing"])
def test_a_review_beside_another_release(baseline: str) -> None:
    request = stories.tell_of_a_release()
    assert untranslated(reader(cast.alice()).get(f"/requests/{request.pk}/compare", {"with": baseline})) == []


def test_a_review_beside_what_runs() -> None:
    stage = make.set_stage()
    of.approved(stage)
    observe(runs(at=LATER, location="cluster-1/payments/api", digest=make.image(of.FIRST)), now=LATER)
    make.send_tests(stage, tag=of.SECOND, now=of.later())
    request = of.release(stage, of.SECOND, now=of.later())
    page = reader(cast.alice()).get(f"/requests/{request.pk}/compare", {"with": "running"})
    assert "What runs in" in page.content.decode()
    assert untranslated(page) == []


def test_a_first_review_beside_nothing_and_each_of_its_changes() -> None:
    make.send_provenance(make.set_stage())
    client = reader(cast.alice())
    request = make.ask()
    assert untranslated(client.get(f"/requests/{request.pk}/compare")) == []
    for one in (request, stories.tell_of_a_release()):
        first = client.get(f"/requests/{one.pk}/changes")
        assert untranslated(first) == []
        for area in first.context["changed"]:
            assert untranslated(client.get(f"/requests/{one.pk}/changes", {"area": area["area"]})) == []
