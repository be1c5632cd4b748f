"""What scans found, and what VEX says of it: in the forms scanners really write, and against whoever would rather have it read "none open"."""

from __future__ import annotations

from typing import Any

import pytest

from proofs.comparison.answers import MAX_STATEMENTS, Answers, Subject, read_answers, read_answers_of_version_2
from proofs.comparison.scans import MAX_FINDINGS, Scan, read_scans
from proofs.predicates.contents import read_openvex

ARTIFACT, OTHER = "sha256:" + "a" * 64, "sha256:" + "b" * 64
NAMED = "payments/api:2.0"
LIB, ZLIB = "pkg:deb/debian/libssl3@3.0.1?arch=amd64", "pkg:deb/debian/zlib1g@1.3"


def scan(result: Any, *, about: str = ARTIFACT, distance: int = 0) -> Scan:
    return Scan({"scanner": {"result": result}}, (Subject(NAMED, frozenset({about})),), distance)


def vex(
    *said: tuple[str, str],
    at: str | None = "2026-03-01T10:00:00Z",
    about: str = ARTIFACT,
    distance: int = 0,
    version: int = 1,
    name: str = NAMED,
    **more: Any,
) -> Answers:
    """A document with these words; `more` stands in each of its statements."""
    statements = [{"vulnerability": {"name": number}, "status": status, **more} for number, status in said]
    document = {"timestamp": at, "version": version, "statements": statements}
    return Answers(read_answers(document), (Subject(name, frozenset({about})),), distance)


def found(*names: str, severity: str = "critical") -> list[dict[str, Any]]:
    return [{"id": name, "severity": [{"method": "nvd", "score": severity}]} for name in names]


def status(scans: list[Scan], answers: list[Answers]) -> dict[str, str]:
    read = read_scans(scans, answers)
    assert read is not None
    return {item["id"]: item["answer"] for item in read["listed"]}


class TestForms:
    def test_no_scan_is_not_a_clean_one(self) -> None:
        assert read_scans([], [vex(("CVE-1", "fixed"))]) is None
        assert read_scans([scan([])], []) == {"listed": [], "unreadable": 0}

    @pytest.mark.parametrize(
        "result",
        [
            {"SchemaVersion": 2, "Results": [{"Target": "app", "Vulnerabilities": [{"VulnerabilityID": "CVE-1", "Severity": "CRITICAL"}]}]},
            {"matches": [{"vulnerability": {"id": "CVE-1", "severity": "Critical"}, "artifact": {"name": "zlib"}}]},
            [{"id": "CVE-1", "severity": [{"method": "nvd", "score": "9.8"}]}],
            [{"VulnerabilityID": "CVE-1", "Severity": "CRITICAL"}],
        ],
        ids=["trivy in cosign's predicate", "grype in cosign's predicate", "in-toto", "a bare list of trivy's"],
    )
    def test_finds_what_scanners_write(self, result: Any) -> None:
        assert read_scans([scan(result)], []) == {
            "listed": [{"id": "CVE-1", "severity": "critical", "answer": "", "unheard": ""}],
            "unreadable": 0,
        }

    @pytest.mark.parametrize(
        "result", [None, "clean", {"runs": [{"results": [{"ruleId": "CVE-1"}]}]}, {"Results": "none"}, {"matches": {}}]
    )
    def test_a_form_nobody_here_reads_is_not_a_clean_result(self, result: Any) -> None:
        read = read_scans([scan(result)], [])
        assert read is not None and read["unreadable"] == 1

    def test_an_entry_without_a_name_is_counted(self) -> None:
        read = read_scans([scan([{"severity": "critical"}, "CVE-1", *found("CVE-2")])], [])
        assert read is not None and (len(read["listed"]), read["unreadable"]) == (1, 2)

    def test_what_is_too_much_is_counted_and_the_gravest_are_kept(self) -> None:
        many = [*found(*(f"CVE-1-{number:06}" for number in range(MAX_FINDINGS)), severity="low"), *found("CVE-9")]
        read = read_scans([scan(many)], [])
        assert read is not None and read["unreadable"] == 1
        assert "CVE-9" in {item["id"] for item in read["listed"]}


