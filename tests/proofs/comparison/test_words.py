"""How a comparison reads: every sentence it makes of none, one, a few and many, and of each the words that a reader would stumble over."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from proofs.comparison.compare import compare_releases
from proofs.comparison.compare_signers import call_kinds
from proofs.comparison.picture import build_picture
from proofs.comparison.said import grouped, listed, series
from proofs.predicates.read import READERS
from proofs.provenance import PROVENANCE_TYPES

# The pictures with one, a few and many of each thing, which the words of version 2 are held against as well.
CASES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "version_2" / "sentences.json").read_text())
POLICY = {"id": "p", "version": "1", "digest": "0" * 64}
EMPTY: dict[str, Any] = build_picture([], artifacts=[], policy=POLICY, subject=None, team="payments", environment="production")
NAMES = ["alpha", "bravo", "charlie", "delta", "echo"]
# What no sentence says, whatever it is about.
FAULTS = {
    "one of many": r"(?<![\w.,:/-])1 (?!pass)[a-z]+s (are|were|have|do|cannot)\b|(?<![\w.,:/-])1 (entries|packages|suites|changes|findings|results|days|ones|things|commits|requests|identities)\b",
    "many as one": r"\b([2-9]|\d\d+) (commit|package|entry|suite|change|finding|result|thing|day|identity|secret|path|input) ",
    "several subjects, one verb": r"\band ([\d,]+ more|[\w./-]+) (is|was|has|does) ",
    "one, ones": r"\b(\d+) ones?\b",
    "doubled marks": r",,|;;|\.\.(?!\.)|  |, and,|\bthe the\b|\ba a\b|\band and\b| [,;:]| \.(?!\w)",
    "nothing named": r": \.(?!\w)|: $|^ |called  |\( |\bon \.(?!\w)|\bin \.(?!\w)",
    "a bare unit": r"(?<![/\w.])(ns|bom)(?![/\w.])",
    "none told as some": r"\b0 (ones|fixed|packages|paths|new)\b",
}


def picture(**parts: Any) -> dict[str, Any]:
    return {**EMPTY, **parts}


def told(before: dict[str, Any] | None, now: dict[str, Any], area: str, **context: Any) -> tuple[str, str, list[str]]:
    """The token and the sentence of an area, and the sentences of its signals."""
    compared = compare_releases(before, now, {"tier": 3, **context})
    row = next((row for row in compared["areas"] if row["area"] == area), {"token": "", "sentence": ""})
    return row["token"], row["sentence"], [signal["sentence"] for signal in compared["signals"] if signal["area"] == area]


def every_sentence(case: dict[str, Any]) -> list[str]:
    before, now = (None if case[side] is None else picture(**case[side]) for side in ("before", "now"))
    compared = compare_releases(before, now, case["context"])
    said = [row[part] for row in compared["areas"] for part in ("token", "sentence")]
    said += [change["words"] for row in compared["areas"] for change in row["changes"]]
    return said + [signal[part] for signal in compared["signals"] for part in ("sentence", "agree") if signal[part]]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_no_sentence_stumbles(case: dict[str, Any]) -> None:
    for sentence in every_sentence(case):
        assert [name for name, pattern in FAULTS.items() if re.search(pattern, sentence)] == [], sentence


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_one_that_was_made(fault: str) -> None:
    said = [case["said"] for case in ({"said": part} for row in CASES for part in _words_of_version_2(row))]
    invented = {"doubled marks": "a,, b", "many as one": "2 commit by bob", "one of many": "1 packages"}
    assert any(re.search(FAULTS[fault], sentence) for sentence in [*said, invented.get(fault, "")])


def _words_of_version_2(case: dict[str, Any]) -> list[str]:
    areas = [area[part] for area in case["areas"] for part in ("token", "sentence")]
    return areas + [signal[part] for signal in case["signals"] for part in ("sentence", "agree")]


class TestLists:
    def test_name_three_and_how_many_more(self) -> None:
        assert [listed(NAMES[:count]) for count in (0, 1, 2, 3)] == ["", "alpha", "alpha and bravo", "alpha, bravo and charlie"]
        assert listed(NAMES) == "alpha, bravo, charlie and 2 more"
        assert listed(NAMES[:2], word="or") == "alpha or bravo"

    def test_of_clauses_show_where_each_ends(self) -> None:
        assert series(["a can read", "b can write and read"]) == "a can read; b can write and read"
        assert series(["a, b", "c", "d", "e"]) == "a, b; c; d; and 1 more"
        assert series(["a", "b"]) == "a and b"

    def test_are_grouped_under_what_became_of_each(self) -> None:
        assert grouped(("New", ["a", "b"]), ("Changed", []), ("Gone", ["c"])) == "New: a and b. Gone: c."


class TestSigners:
    def signed(self, *types: str, by: str = "runner", issuer: str = "https://issuer.example", distance: int = 0) -> dict[str, Any]:
        rows = [{"type": kind, "signer": f"key of {by}", "issuer": issuer, "name": by, "distance": distance} for kind in types]
        return picture(signers=rows)

    def test_what_became_of_many_kinds_is_said_once(self) -> None:
        types = [PROVENANCE_TYPES[0], "https://in-toto.io/attestation/test-result/v0.1", "https://openvex.dev/ns/v0.2.0"]
        kept = self.signed("https://cyclonedx.org/bom")
        more = self.signed("https://cyclonedx.org/bom", *types)
        assert told(kept, more, "signer")[1] == "New: provenance, test result and OpenVEX by runner."
        _, sentence, signals = told(more, kept, "signer")
        assert sentence == "Gone: test result, OpenVEX and provenance."
        assert signals == ["Evidence that the last release had and this one does not: test result, OpenVEX and provenance."]

    def test_one_who_signs_several_kinds_now_is_asked_about_once(self) -> None:
        types = (PROVENANCE_TYPES[0], "https://openvex.dev/ns/v0.2.0")
        _, sentence, signals = told(self.signed(*types), self.signed(*types, by="mallory"), "signer")
        assert sentence == "Signed by somebody else: provenance and OpenVEX by mallory."
        assert signals == ["mallory signed this, and did not for the last release: provenance and OpenVEX."]

    def test_two_of_one_name_are_told_apart(self) -> None:
        kind = PROVENANCE_TYPES[0]
        _, _, signals = told(self.signed(kind), self.signed(kind, issuer="https://other.example"), "signer")
        assert signals == [
            "runner (key of runner, issued by https://other.example) signed this, and did not for the last release: provenance."
        ]

    def test_every_kind_that_is_read_has_a_name_of_its_own(self) -> None:
        for kind in (*READERS, *PROVENANCE_TYPES):
            assert not re.search(r"https?:|^$|^ns$", call_kinds([kind])[kind])
        both = call_kinds(["https://openvex.dev/ns", "https://openvex.dev/ns/v0.2.0"])
        assert both["https://openvex.dev/ns"] == "OpenVEX (https://openvex.dev/ns)"
        assert call_kinds(["https://made.example/of/my/ns"]) == {"https://made.example/of/my/ns": "https://made.example/of/my/ns"}


class TestMoreIsNotSaidThanIsKnown:
    """Sentences that said more than the evidence does, or hid who, what or how many."""

    def scan(self, **found: tuple[str, str]) -> dict[str, Any]:
        listed_ = [{"id": name, "severity": severity, "answer": answer} for name, (severity, answer) in found.items()]
        return picture(scan={"listed": listed_, "unreadable": 0})

    def test_what_a_scan_finds_no_longer_was_not_fixed_for_that(self) -> None:
        before, now = self.scan(A=("high", ""), B=("high", "")), self.scan(B=("high", "not_affected"))
        token, sentence, _ = told(before, now, "vulnerabilities")
        assert token == "2 no longer open"
        assert sentence == "Answered by VEX: B. Not found any more: A. None open. VEX calls 1 finding not affected or fixed."

    def test_a_milder_grade_is_not_as_before(self) -> None:
        token, sentence, signals = told(self.scan(A=("critical", "")), self.scan(A=("low", "")), "vulnerabilities")
        assert (token, sentence, signals) == ("1 milder", "Milder: A: critical → low. 1 low open.", [])

    def test_one_that_may_more_in_two_steps_is_told_with_the_step(self) -> None:
        def acting(*scopes: str) -> dict[str, Any]:
            one = {"issuer": "i", "subject": "runner", "name": "runner", "scopes": list(scopes)}
            return picture(identities={"listed": [{**one, "step": step} for step in ("build", "deploy")], "unreadable": 0})

        token, sentence, _ = told(acting("read a"), acting("read a", "write b", "2 more that cannot be read"), "identities")
        assert token == "2 wider"
        assert sentence == (
            "Wider: runner in build can now do 2 things more that cannot be read and write b;"
            " runner in deploy can now do 2 things more that cannot be read and write b."
        )

    def test_how_often_a_secret_is_changed_is_not_never_where_nobody_says_it(self) -> None:
        secret = {"path": "secret/a", "access": "read", "rotationDays": None}
        sentence = told(picture(), picture(secrets={"listed": [secret], "unreadable": 0}), "secrets")[1]
        assert sentence == "secret/a (read, not said how often it is changed)."

    def test_a_commit_that_cannot_be_read_is_not_told_as_unreviewed(self) -> None:
        commits = {"listed": [], "unreadable": 2}
        assert told(picture(), picture(commits=commits), "source")[2] == [
            "2 of 2 commits cannot be read, so nobody knows whether a second person reviewed them."
        ]

    def test_a_plan_that_counts_more_than_it_names_says_so(self) -> None:
        plan = {"create": 0, "update": 0, "destroy": 5, "destroyed": ["db"]}
        assert told(picture(), picture(plan=plan), "plan")[2] == ["The plan destroys 5 things: db and 4 more that it does not name."]
        unnamed = {**plan, "destroyed": []}
        assert told(picture(), picture(plan=unnamed), "plan")[2] == ["The plan destroys 5 things and does not name them."]

    def test_a_suite_that_did_not_pass_is_named_before_many_that_did(self) -> None:
        runs = [{"suite": name, "result": "PASSED", "passed": 1, "warned": [], "failed": []} for name in NAMES]
        failed = {"suite": "zeta", "result": "FAILED", "passed": 0, "warned": [], "failed": ["t_one"]}
        before = picture(tests=[*runs, {**failed, "result": "PASSED", "failed": []}])
        token, sentence, signals = told(before, picture(tests=[*runs[1:], failed]), "tests")
        assert token == "1 missing · 1 not passed"
        assert sentence == "zeta failed, bravo passed, charlie passed and 2 more. Missing: alpha."
        assert signals == [
            "The test suite zeta did not pass: t_one failed.",
            "The test suite alpha has a result for the last release and none for this one.",
        ]

    def test_who_put_a_policy_into_force_did_not_loosen_what_goes_with_it(self) -> None:
        rows = [{"rule": "", "change": change, "loosens": True, "words": f"{what}: {change}"} for what, change in WEIGHED]
        now = picture(policy={**POLICY, "version": "2", "digest": "1" * 64})
        signals = [told(picture(), now, "policy", policy={"differences": [row, *rows], "by": ["kim", "lee"]})[2] for row in rows]
        assert signals == [
            ["Loosened: mode enforce → warn, and 2 more changes. kim and lee put the policy into force."],
            ["Perhaps loosened: condition a → b, and 2 more changes. kim and lee put the policy into force."],
        ]

    def test_a_builder_of_the_same_name_is_told_by_what_is_otherwise(self) -> None:
        one = {
            "id": "https://b.example",
            "buildType": "t",
            "workflow": "a.yml",
            "runner": None,
            "issuer": None,
            "parameters": [],
            "settings": [],
        }
        signals = told(picture(builder=[one]), picture(builder=[{**one, "workflow": "b.yml"}]), "builder")[2]
        assert signals == ["Built by b.example, workflow b.yml; the last release was built by b.example, workflow a.yml."]

    def test_a_parameter_that_is_gone_is_not_told_as_set(self) -> None:
        one = {"id": "https://b.example", "buildType": "t", "workflow": None, "runner": None, "issuer": None, "parameters": []}
        before, now = ({**one, "settings": settings} for settings in ([["external", "debug", "1"]], []))
        token, sentence, signals = told(picture(builder=[before]), picture(builder=[now]), "builder")
        assert (token, sentence) == ("Set otherwise", "Built by b.example, as before, and set otherwise.")
        assert signals == ["Whoever started the build set it otherwise than for the last release: debug = 1 (gone)."]

    def test_an_input_without_a_digest_has_not_the_same_one(self) -> None:
        bare, pinned = {"uri": "a", "digests": []}, {"uri": "b", "digests": ["sha256:1"]}
        assert told(picture(inputs=[bare]), picture(inputs=[bare]), "inputs")[1] == "1 input, as before, without a digest."
        assert (
            told(picture(inputs=[bare, pinned]), picture(inputs=[bare, pinned]), "inputs")[1] == "2 inputs, as before, 1 without a digest."
        )
        assert told(picture(inputs=[pinned]), picture(inputs=[pinned]), "inputs")[1] == "1 input, with the same digest."

    def test_other_names_are_named_and_not_counted(self) -> None:
        first = picture(
            artifacts=[{"digest": "d", "name": name} for name in NAMES[:2]], packages={"listed": [], "unnamed": 0, "isComplete": True}
        )
        compared = compare_releases(None, first, {"tier": 3, "approvedHere": ["payments-cron", "payments-api"]})
        assert compared["signals"][-1]["sentence"] == (
            "Nothing called alpha or bravo was approved here before, so it is compared with nothing."
            " Approved here were other names, such as payments-cron and payments-api."
        )

    def test_who_starts_a_rotation_is_not_as_before_where_it_was_somebody_else(self) -> None:
        def rotation(starter: str) -> dict[str, Any]:
            return picture(
                subject={"what": "key", "initiator": {"issuer": "i", "subject": starter}, "executor": {"issuer": "i", "subject": "rotator"}}
            )

        assert told(rotation("kim"), rotation("kim"), "rotation")[1] == "Started by kim, carried out by rotator, as before."
        assert told(rotation("kim"), rotation("lee"), "rotation")[1] == "Started by lee; carried out by rotator, as before."
        # A subject tells nobody who that is; where two are called the same, their names do not either.
        parties = [{"issuer": "i", "subject": "kim", "name": "Kim Lee"}]
        assert told(None, rotation("kim"), "rotation", parties=parties)[1] == "Started by Kim Lee, carried out by rotator."
        parties.append({"issuer": "i", "subject": "rotator", "name": "Kim Lee"})
        assert told(None, rotation("kim"), "rotation", parties=parties)[1] == (
            "Started by Kim Lee (kim at i), carried out by Kim Lee (rotator at i)."
        )

    def test_a_repository_is_named_once_with_its_commits(self) -> None:
        def built(*commits: str) -> dict[str, Any]:
            return picture(source=[{"repository": "https://git.example/a", "commit": each * 40, "ref": None} for each in commits])

        assert told(None, built("a", "b"), "source")[1] == "Built from git.example/a@aaaaaaaaaaaa and bbbbbbbbbbbb."
        assert told(built("a", "b"), built("c"), "source")[1].startswith(
            "git.example/a@aaaaaaaaaaaa and bbbbbbbbbbbb → git.example/a@cccccccccccc."
        )


WEIGHED = (("mode enforce → warn", "loosened"), ("condition a → b", "changed"))
