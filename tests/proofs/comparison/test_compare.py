"""Two pictures held against each other: versions, names, order of the signals, and what hostile evidence can do to a page."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs.canonical import canonical_bytes
from proofs.comparison.compare import AREAS, MAX_ASKED, asked_signals, blocking_signals, compare_releases
from proofs.comparison.compare_contents import is_lookalike
from proofs.comparison.deployment import read_deployment
from proofs.comparison.packages import MAX_PACKAGES, read_packages
from proofs.comparison.picture import build_picture
from proofs.comparison.read_statement import read_statement
from proofs.comparison.said import MAX_ITEMS, Area, Change, listed, plain, signal_digest
from proofs.comparison.versions import order_versions

EMPTY: dict[str, Any] = build_picture(
    [], artifacts=[], policy={"id": "p", "version": "1", "digest": "0" * 64}, subject=None, team="payments", environment="production"
)


def picture(**parts: Any) -> dict[str, Any]:
    return {**EMPTY, **parts}


def named(subject: str, *scopes: str) -> dict[str, Any]:
    return {"issuer": "https://cluster.example", "subject": subject, "name": subject, "step": "deploy", "scopes": list(scopes)}


class TestVersions:
    @pytest.mark.parametrize(
        ("before", "after", "order"),
        [
            ("1.2.3", "1.2.4", 1),
            ("2.36-9+deb12u4", "2.36-9+deb12u1", -1),
            ("2.36-9", "2.36-9+deb12u1", None),
            ("1.0+abc123", "1.0+def456", None),
            ("1:2.0", "2.0", -1),
            ("1:2.0", "2:1.0", 1),
            ("1.1.1w", "1.1.1", -1),
            ("1.1.1", "1.1.1w", 1),
            ("1.1.1v", "1.1.1w", 1),
            ("1.0.2", "1.0.2a", None),
            ("1.0", "1.0a1", -1),
            ("1.0", "1.0rc1", -1),
            ("1.0", "1.0~rc1", -1),
            ("1.0", "1.0~1", -1),
            ("1.0", "1.0.post1", 1),
            ("8.9", "8.9p1", 1),
            ("1.0-beta", "1.0-RC1", 1),
            ("1.0", "1.0.Final", None),
            ("main", "dev", None),
            ("1.10.0", "1.9.9", -1),
            ("2.0", "2.0", 0),
            ("1.0", "1.0.1", 1),
            ("1.0-rc1", "1.0", 1),
            ("1.0", "1.0-rc1", -1),
            ("1.0-alpha", "1.0-beta", 1),
            ("1.0+build1", "1.0+build2", None),
            ("main", "1.0", None),
            ("v1.2", "v1.3", 1),
        ],
    )
    def test_are_ordered_where_anybody_can_tell(self, before: str, after: str, order: int | None) -> None:
        assert order_versions(before, after) == order

    @given(st.text(max_size=40), st.text(max_size=40))
    def test_backwards_is_the_other_way_round(self, before: str, after: str) -> None:
        forth, back = order_versions(before, after), order_versions(after, before)
        assert (forth is None) == (back is None)
        assert forth is None or back is None or forth == -back


class TestLookalike:
    @pytest.mark.parametrize(
        ("name", "other"),
        [("reqeusts", "requests"), ("requets", "requests"), ("lodahs", "lodash"), ("fast_csv", "fast-csv"), ("expresss", "express")],
    )
    def test_is_one_letter_away(self, name: str, other: str) -> None:
        assert is_lookalike(name, other) and is_lookalike(other, name)

    @pytest.mark.parametrize(
        ("name", "other"),
        [
            ("requests", "requests"),
            ("lib2", "lib3"),
            ("abc", "abd"),
            ("lodash", "express"),
            ("plugin1", "plugin2"),
            ("requests", "requests2"),
        ],
    )
    def test_is_not_what_only_numbers_tell_apart_or_what_is_short(self, name: str, other: str) -> None:
        assert not is_lookalike(name, other)


class TestPackages:
    def test_of_an_spdx_3_document_and_nested_components(self) -> None:
        three = {"@graph": [{"type": "software_Package", "spdxId": "a", "software_packageUrl": "pkg:npm/a@1"}, {"type": "Person"}]}
        nested = {"components": [{"purl": "pkg:npm/b@1", "components": [{"purl": "pkg:npm/c@2"}]}]}
        contents = read_packages([three, nested])
        assert [package.words for package in contents.packages] == ["a 1", "b 1", "c 2"]
        assert (contents.unnamed, contents.is_complete) == (0, True)

    def test_what_has_no_url_is_counted(self) -> None:
        contents = read_packages([{"components": [{"name": "x"}, {"purl": "nonsense"}, {"purl": "pkg:npm/a@1"}]}])
        assert (len(contents.packages), contents.unnamed) == (1, 2)

    def test_too_many_are_said_to_be_too_many(self) -> None:
        contents = read_packages([{"components": [{"purl": f"pkg:npm/p{number}@1"} for number in range(MAX_PACKAGES + 1)]}])
        assert (len(contents.packages), contents.is_complete) == (MAX_PACKAGES, False)

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=8),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        [
                            "packages",
                            "components",
                            "@graph",
                            "relationships",
                            "dependencies",
                            "externalRefs",
                            "purl",
                            "metadata",
                            "component",
                            "ref",
                        ]
                    ),
                    inner,
                    max_size=4,
                )
            ),
            max_leaves=20,
        )
    )
    def test_nothing_anybody_writes_stops_the_reading(self, value: Any) -> None:
        predicate = value if isinstance(value, dict) else {"packages": value, "components": value, "@graph": value}
        read_packages([predicate])
        read_deployment(predicate)


class TestDeployment:
    def test_silence_is_not_nothing(self) -> None:
        assert set(read_deployment({}).values()) == {None}
        assert read_deployment({"identities": []})["identities"] == {"listed": [], "unreadable": 0}

    def test_an_access_nobody_can_read_counts_as_the_wider_one(self) -> None:
        (secret,) = read_deployment({"secrets": [{"path": "a", "access": "peek"}]})["secrets"]["listed"]
        assert secret["access"] == "write"

    def test_whoever_wrote_a_commit_does_not_review_it(self) -> None:
        (commit,) = read_deployment({"commits": [{"id": "a" * 40, "author": "ana", "reviewedBy": ["ana"]}]})["commits"]["listed"]
        assert not commit["isReviewed"]

    def test_a_commit_that_cannot_be_read_counts_as_unreviewed(self) -> None:
        commits = read_deployment({"commits": [{"author": "ana"}]})["commits"]
        said = compare_releases(
            EMPTY, picture(source=[{"repository": "https://a.example/b", "commit": "a" * 40, "ref": None}], commits=commits), {}
        )
        assert [signal["id"] for signal in said["signals"]] == ["SRC_UNREVIEWED"]

    def test_a_plan_without_all_three_counts_is_not_known(self) -> None:
        assert read_deployment({"changes": {"create": 1, "update": 2}})["changes"] is None


class TestSignals:
    def test_are_in_one_order_whatever_they_are_about(self) -> None:
        now = picture(
            identities={"listed": [named("robot", "read")], "unreadable": 0},
            secrets={"listed": [{"path": "s", "access": "write", "rotationDays": 1}], "unreadable": 0},
            plan={"create": 0, "update": 0, "destroy": 2, "destroyed": []},
        )
        before = picture(identities={"listed": [], "unreadable": 0}, secrets={"listed": [], "unreadable": 0})
        said = compare_releases(before, now, {"tier": 3, "path": [{"code": "retagged", "sentence": "The tag moved."}]})
        assert [signal["id"] for signal in said["signals"]] == [
            "ART_RETAGGED",
            "NHI_NEW_IDENTITY",
            "NHI_NO_OWNER",
            "SEC_NEW_PATH",
            "PLN_DESTROYS",
        ]
        assert [name for name, _ in asked_signals(said)] == ["NHI_NEW_IDENTITY", "NHI_NO_OWNER", "SEC_NEW_PATH"]
        assert blocking_signals(said) == ["The tag moved."]

    def test_have_a_digest_over_all_their_words(self) -> None:
        before = picture(identities={"listed": [], "unreadable": 0})
        signals = [
            compare_releases(before, picture(identities={"listed": [named(name)], "unreadable": 0}), {})["signals"][0]
            for name in ("a", "b")
        ]
        assert signal_digest(signals[0]) != signal_digest(signals[1])

    def test_a_policy_whose_difference_nobody_can_tell_counts_as_loosened(self) -> None:
        other = picture(policy={"id": "p", "version": "2", "digest": "1" * 64})
        assert [signal["id"] for signal in compare_releases(EMPTY, other, {})["signals"]] == ["POL_LOOSENED"]

    def test_the_same_twice_is_one(self) -> None:
        now = picture(identities={"listed": [named("robot"), {**named("robot"), "step": "build"}], "unreadable": 0})
        said = compare_releases(picture(identities={"listed": [], "unreadable": 0}), now, {})
        assert len({json.dumps(signal, sort_keys=True) for signal in said["signals"]}) == len(said["signals"])


class TestWords:
    def test_text_from_evidence_cannot_turn_a_line_round(self) -> None:
        assert plain("safe\u202eexe.txt") == "safe\ufffdexe.txt"
        assert plain("a\x00b") == "a\ufffdb"
        assert len(plain("x" * 1000)) == 300

    def test_what_nobody_sees_and_what_only_looks_like_a_word_is_marked(self) -> None:
        assert plain("lod\u200bash") == "lod\ufffdash"
        assert plain("pay\u200fments") == "pay\ufffdments"
        assert plain("p\u0430yments-exporter may") == "p\u0430yments (letters of two alphabets)-exporter may"
        # A whole word of another alphabet, and letters with marks, are what they are.
        assert plain("\u043f\u043b\u0430\u0442\u0435\u0436 caf\u00e9") == "\u043f\u043b\u0430\u0442\u0435\u0436 caf\u00e9"

    def test_long_lists_are_cut_and_counted(self) -> None:
        area = Area(
            "packages", "changed", "notice", "many", "many", [Change("added", str(number)) for number in range(MAX_ITEMS + 5)]
        ).as_dict()
        assert (len(area["changes"]), area["more"]) == (MAX_ITEMS, 5)
        assert listed(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
        assert [listed(["a"]), listed(["a", "b"]), listed([])] == ["a", "a and b", ""]

    def test_every_area_has_its_place_in_the_order(self) -> None:
        said = compare_releases(None, EMPTY, {})
        assert {area["area"] for area in said["areas"]} <= set(AREAS)


@given(st.integers(0, 12))
def test_at_most_three_are_asked_one_by_one(count: int) -> None:
    now = picture(identities={"listed": [named(f"robot-{number}") for number in range(count)], "unreadable": 0})
    said = compare_releases(picture(identities={"listed": [], "unreadable": 0}), now, {})
    assert len(asked_signals(said)) == min(MAX_ASKED, 2 * count)
    canonical_bytes(said)


def test_bytes_that_are_no_evidence_say_nothing() -> None:
    assert read_statement(b"not json") is None
    assert read_statement(b"[]") is None


def ids(before: dict[str, Any] | None, now: dict[str, Any], context: dict[str, Any] | None = None) -> list[str]:
    return [signal["id"] for signal in compare_releases(before, now, context or {})["signals"]]


def area(before: dict[str, Any], now: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(row for row in compare_releases(before, now, {})["areas"] if row["area"] == name)
    return found


class TestWhereItWasBuilt:
    REPOSITORY = "https://git.example/payments"

    def built(
        self, *, ref: str | None = "refs/heads/main", workflow: str = f"{REPOSITORY}/build.yml", at: str = "refs/heads/main"
    ) -> dict[str, Any]:
        builder = {"id": f"{workflow}@{at}", "buildType": "t", "workflow": "build.yml", "runner": "hosted", "issuer": "i", "parameters": []}
        return picture(source=[{"repository": self.REPOSITORY, "commit": "a" * 40, "ref": ref}], builder=[builder])

    def test_another_branch_is_told(self) -> None:
        row = area(self.built(), self.built(ref="refs/heads/mallory"), "source")
        assert (row["state"], row["severity"]) == ("changed", "medium")
        assert "Built from the branch mallory; the last release from the branch main" in row["sentence"]

    def test_a_branch_in_place_of_a_tag_is_told_and_another_tag_is_not(self) -> None:
        tag, other = self.built(ref="refs/tags/v1"), self.built(ref="refs/tags/v2")
        assert "the branch main; the last release from a tag" in area(tag, self.built(), "source")["sentence"]
        assert "the last release from" not in area(tag, other, "source")["sentence"]

    def test_a_workflow_of_another_repository_at_another_branch_is_another_builder(self) -> None:
        shared = "https://git.example/shared/build.yml"
        assert ids(self.built(workflow=shared), self.built(workflow=shared, at="refs/heads/mallory")) == ["BLD_NEW_BUILDER"]
        assert ids(self.built(workflow=shared, at="refs/tags/v1"), self.built(workflow=shared, at="refs/tags/v2")) == []
        assert ids(self.built(), self.built(at="refs/heads/mallory")) == []


class TestAgents:
    def action(self, tool: str, **more: Any) -> dict[str, Any]:
        return picture(subject={"tool": tool, "target": "db", "agent": {"issuer": "i", "subject": "agent-7"}, **more})

    def test_a_tool_that_was_only_ever_allowed_elsewhere_is_new_here(self) -> None:
        assert ids(self.action("scale"), self.action("drop"), {"tools": []}) == ["AGT_NEW_TOOL"]
        assert ids(self.action("scale"), self.action("drop"), {"tools": ["drop"]}) == []
        assert ids(None, self.action("drop"), {"tools": []}) == ["REQ_FIRST_RELEASE"]

    def test_what_was_refused_is_told_when_it_is_asked_again(self) -> None:
        assert ids(self.action("drop"), self.action("drop"), {"tools": ["drop"], "denied": [{"tool": "drop", "target": "db"}]}) == [
            "AGT_DENIED_RETRY"
        ]

    def test_another_plan_is_told(self) -> None:
        assert ids(self.action("drop", plan="a"), self.action("drop", plan="b"), {"tools": ["drop"]}) == ["AGT_PLAN_DRIFT"]


class TestRotations:
    def rotation(self, executor: tuple[str, str], initiator: tuple[str, str] = ("https://sso", "kim")) -> dict[str, Any]:
        parties = {
            name: dict(zip(("issuer", "subject"), party, strict=True)) for name, party in (("executor", executor), ("initiator", initiator))
        }
        return picture(subject={"what": "the key", **parties})

    def test_the_same_name_at_another_issuer_is_another_program(self) -> None:
        before, now = self.rotation(("https://a", "rotator")), self.rotation(("https://b", "rotator"))
        assert ids(before, now) == ["ROT_EXECUTOR_CHANGED"]
        assert "rotator at https://b; last time by rotator at https://a" in compare_releases(before, now, {})["signals"][0]["sentence"]
        assert ids(before, before) == []

    def test_a_program_that_starts_its_own_rotation_is_told(self) -> None:
        alone = ("https://a", "rotator")
        assert ids(self.rotation(alone), self.rotation(alone, alone)) == ["ROT_NO_INITIATOR"]