class TestAnswers:
    def test_of_the_same_word_are_heard(self) -> None:
        assert status([scan(found("CVE-1"))], [vex(("CVE-1", "not_affected"))]) == {"CVE-1": "not_affected"}

    def test_of_strangers_silence_nothing_that_somebody_known_found(self) -> None:
        assert status([scan(found("CVE-1"))], [vex(("CVE-1", "not_affected"), distance=2)]) == {"CVE-1": ""}
        assert status([scan(found("CVE-1"), distance=1)], [vex(("CVE-1", "not_affected"), distance=2)]) == {"CVE-1": ""}
        assert status([scan(found("CVE-1"), distance=2)], [vex(("CVE-1", "fixed"), distance=2)]) == {"CVE-1": "fixed"}

    def test_of_another_team_that_is_known_count(self) -> None:
        assert status([scan(found("CVE-1"))], [vex(("CVE-1", "fixed"), distance=1)]) == {"CVE-1": "fixed"}

    def test_are_about_the_artifact_they_name(self) -> None:
        scans = [scan(found("CVE-1")), scan(found("CVE-1"), about=OTHER)]
        assert status(scans, [vex(("CVE-1", "not_affected"))]) == {"CVE-1": ""}
        assert status(scans, [vex(("CVE-1", "not_affected")), vex(("CVE-1", "fixed"), about=OTHER)])["CVE-1"] in ("fixed", "not_affected")

    def test_the_newest_counts_whatever_zone_it_was_written_in(self) -> None:
        early = vex(("CVE-1", "not_affected"), at="2026-03-01T12:30:00+03:00")
        late = vex(("CVE-1", "affected"), at="2026-03-01T10:00:00Z")
        assert status([scan(found("CVE-1"))], [late, early]) == {"CVE-1": "affected"}

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_of_two_at_once_the_worse_counts(self, order: tuple[int, int]) -> None:
        said = [("CVE-1", "affected"), ("CVE-1", "not_affected")]
        assert status([scan(found("CVE-1"))], [vex(*(said[number] for number in order))]) == {"CVE-1": "affected"}

    def test_without_a_time_never_outdoes_one_that_has_one(self) -> None:
        said = [vex(("CVE-1", "not_affected"), at=None), vex(("CVE-1", "affected"))]
        assert status([scan(found("CVE-1"))], said) == {"CVE-1": "affected"}

    def test_of_a_document_are_as_old_as_each_says(self) -> None:
        said = [vex(("CVE-1", "not_affected"), timestamp="2020-01-01T00:00:00Z"), vex(("CVE-1", "affected"), at="2025-01-01T00:00:00Z")]
        assert status([scan(found("CVE-1"))], said) == {"CVE-1": "affected"}

    def test_in_a_document_that_is_too_long_calm_nothing(self) -> None:
        many = [(f"CVE-{number}", "not_affected") for number in range(MAX_STATEMENTS + 1)]
        assert status([scan(found("CVE-1"))], [vex(*many)]) == {"CVE-1": ""}
        assert status([scan(found("CVE-1"))], [vex(("CVE-1", "affected"), *many)]) == {"CVE-1": "affected"}


def heard(products: Any = None, *, package: str | None = None, **more: Any) -> tuple[str, str]:
    """What becomes of a finding in a package that a VEX with these products calms: its answer, and why it is not heard."""
    result = {"matches": [{"vulnerability": {"id": "CVE-1"}, "artifact": {"purl": package}}]}
    said = more if products is None else {"products": products, **more}
    read = read_scans([scan(result)], [vex(("CVE-1", "not_affected"), **said)])
    assert read is not None
    return read["listed"][0]["answer"], read["listed"][0]["unheard"]


CALM, OF_ANOTHER, OF_A_PART = ("not_affected", ""), ("", "product"), ("", "part")


