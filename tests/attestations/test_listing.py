"""What evidence lists is kept with its verdict, made again from its bytes, and bounded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from attestations.listing import BILL_TYPES, MOST_LISTED, VERSION, Listed, index_older, is_all_listed, keep_listed, read_listed
from attestations.models import BuiltFrom, ListedPackage, Listing, ListingProgress
from proofs.provenance import PROVENANCE_TYPES
from proofs.statement import STATEMENT_V1
from tests import make_approvals as make
from tests.make_ledger import use_own_keys
from tests.reports.test_sections import LEFT_PAD, LODASH, SPDX, send_bill, spdx

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage(settings: Any, tmp_path: Path) -> make.Stage:
    use_own_keys(settings, tmp_path)
    made = make.set_stage()
    make.send_provenance(made)
    return made


def rows() -> list[tuple[str, str]]:
    return sorted((row.attestation_id, str(row)) for row in ListedPackage.objects.all())


def forget() -> None:
    """As it is after an upgrade: nothing was read in yet."""
    for model in (ListedPackage, BuiltFrom, Listing, ListingProgress):
        model.objects.all().delete()


class TestWithTheVerdict:
    def test_packages_and_commit_are_there_with_it(self, stage: make.Stage) -> None:
        sent = send_bill(stage, LEFT_PAD, LODASH)
        assert [words for _, words in rows()] == ["pkg:npm/@types/lodash@4.17.21", "pkg:npm/left-pad@1.3.0"]
        assert Listing.objects.get().attestation_id == sent.pk
        built = BuiltFrom.objects.get()
        assert (built.commit[:7], built.repository) == ("b7e2f4a", "https://github.com/payments/api")

    def test_what_did_not_verify_is_not(self, stage: make.Stage) -> None:
        make.send_lie(stage, tag="2.0")
        assert BuiltFrom.objects.count() == 1

    def test_both_kinds_of_bill_are_read(self, stage: make.Stage) -> None:
        send_bill(stage, LEFT_PAD, kind=SPDX)
        assert [words for _, words in rows()] == ["pkg:npm/left-pad@1.3.0"]

    def test_kept_twice_they_are_the_same(self, stage: make.Stage) -> None:
        sent = send_bill(stage, LEFT_PAD)
        before = rows()
        for _ in range(2):
            keep_listed(sent, Listed((("npm", "left-pad", "1.3.0"),), is_bill=True))
        Listing.objects.update(version=VERSION - 1)
        keep_listed(sent, Listed((("npm", "left-pad", "1.3.0"),), is_bill=True))
        assert rows() == before

    def test_another_reading_takes_the_place_of_the_old_one(self, stage: make.Stage) -> None:
        sent = send_bill(stage, LEFT_PAD)
        Listing.objects.update(version=VERSION - 1)
        keep_listed(sent, Listed((("npm", "right-pad", "1.0"),), left_out=2, is_bill=True))
        assert [words for _, words in rows()] == ["pkg:npm/right-pad@1.0"]
        assert Listing.objects.get().left_out == 2

    def test_it_is_kept_with_the_verdict_or_not_at_all(self, stage: make.Stage) -> None:
        with transaction.atomic():
            send_bill(stage, LEFT_PAD)
            transaction.set_rollback(True)
        assert rows() == []


class TestBounded:
    def test_the_rest_of_a_long_bill_is_left_out_and_counted(self, stage: make.Stage) -> None:
        sent = send_bill(stage, LEFT_PAD)
        packages = [f"pkg:npm/p{number}@1" for number in range(MOST_LISTED + 3)]
        subject = [{"name": "api", "digest": {"sha256": "ab" * 32}}]
        said = {"_type": STATEMENT_V1, "subject": subject, "predicateType": SPDX, "predicate": spdx(*packages, "pkg:npm/" + "n" * 301)}
        listed = read_listed(stage.instance.sign_as(stage.workload, said, at=make.NOW), {"predicateType": SPDX})
        assert listed is not None
        assert (len(listed.packages), listed.left_out) == (MOST_LISTED, 4)
        Listing.objects.update(version=VERSION - 1)
        keep_listed(sent, listed)
        assert ListedPackage.objects.filter(attestation=sent).count() == MOST_LISTED
        assert Listing.objects.get().left_out == 4

    def test_what_is_no_statement_lists_nothing(self) -> None:
        for content in (b"", b"{}", b"[1]", b"\xff"):
            assert read_listed(content, {"predicateType": BILL_TYPES[0]}) == Listed(is_bill=True)
            assert read_listed(content, {"predicateType": "https://example.org/other"}) is None
            assert read_listed(content, None) is None

    def test_commits_are_those_of_signer_and_statement_once_each(self) -> None:
        facts = {
            "predicateType": PROVENANCE_TYPES[0],
            "signer": {"sourceCommit": "AB12", "sourceRepository": "r"},
            "claims": {"sourceCommit": "ab12", "sourceRepository": "other"},
        }
        assert read_listed(b"", facts) == Listed(commits=(("ab12", "r"),))
        assert read_listed(b"", {"predicateType": PROVENANCE_TYPES[0], "signer": None}) == Listed()


class TestOlder:
    def test_is_read_in_and_nothing_else_changes(self, stage: make.Stage) -> None:
        for number in range(4):
            send_bill(stage, LEFT_PAD, tag=f"2.{number}")
        before, commits = rows(), BuiltFrom.objects.count()
        forget()
        assert not is_all_listed()
        assert index_older(limit=2) == 2
        assert len(ListedPackage.objects.all()) < 4
        while index_older(limit=2):
            pass
        assert (rows(), BuiltFrom.objects.count(), is_all_listed()) == (before, commits, True)

    def test_once_done_it_costs_one_query(self, stage: make.Stage) -> None:
        while index_older():
            pass
        send_bill(stage, LEFT_PAD)
        with CaptureQueriesContext(connection) as asked:
            assert index_older() == 0
        assert len(asked) == 1

    def test_killed_anywhere_it_goes_on_and_loses_nothing(self, stage: make.Stage) -> None:
        for number in range(3):
            send_bill(stage, LEFT_PAD, tag=f"2.{number}")
        before = rows()
        forget()
        index_older(limit=1)
        # Between a piece that was kept and the note of it.
        ListingProgress.objects.update(cursor="")
        while index_older(limit=1):
            pass
        assert rows() == before

    def test_a_portal_without_evidence_is_done_at_once(self) -> None:
        assert (index_older(), is_all_listed()) == (0, True)
