"""Acceptance by the numbered argument of `proofs.expectations`: each expectation with what meets it and what must not."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from proofs.claims import check_claims
from proofs.digest import parse_digest
from proofs.errors import Malformed
from proofs.evidence import verify_evidence
from proofs.expectations import Acceptance, Expectations, accept, is_match, is_of_release_line
from proofs.facts import extract_facts
from tests.proofs.factory import DIGEST, NOON, TRUST, WORKLOAD, bundle

FACTS = extract_facts(verify_evidence(bundle(), trust=TRUST, received_at=NOON))
SIGNER = FACTS["signer"]
GITHUB = "https://token.actions.githubusercontent.com"
DELEGATOR = "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/delegator_generic_slsa3.yml"
BUILDER = "https://github.com/some/builder/.github/workflows/build.yml"


def judge(facts: dict[str, Any] = FACTS, **expected: Any) -> Acceptance:
    return accept(facts, check_claims(facts), Expectations(**expected))


def signed_by(**changes: Any) -> dict[str, Any]:
    facts = copy.deepcopy(FACTS)
    facts["signer"].update(changes)
    return facts


def test_expectations_that_ask_nothing_accept_nothing() -> None:
    assert (judge().accepted, judge().code) == (False, "expectation.none")


MET: list[dict[str, Any]] = [
    {"digests": (parse_digest(f"sha256:{DIGEST}"),)},
    {"issuer": SIGNER["issuer"]},
    {"identity": SIGNER["identity"]},
    {"workflow": SIGNER["workflow"]},
    {"source_repository": SIGNER["sourceRepository"]},
    {"source_repository_id": SIGNER["sourceRepositoryId"]},
    {"ref_pattern": "^refs/tags/v.*$"},
    {"builder": SIGNER["workflow"]},
    {"builder": SIGNER["identity"]},
    {"builder": f"https://github.com/actions/runner/{SIGNER['runnerEnvironment']}"},
    {"runner": SIGNER["runnerEnvironment"]},
]


@pytest.mark.parametrize("expected", MET, ids=lambda expected: next(iter(expected)))
def test_what_holds_is_accepted(expected: dict[str, Any]) -> None:
    assert judge(**expected).accepted, judge(**expected).reason


@pytest.mark.parametrize(
    ("name", "wanted", "code"),
    [
        ("digests", (parse_digest("sha256:" + "0" * 64),), "artifact"),
        ("artifact_name", "another.tar.gz", "artifact"),
        ("issuer", SIGNER["issuer"] + "/", "issuer"),
        ("issuer", SIGNER["issuer"].upper(), "issuer"),
        ("issuer", SIGNER["issuer"].replace("https://", "https://me@"), "issuer"),
        ("identity", SIGNER["identity"] + "-evil", "identity"),
        ("identity", SIGNER["workflow"], "identity"),
        ("workflow", SIGNER["identity"], "identity"),
        ("key_id", "SHA256:any", "key"),
        ("source_repository", SIGNER["sourceRepository"] + ".evil", "source"),
        ("source_repository", SIGNER["sourceRepository"] + "/../x", "source"),
        ("source_repository", SIGNER["sourceRepository"].replace(".", "x"), "source"),
        ("source_repository_id", "0", "source"),
        ("source_owner_id", "0", "source"),
        ("branch", "main-evil", "ref"),
        ("branch", "refs/heads/main", "ref"),
        ("tag", "main", "ref"),
        ("versioned_tag", "v99", "ref"),
        ("ref_pattern", "^refs/heads/mai.$x$".replace("$x", "n"), "ref"),
        ("builder", SIGNER["workflow"] + "x", "builder"),
        ("builder", "https://github.com/actions/runner/self-hosted", "builder"),
        ("builder", "https://github.com/actions/runner/", "builder"),
        ("runner", "self-hosted", "runner"),
        ("approved_inputs", (parse_digest("sha256:" + "0" * 64),), "inputs"),
    ],
)
def test_1_to_7_what_does_not_hold_is_not(name: str, wanted: Any, code: str) -> None:
    answer = judge(**{name: wanted})
    assert (answer.accepted, answer.code) == (False, f"expectation.{code}")
    assert answer.reason.startswith("Not as expected")


def test_2_to_6_what_the_certificate_does_not_say_is_a_no() -> None:
    facts = signed_by(sourceRepositoryId=None, runnerEnvironment=None, sourceRef=None, sourceRepository=None)
    for expected in ({"source_repository_id": "1"}, {"runner": "github-hosted"}, {"branch": "main"}, {"source_repository": "None"}):
        assert not judge(facts, **expected).accepted


class TestArtifact:
    def test_1_every_digest_that_can_be_compared_must_be_right(self) -> None:
        facts = copy.deepcopy(FACTS)
        facts["subjects"] = [{"name": "a", "digests": [f"sha256:{DIGEST}", "sha512:" + "ab" * 64]}]
        right, other = parse_digest(f"sha256:{DIGEST}"), parse_digest("sha512:" + "cd" * 64)
        assert judge(facts, digests=(right,)).accepted
        assert not judge(facts, digests=(right, other)).accepted

    def test_1_two_digests_of_two_subjects_do_not_add_up(self) -> None:
        facts = copy.deepcopy(FACTS)
        facts["subjects"] = [{"name": "a", "digests": ["sha512:" + "ab" * 64]}, {"name": "b", "digests": ["sha256:" + "cd" * 32]}]
        assert not judge(facts, digests=(parse_digest("sha256:" + "ab" * 32),)).accepted


class TestReleaseLines:
    @pytest.mark.parametrize(
        ("tag", "line", "holds"),
        [
            ("v14.2.0", "v14", True),
            ("v14", "v14", True),
            ("v14.2", "v14.2", True),
            ("v14.2.9", "v14.2", True),
            ("v14.2.9", "v14.2.9", True),
            ("v14.2.9", "v14.2.0", False),
            ("v14.20.0", "v14.2", False),
            ("v140.0.0", "v14", False),
            ("v13.9.9", "v14", False),
            ("v14.2.0-rc1", "v14", False),
            ("v14", "v14.2", False),
            ("v14", "v14.0", True),
            ("v14.2", "v14.2.0", False),
            ("14.2.0", "v14", False),
            ("v14.2.0", "", False),
            ("v014.0.0", "v14", False),
            ("v14.02.0", "v14.2", False),
            ("v14.0.0", "v014", False),
            ("v0.1.0", "v0", True),
        ],
    )
    def test_4_a_tag_of_a_line(self, tag: str, line: str, holds: bool) -> None:
        assert is_of_release_line(tag, line) is holds

    def test_4_a_branch_is_no_tag(self) -> None:
        assert judge(signed_by(sourceRef="refs/tags/v1.2.3"), versioned_tag="v1").code != "expectation.ref"
        assert judge(signed_by(sourceRef="refs/heads/v1.2.3"), versioned_tag="v1").code == "expectation.ref"
        assert judge(signed_by(sourceRef="v1.2.3"), versioned_tag="v1").code == "expectation.ref"


class TestPatterns:
    @pytest.mark.parametrize(
        "pattern",
        [
            "refs/heads/main",
            "^refs/heads/main",
            "refs/heads/main$",
            "^a$|^b$",
            "^(a|b)$",
            "^a\\$",
            "^(",
            "^" + "a" * 600 + "$",
            "",
            "^.*$",
            "^.+$",
            "^refs/tags/a{99999999999999999999}$",
            "^refs/tags/($",
            "^..+$",
            r"^[^\u00a7].*$",
            "^[^x]{2,}$",
            "^refs/.+$",
            "^refs/[a-z]+/main$",
            "^refs/tags/.*.*.*.*.*x$",
            "^refs/tags/?.*$",
            "^(a+)+$",
            "^refs/tags/(a+)+$",
            "^refs/tags/(?:a*){9}$",
            r"^refs/tags/(a)\1$",
            "^refs/tags/(?P<x>a)(?P=x)$",
            "^refs/tags/(?i:a)$",
            "^refs/tags/a?a?a?a?a?a?$",
        ],
    )
    def test_a_loose_pattern_is_refused(self, pattern: str) -> None:
        with pytest.raises(Malformed) as refused:
            Expectations(ref_pattern=pattern)
        assert refused.value.code == "expectation.pattern"

    @pytest.mark.parametrize("pattern", ["^refs/tags/v[0-9.]+$", r"^refs/tags/v\d+\.\d+\.\d+(?:-rc\d+)?$", "^refs/heads/release-.*$"])
    def test_a_pattern_of_one_kind_of_ref_is_taken(self, pattern: str) -> None:
        assert Expectations(ref_pattern=pattern).ref_pattern == pattern

    def test_4_a_ref_longer_than_hosts_allow_matches_nothing(self) -> None:
        assert is_match("^refs/tags/.*$", "refs/tags/" + "a" * 245)
        assert not is_match("^refs/tags/.*$", "refs/tags/" + "a" * 246)

    def test_4_a_digit_is_one_of_ascii(self) -> None:
        for digit, holds in (("3", True), ("\N{ARABIC-INDIC DIGIT THREE}", False)):
            judged = judge(signed_by(sourceRef=f"refs/tags/v{digit}"), ref_pattern=r"^refs/tags/v\d$")
            assert (judged.code != "expectation.ref") is holds

    def test_4_a_pattern_is_matched_whole(self) -> None:
        assert judge(signed_by(sourceRef="refs/heads/main\nx"), ref_pattern="^refs/heads/main$").code == "expectation.ref"


class TestDelegators:
    def delegated(self, ref: str = "refs/tags/v2.1.0", workflow: str = DELEGATOR, issuer: str = GITHUB) -> dict[str, Any]:
        facts = signed_by(issuer=issuer, workflow=workflow, ref=ref, identity=f"{workflow}@{ref}")
        facts["claims"]["builderId"] = f"{BUILDER}@refs/tags/v1"
        facts["claims"]["stated"] = [{"claim": "builder", "at": "runDetails.builder.id", "value": f"{BUILDER}@refs/tags/v1"}]
        facts["claims"]["inputs"] = []
        return facts

    def test_a_known_one_signs_for_the_builder_it_names(self) -> None:
        answer = judge(self.delegated(), builder=BUILDER)
        assert answer.accepted, answer.reason
        assert [finding.outcome for finding in answer.findings if finding.code == "claims.delegated"] == ["review"]

    def test_not_for_one_it_does_not_name(self) -> None:
        assert judge(self.delegated(), builder=BUILDER + "x").code == "expectation.builder"

    @pytest.mark.parametrize(
        "changes",
        [
            {"ref": "refs/heads/main"},
            {"ref": "refs/tags/v2.1.0-rc.1"},
            {"workflow": DELEGATOR.replace("slsa-framework", "slsa-framewоrk")},
            {"workflow": DELEGATOR.replace("delegator", "other")},
            {"issuer": "https://gitlab.com"},
        ],
    )
    def test_not_one_that_only_looks_like_it(self, changes: dict[str, str]) -> None:
        assert judge(self.delegated(**changes), builder=BUILDER).code == "expectation.builder"

    def test_not_where_another_builder_is_named_beside_it(self) -> None:
        facts = self.delegated()
        facts["claims"]["stated"].append({"claim": "builder", "at": "builder.id", "value": "https://evil.example"})
        assert judge(facts, builder=BUILDER).code == "expectation.builder"

    def test_a_delegators_word_counts_only_for_who_expects_that_builder(self) -> None:
        assert judge(self.delegated(), source_repository=SIGNER["sourceRepository"]).code == "claims.builder"


def test_5_a_release_of_a_builder_may_be_written_short() -> None:
    facts = signed_by(identity=f"{BUILDER}@refs/tags/v2.1.0", workflow=BUILDER)
    answer = judge(facts, builder=f"{BUILDER}@v2.1.0")
    assert [finding.outcome for finding in answer.findings if finding.code == "expectation.builder"] == ["pass"]
    assert judge(facts, builder=f"{BUILDER}@v2.1.1").code == "expectation.builder"


class TestContradictions:
    def test_8_a_builder_that_is_confirmed_excuses_no_other_that_is_named(self) -> None:
        facts = self.contradicting("builder", "runDetails.builder.id", "https://evil.example")
        assert judge(facts, builder=SIGNER["workflow"]).code == "claims.builder"

    def contradicting(self, claim: str, at: str, value: str) -> dict[str, Any]:
        facts = copy.deepcopy(FACTS)
        facts["claims"]["stated"].append({"claim": claim, "at": at, "value": value})
        return facts

    @pytest.mark.parametrize(
        ("claim", "value"),
        [
            ("builder", "https://trusted.example"),
            ("source", "https://github.com/other/x"),
            ("commit", "f" * 40),
            ("ref", "refs/heads/other"),
        ],
    )
    def test_8_one_rejects_unless_the_signer_is_expected_by_exact_name(self, claim: str, value: str) -> None:
        facts = self.contradicting(claim, "somewhere", value)
        assert judge(facts, workflow=SIGNER["workflow"]).code == f"claims.{claim}"
        assert judge(facts, issuer=SIGNER["issuer"]).code == f"claims.{claim}"
        pinned = judge(facts, issuer=SIGNER["issuer"], identity=SIGNER["identity"])
        assert pinned.accepted
        assert any(finding.outcome == "review" and finding.code == f"claims.{claim}" for finding in pinned.findings)

    @pytest.mark.parametrize("claim", ["source", "commit", "ref"])
    def test_8_one_about_what_is_expected_always_rejects(self, claim: str) -> None:
        facts = self.contradicting(claim, "somewhere", "https://github.com/other/x" if claim == "source" else "f" * 40)
        answer = judge(facts, issuer=SIGNER["issuer"], identity=SIGNER["identity"], source_repository=SIGNER["sourceRepository"])
        assert answer.code == f"claims.{claim}"

    def test_the_workload_of_the_tests_contradicts_nothing(self) -> None:
        assert WORKLOAD.identity == SIGNER["identity"]