class TestProducts:
    @pytest.mark.parametrize(
        "product",
        [
            {"@id": "pkg:oci/api@sha256%3A" + "a" * 64},
            {"@id": "pkg:oci/api@sha256:" + "A" * 64 + "?repository_url=registry.example/payments"},
            {"@id": "registry.example/payments/api@" + ARTIFACT},
            {"@id": ARTIFACT},
            {"@id": "urn:anything", "hashes": {"sha-256": "a" * 64}},
            {"@id": "urn:anything", "hashes": {"sha256": "a" * 64, "sha-512": "c" * 128}},
            {"identifiers": {"purl": "pkg:oci/api@sha256:" + "a" * 64}},
            {"@id": NAMED},
            NAMED,
            ARTIFACT,
        ],
    )
    def test_that_are_the_artifact_are_heard(self, product: Any) -> None:
        assert heard([{"@id": "pkg:oci/other@sha256:" + "b" * 64}, product]) == CALM

    def test_none_at_all_is_what_the_statement_is_signed_about(self) -> None:
        assert heard() == CALM

    @pytest.mark.parametrize(
        "products",
        [
            [],
            "pkg:oci/api",
            {},
            [None, 7, {}],
            [{"@id": "pkg:oci/api@sha256:" + "b" * 64}],
            [{"@id": "pkg:oci/api@sha256:" + "a" * 63}],
            [{"@id": "pkg:oci/api?tag=2.0"}],
            [{"@id": "pkg:oci/api"}],
            [{"@id": "pkg:oci/api@2.0"}],
            [{"@id": "payments/api:2.1"}],
            [{"@id": LIB}],
            [{"@id": NAMED, "hashes": {"sha-256": "b" * 64}}],
            [{"@id": NAMED, "hashes": {"sha-512": "a" * 128}}],
            [{"@id": "pkg:oci/api@sha256:" + "a" * 64, "hashes": {"sha-256": "b" * 64}}],
        ],
    )
    def test_that_are_something_else_calm_nothing_and_say_so(self, products: Any) -> None:
        assert heard(products) == OF_ANOTHER

    def test_by_a_package_url_are_that_version_from_that_place(self) -> None:
        def answer(product: str, name: str = "pkg:npm/%40acme/pay@1.2.0") -> str:
            return status([scan(found("CVE-1"))], [vex(("CVE-1", "fixed"), name=name, products=[{"@id": product}])])["CVE-1"]

        assert answer("pkg:npm/@acme/pay@1.2.0") == "fixed"
        assert answer("pkg:npm/@acme/pay@1.2.1") == answer("pkg:npm/@acme/pay") == answer("pkg:pypi/@acme/pay@1.2.0") == ""
        assert answer("pkg:npm/@acme/pay@1.2.0?repository_url=https://npm.evil.example") == ""
        assert answer("pkg:npm/@acme/pay", name="pkg:npm/@acme/pay2") == ""

    def test_that_are_something_else_still_alarm(self) -> None:
        early, late = (
            vex(("CVE-1", "not_affected")),
            vex(("CVE-1", "affected"), at="2026-04-01T00:00:00Z", products=[{"@id": "pkg:oci/api"}]),
        )
        assert status([scan(found("CVE-1"))], [early, late]) == {"CVE-1": "affected"}

    def test_of_several_artifacts_each_has_to_be_answered(self) -> None:
        both = (Subject("a", frozenset({ARTIFACT})), Subject("b", frozenset({OTHER})))
        scanned = Scan({"scanner": {"result": found("CVE-1")}}, both, 0)
        said = [{"vulnerability": "CVE-1", "status": "fixed", "products": [{"@id": ARTIFACT}]}]
        one = Answers(read_answers({"statements": said}), both, 0)
        assert status([scanned], [one]) == {"CVE-1": ""}
        assert status([scanned], [vex(("CVE-1", "fixed"))]) == {"CVE-1": ""}
        assert status([scanned], [one, vex(("CVE-1", "fixed"), about=OTHER)]) == {"CVE-1": "fixed"}


class TestParts:
    def of(self, *parts: Any) -> list[dict[str, Any]]:
        return [{"@id": ARTIFACT, "subcomponents": list(parts)}]

    def test_that_the_finding_is_in_are_heard(self) -> None:
        assert heard(self.of({"@id": ZLIB}, {"@id": "pkg:deb/debian/libssl3@3.0.1"}), package=LIB) == CALM
        assert heard(self.of({"identifiers": {"purl": "pkg:deb/debian/libssl3"}}), package=LIB) == CALM
        assert heard(self.of("pkg:deb/debian/libssl3"), package=LIB) == CALM

    def test_that_are_others_calm_nothing_and_say_so(self) -> None:
        assert heard(self.of({"@id": ZLIB}), package=LIB) == OF_A_PART
        assert heard(self.of({"@id": "pkg:deb/debian/libssl3@3.0.2"}), package=LIB) == OF_A_PART
        assert heard(self.of(), package=LIB) == heard(self.of({"@id": "zlib"}), package=LIB) == OF_A_PART

    def test_are_not_known_where_the_scan_names_none(self) -> None:
        assert heard(self.of({"@id": LIB})) == OF_A_PART

    def test_of_the_whole_statement_hold_for_each_product(self) -> None:
        assert heard([ARTIFACT], package=LIB, subcomponents=[ZLIB]) == OF_A_PART
        assert heard(package=LIB, subcomponents=[ZLIB]) == OF_A_PART
        assert heard([ARTIFACT], package=LIB, subcomponents=[LIB]) == CALM

    def test_of_one_package_do_not_calm_the_same_number_in_another(self) -> None:
        result = {"Results": [{"Vulnerabilities": [{"VulnerabilityID": "CVE-1", "PkgIdentifier": {"PURL": each}} for each in (LIB, ZLIB)]}]}
        assert status([scan(result)], [vex(("CVE-1", "fixed"), products=self.of({"@id": LIB}))]) == {"CVE-1": ""}
        assert status([scan(result)], [vex(("CVE-1", "fixed"), products=self.of({"@id": LIB}, {"@id": ZLIB}))]) == {"CVE-1": "fixed"}


def test_comparisons_of_version_2_are_made_again_as_they_were() -> None:
    document = {
        "timestamp": "2026-03-01T10:00:00Z",
        "statements": [{"vulnerability": "CVE-1", "status": "fixed", "products": ["pkg:oci/other"]}],
    }
    said = read_answers_of_version_2(read_openvex(document))
    read = read_scans([scan(found("CVE-1"))], [Answers(said, (Subject("", frozenset({ARTIFACT})),), 0)], with_reasons=False)
    assert read == {"listed": [{"id": "CVE-1", "severity": "critical", "answer": "fixed"}], "unreadable": 0}
