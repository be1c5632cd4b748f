"""What changed since somebody signed, from two snapshots."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from proofs.approval.delta import AREAS, compare_snapshots

SIGNED: dict[str, Any] = {
    "frozenAt": "2026-03-02T09:00:00Z",
    "request": {"revision": 1, "title": "api 1"},
    "artifacts": [{"digest": "sha256:" + "a" * 64, "name": "api:1", "nameChecked": True}],
    "policy": {
        "id": "p",
        "version": "1",
        "digest": {"sha256": "1" * 64},
        "minimumAssurance": "H2",
        "validityHours": 72,
        "rules": [{"id": "tests", "kind": "evidence", "title": "Tests", "outcome": "pass", "code": "", "sentence": "", "evidence": []}],
        "excluded": [{"issuer": "i", "subject": "bob", "because": ["requester"]}],
    },
    "evidence": [
        {
            "digest": {"sha256": "e" * 64},
            "predicateType": "https://slsa.dev/provenance/v1",
            "signer": {"identity": "https://ci.example/build"},
            "result": "verified",
            "code": "",
            "findings": [{"check": "source", "outcome": "pass", "code": "", "sentence": "Fine."}],
        }
    ],
    "note": {"text": "Please.", "checked": False},
}


def other(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    newer = copy.deepcopy(SIGNED)
    change(newer)
    return newer


def elsewhere(sentence: str, outcome: str = "pass") -> dict[str, Any]:
    rule = {
        "id": "staging",
        "kind": "approved-in",
        "title": "Staging first",
        "outcome": outcome,
        "code": "",
        "sentence": sentence,
        "evidence": [],
    }
    return other(lambda newer: newer["policy"]["rules"].append(rule))


class TestApprovedElsewhere:
    def test_another_approval_that_a_rule_passes_on_is_told(self) -> None:
        (change,) = compare_snapshots(elsewhere("It rests on request one."), elsewhere("It rests on request two."))
        assert (change.area, change.code) == ("rules", "rule.rests_on")
        assert "request two" in change.sentence

    def test_how_long_it_still_waits_is_no_change(self) -> None:
        assert compare_snapshots(elsewhere("Weighed at nine.", "fail"), elsewhere("Weighed at ten.", "fail")) == []


class TestCompareSnapshots:
    def test_times_and_numbers_alone_are_no_change(self) -> None:
        def later(newer: dict[str, Any]) -> None:
            newer["frozenAt"], newer["request"]["revision"] = "2026-03-02T10:00:00Z", 2

        assert compare_snapshots(SIGNED, other(later)) == []

    @pytest.mark.parametrize(
        ("change", "codes"),
        [
            (lambda s: s["artifacts"][0].update(name="api:2"), ["artifact.renamed"]),
            (lambda s: s["artifacts"][0].update(digest="sha256:" + "b" * 64), ["artifact.added", "artifact.removed"]),
            (lambda s: s["evidence"].clear(), ["evidence.removed"]),
            (lambda s: s["evidence"].append({**SIGNED["evidence"][0], "digest": {"sha256": "f" * 64}}), ["evidence.added"]),
            (lambda s: s["evidence"][0].update(result="rejected", code="claims.builder"), ["evidence.verdict"]),
            (lambda s: s["evidence"][0]["findings"][0].update(outcome="review", sentence="Look."), ["evidence.finding"]),
            (lambda s: s["policy"].update(digest={"sha256": "2" * 64}, version="2"), ["policy.version"]),
            (lambda s: s["policy"].update(minimumAssurance="H1", validityHours=1), ["policy.assurance", "policy.validity"]),
            (lambda s: s["policy"]["rules"][0].update(outcome="fail"), ["rule.outcome"]),
            (lambda s: s["policy"]["rules"][0].update(outcome="waived"), ["rule.waived"]),
            (lambda s: s["policy"]["rules"][0].update(title="Other tests"), ["rule.changed"]),
            (lambda s: s["policy"]["rules"][0].update(id="new"), ["rule.added", "rule.removed"]),
            (lambda s: s["policy"]["excluded"].clear(), ["people.included"]),
            (lambda s: s["policy"]["excluded"].append({"issuer": "i", "subject": "eve", "because": ["owner"]}), ["people.excluded"]),
            (lambda s: s["note"].update(text="Now."), ["words.note"]),
            (lambda s: s["note"].update(text=""), ["words.note"]),
            (lambda s: s.update(answersChanges="Removed it."), ["words.answersChanges"]),
        ],
    )
    def test_each_change_is_said(self, change: Callable[[dict[str, Any]], object], codes: list[str]) -> None:
        changes = compare_snapshots(SIGNED, other(change))
        assert [item.code for item in changes] == codes
        assert all(item.area in AREAS and item.sentence.endswith((".", ":", "Now.", "Look.")) for item in changes)

    def test_how_long_an_approval_is_valid_is_told_with_its_unit(self) -> None:
        (change,) = compare_snapshots(SIGNED, other(lambda s: s["policy"].update(validityHours=1)))
        assert change.sentence == "The time an approval is valid is 1 h now; it was 72 h."

    def test_a_waiver_that_ended_is_said_to_have(self) -> None:
        waived = other(lambda s: s["policy"]["rules"][0].update(outcome="waived"))
        assert [item.code for item in compare_snapshots(waived, SIGNED)] == ["rule.waiver_ended"]

    def test_text_that_could_deceive_is_left_out(self) -> None:
        newer = other(lambda s: s["note"].update(text="ok\u202eon"))
        assert "\u202e" not in compare_snapshots(SIGNED, newer)[0].sentence
