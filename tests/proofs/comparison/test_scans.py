"""What scans found, and what VEX says of it: in the forms scanners really write, and against whoever would rather have it read "none open"."""

from __future__ import annotations

from typing import Any

import pytest

from proofs.comparison.scans import MAX_FINDINGS, Answers, Scan, read_scans

ARTIFACT, OTHER = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def scan(result: Any, *, about: str = ARTIFACT, distance: int = 0) -> Scan:
    return Scan({"scanner": {"result": result}}, frozenset({about}), distance)


def vex(
    *said: tuple[str, str], at: str | None = "2026-03-01T10:00:00Z", about: str = ARTIFACT, distance: int = 0, version: int = 1
) -> Answers:
    statements = [{"vulnerability": name, "status": status} for name, status in said]
    return Answers({"timestamp": at, "version": version, "statements": statements}, frozenset({about}), distance)


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
        assert read_scans([scan(result)], []) == {"listed": [{"id": "CVE-1", "severity": "critical", "answer": ""}], "unreadable": 0}

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
